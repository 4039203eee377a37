import { ConnectorError } from '../errors/connector-error.js';
import { connectClient, type DatabaseOptions } from '../postgres/connection.js';
import { databaseError } from '../postgres/database-error.js';

/**
 * Makes sure that one replay at a time runs against a slot. The lock belongs to a connection of its own, so it ends with
 * this process, however that ends.
 * @throws ConnectorError REPLAY_RUNNING, DATABASE_…
 */
export async function holdReplayLock(database: DatabaseOptions, slotName: string): Promise<AsyncDisposable> {
  const client = await connectClient({ ...database, applicationName: 'paytronix-segment-replay' });
  const release = { [Symbol.asyncDispose]: async () => client.end() };
  try {
    const { rows } = await client.query<{ held: boolean }>(
      `SELECT pg_try_advisory_lock(hashtext('segment_connector.replay'), hashtext($1)) AS held`,
      [slotName],
    );
    if (rows[0]?.held === true) return release;
  } catch (error) {
    await client.end();
    throw databaseError(error, 'taking the replay lock');
  }
  await client.end();
  throw new ConnectorError('REPLAY_RUNNING', `a replay of slot ${slotName} is running`, {
    facts: { slot: slotName },
  });
}
