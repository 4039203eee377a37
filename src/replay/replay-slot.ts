import type { Knex } from 'knex';

import { toError } from '../errors/connector-error.js';
import { failpoint } from '../lifecycle/failpoint.js';
import { connectClient, type DatabaseOptions } from '../postgres/connection.js';
import { databaseError } from '../postgres/database-error.js';
import { formatLsn, parseLsn, type Lsn } from '../postgres/lsn.js';
import { quoteName, rowOf } from '../postgres/query.js';
import { dropSlot, isInvalidated, readSlot, replaySlotName, type SlotState } from '../postgres/slot.js';

export type EnsuredReplaySlot =
  | { readonly tag: 'kept' | 'made'; readonly slot: SlotState }
  /** There is no main slot to copy, it is invalidated, or somebody streams from it. */
  | { readonly tag: 'impossible'; readonly reason: 'slot-missing' | 'slot-lost' | 'slot-held' };

/**
 * Makes the replay slot where it is missing, as a copy of the main slot while nobody streams from that: both then stand
 * at one position. An invalidated one is made anew. A copy loses the `failover` property, so it is set again.
 * @throws ConnectorError DATABASE_…: among them DATABASE_UNREACHABLE when the server has no slot to spare (SQLSTATE 53400)
 * @see https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION
 */
export async function ensureReplaySlot(
  knex: Knex,
  database: DatabaseOptions,
  slotName: string,
): Promise<EnsuredReplaySlot> {
  const name = replaySlotName(slotName);
  const main = await readSlot(knex, slotName);
  const held = await readSlot(knex, name);
  if (held !== null && !isInvalidated(held)) {
    return { tag: 'kept', slot: await withFailoverOf(main, held, knex, database) };
  }
  if (main === null) return { tag: 'impossible', reason: 'slot-missing' };
  if (isInvalidated(main)) return { tag: 'impossible', reason: 'slot-lost' };
  if (main.active) return { tag: 'impossible', reason: 'slot-held' };
  if (held !== null) await dropSlot(knex, name);
  await rowOf(
    knex,
    'copying the replication slot',
    `SELECT lsn::text FROM pg_copy_logical_replication_slot(?, ?)`,
    [slotName, name],
  );
  failpoint('replay-slot-copied');
  const made = await readSlot(knex, name);
  if (made === null) throw new RangeError(`slot ${name} vanished while it was made`);
  return { tag: 'made', slot: await withFailoverOf(main, made, knex, database) };
}

/** The copy of a slot that physical standbys keep must be kept there too, or a failover ends the window. */
async function withFailoverOf(
  main: SlotState | null,
  slot: SlotState,
  knex: Knex,
  database: DatabaseOptions,
): Promise<SlotState> {
  if (main?.failover !== true || slot.failover || slot.active) return slot;
  // A setting of the wire protocol's start-up packet that node-postgres passes on but its types do not name.
  const extra: Record<string, unknown> = { replication: 'database' };
  const client = await connectClient(database, extra);
  try {
    await client.query(`ALTER_REPLICATION_SLOT ${quoteName(slot.slotName)} (FAILOVER true)`);
  } catch (error) {
    throw databaseError(toError(error), 'setting the failover property of the replay slot');
  } finally {
    await client.end();
  }
  return (await readSlot(knex, slot.slotName)) ?? slot;
}

/**
 * Moves the slot forward to exactly this position; re-reads WAL from restart_lsn up to there.
 * @throws ConnectorError DATABASE_QUERY (55006: somebody uses it), DATABASE_BUSY (the statement timeout)
 */
export async function advanceReplaySlot(knex: Knex, name: string, to: Lsn): Promise<Lsn> {
  const { lsn } = await rowOf<{ lsn: string }>(
    knex,
    'advancing the replay slot',
    `SELECT end_lsn::text AS lsn FROM pg_replication_slot_advance(?, ?::pg_lsn)`,
    [name, formatLsn(to)],
  );
  failpoint('replay-slot-advanced');
  return parseLsn(lsn);
}
