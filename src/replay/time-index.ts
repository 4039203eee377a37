import type { Knex } from 'knex';

import { TIME_FROM_US } from '../postgres/checkpoint-store.js';
import { formatLsn, parseLsn, type Lsn } from '../postgres/lsn.js';
import { rowsOf } from '../postgres/query.js';

/** Rows lie at least this far apart. */
const INTERVAL_SECONDS = 60;

/**
 * Notes that everything up to `lsn` was committed by now, by the server's own clock. At most one row a minute; while
 * nothing moves there is none at all. Resolves with whether a row was written.
 * @throws ConnectorError DATABASE_…
 */
export async function notePosition(knex: Knex, slotName: string, lsn: Lsn): Promise<boolean> {
  const rows = await rowsOf(
    knex,
    'noting the position',
    `INSERT INTO segment_connector.position_time (slot_name, lsn, at)
    SELECT ?, ?::pg_lsn, clock_timestamp()
    WHERE NOT EXISTS (SELECT FROM segment_connector.position_time WHERE slot_name = ?
      AND (lsn >= ?::pg_lsn OR at > clock_timestamp() - interval '${INTERVAL_SECONDS} seconds'))
    ON CONFLICT DO NOTHING RETURNING lsn`,
    [slotName, formatLsn(lsn), slotName, formatLsn(lsn)],
  );
  return rows.length > 0;
}

/**
 * The latest known position such that no commit at or before it is later than `timeUs` (microseconds since 1970):
 * whoever begins there misses nothing committed since. It lies up to a minute, and whatever capture was behind, before
 * the first such commit: compare commit times from there on. Null: the index does not reach back that far.
 * @throws ConnectorError DATABASE_…
 */
export async function lsnAtTime(knex: Knex, slotName: string, timeUs: number): Promise<Lsn | null> {
  const [row] = await rowsOf<{ lsn: string }>(
    knex,
    'looking up the position of a time',
    `SELECT lsn::text FROM segment_connector.position_time WHERE slot_name = ? AND at <= ${TIME_FROM_US}
    ORDER BY lsn DESC LIMIT 1`,
    [slotName, String(Math.floor(timeUs))],
  );
  return row === undefined ? null : parseLsn(row.lsn);
}

/** By when everything at or before this position was committed, microseconds since 1970; null: not known. */
export async function timeAtLsn(knex: Knex, slotName: string, lsn: Lsn): Promise<number | null> {
  const [row] = await rowsOf<{ us: string }>(
    knex,
    'looking up the time of a position',
    `SELECT (extract(epoch FROM at) * 1000000)::bigint::text AS us FROM segment_connector.position_time
    WHERE slot_name = ? AND lsn >= ?::pg_lsn ORDER BY lsn LIMIT 1`,
    [slotName, formatLsn(lsn)],
  );
  return row === undefined ? null : Number(row.us);
}

/** Forgets what lies before the window, but keeps the last row at or before its start. @throws ConnectorError DATABASE_… */
export async function prunePositions(knex: Knex, slotName: string, windowStart: Lsn): Promise<void> {
  await rowsOf(
    knex,
    'pruning the time index',
    `DELETE FROM segment_connector.position_time WHERE slot_name = ? AND lsn <
      (SELECT max(lsn) FROM segment_connector.position_time WHERE slot_name = ? AND lsn <= ?::pg_lsn)`,
    [slotName, slotName, formatLsn(windowStart)],
  );
}
