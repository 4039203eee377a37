import type { Knex } from 'knex';
import { rowsOf } from '../postgres/query.js';
import type { Tally, TallyChannel } from '../queue/tally.js';

/** Adds modulo 2^64: an overflow of bigint would be an error. */
const ADDED = `((((tally.sum::numeric + excluded.sum + 9223372036854775808) % 18446744073709551616
  + 18446744073709551616) % 18446744073709551616) - 9223372036854775808)::bigint`;

/**
 * Remembers, the first time, from which commit on deliveries are counted: what capture had confirmed by then was sent by a
 * release that did not count. Called before capture starts.
 */
export async function beginTallies(knex: Knex, source: string, slotName: string): Promise<void> {
  await rowsOf(
    knex,
    'beginning the tallies',
    `INSERT INTO segment_connector.tally_batch (source, batch, counted_from)
    VALUES (?, '', (SELECT commit_time FROM segment_connector.checkpoint WHERE slot_name = ?)) ON CONFLICT DO NOTHING`,
    [source, slotName],
  );
}

/** From which commit on deliveries are counted, microseconds since 1970: 0 = all; null: nothing was ever counted. */
export async function countedFromUs(knex: Knex, source: string): Promise<number | null> {
  const [row] = await rowsOf<{ us: string }>(
    knex,
    'reading the tallies',
    `SELECT coalesce((extract(epoch FROM counted_from) * 1000000)::bigint, 0)::text AS us
    FROM segment_connector.tally_batch WHERE source = ?`,
    [source],
  );
  return row === undefined ? null : Number(row.us);
}

/**
 * Takes the source's row and gives the name of the last batch that was added, empty before the first. Until the transaction
 * ends nobody else moves tallies of this source.
 */
export async function lockTallies(transaction: Knex, source: string): Promise<string> {
  const [row] = await rowsOf<{ batch: string }>(
    transaction,
    'taking the tallies over',
    `SELECT batch FROM segment_connector.tally_batch WHERE source = ? FOR UPDATE`,
    [source],
  );
  if (row === undefined) throw new RangeError(`the tallies of source ${source} were never begun`);
  return row.batch;
}

/** Adds a batch and remembers its name, in the caller's transaction. */
export async function addTallies(
  transaction: Knex,
  source: string,
  batch: { readonly id: string; readonly tallies: readonly Tally[] },
): Promise<void> {
  const rows = batch.tallies.map((tally) => ({ ...tally, sum: tally.sum.toString() }));
  await rowsOf(
    transaction,
    'adding tallies',
    `INSERT INTO segment_connector.tally AS tally (source, sum, count, minute, run, name, channel)
    SELECT ?, t.sum, t.count, t.minute, t.run, t.name, t.channel
    FROM jsonb_to_recordset(?::jsonb) AS t(sum bigint, count int, minute int, run int, name smallint, channel smallint)
    ON CONFLICT (source, minute, name, channel, run)
    DO UPDATE SET count = tally.count + excluded.count, sum = ${ADDED}`,
    [source, JSON.stringify(rows)],
  );
  await rowsOf(
    transaction,
    'adding tallies',
    `UPDATE segment_connector.tally_batch SET batch = ?, moved_at = now() WHERE source = ?`,
    [batch.id, source],
  );
}

interface TallyRow {
  sum: string;
  count: number;
  minute: number;
  run: number;
  name: number;
  channel: TallyChannel;
}

/** What PostgreSQL has of the minutes from inclusive to exclusive, and the batch that was added last, as of one moment. */
export async function readTallies(
  knex: Knex,
  source: string,
  minutes: { readonly from: number; readonly to: number },
): Promise<{ readonly batch: string; readonly tallies: readonly Tally[] }> {
  const [row] = await rowsOf<{ batch: string | null; tallies: TallyRow[] }>(
    knex,
    'reading the tallies',
    `SELECT (SELECT batch FROM segment_connector.tally_batch WHERE source = ?) AS batch,
      coalesce((SELECT json_agg(json_build_object('sum', sum::text, 'count', count, 'minute', minute, 'run', run, 'name', name,
          'channel', channel))
        FROM segment_connector.tally WHERE source = ? AND minute >= ? AND minute < ?), '[]') AS tallies`,
    [source, source, minutes.from, minutes.to],
  );
  const tallies = (row?.tallies ?? []).map((tally) => ({ ...tally, sum: BigInt(tally.sum) }));
  return { batch: row?.batch ?? '', tallies };
}
