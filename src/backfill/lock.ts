import { ConnectorError } from '../errors/connector-error.js';
import { connectClient, type DatabaseOptions } from '../postgres/connection.js';
import { databaseError } from '../postgres/database-error.js';

/** Shown in pg_stat_activity. */
export const BACKFILL_APPLICATION = 'paytronix-segment-backfill';

/**
 * Makes sure that one backfill at a time fills a source's lane. The lock belongs to a connection of its own, so it ends
 * with this process, however that ends.
 * @throws ConnectorError BACKFILL_RUNNING, DATABASE_…
 */
export async function holdBackfillLock(database: DatabaseOptions, source: string): Promise<AsyncDisposable> {
  const client = await connectClient({ ...database, applicationName: BACKFILL_APPLICATION });
  const release = { [Symbol.asyncDispose]: async () => client.end() };
  try {
    const { rows } = await client.query<{ held: boolean }>(
      `SELECT pg_try_advisory_lock(hashtext('segment_connector.backfill'), hashtext($1)) AS held`,
      [source],
    );
    if (rows[0]?.held === true) return release;
  } catch (error) {
    await client.end();
    throw databaseError(error, 'taking the backfill lock');
  }
  await client.end();
  throw new ConnectorError('BACKFILL_RUNNING', `a backfill of source ${source} is running`, {
    facts: { source },
  });
}
