import type { Knex } from 'knex';

import { TIME_FROM_US } from './checkpoint-store.js';
import { formatLsn, parseLsn, type Lsn } from './lsn.js';
import { rowsOf } from './query.js';

/** Where a Segment source takes part in the stream. */
export interface SourceState {
  readonly source: string;
  /** Null: it has not taken part yet, or not again since it was removed. */
  readonly added: AddedState | null;
  /** It took part once and was taken out of the configuration. */
  readonly removed: boolean;
  /** Null: it takes part in the live stream. */
  readonly parked: ParkedState | null;
  /** Microseconds since 1970; null: it is not paused. */
  readonly pausedAtUs: number | null;
}

export interface AddedState {
  /** Commits that end at or before it are none of the source's affair. */
  readonly lsn: Lsn;
  /** When the last of them was committed; microseconds since 1970. */
  readonly atUs: number;
}

/** Everything up to a position is queued for the source, and what follows is brought later. */
export interface ParkedState {
  readonly upTo: Lsn;
  /** Of a commit at or before it; microseconds since 1970, null: not known. */
  readonly commitTimeUs: number | null;
  readonly sinceUs: number;
}

interface SourceRow {
  source: string;
  added_lsn: string | null;
  added_us: string | null;
  removed: boolean;
  parked_lsn: string | null;
  parked_commit_us: string | null;
  parked_us: string | null;
  paused_us: string | null;
}

const US = (column: string): string => `(extract(epoch FROM ${column}) * 1000000)::bigint::text`;

/** By name, those that were removed among them. @throws ConnectorError DATABASE_… */
export async function readSources(knex: Knex, slotName: string): Promise<ReadonlyMap<string, SourceState>> {
  const rows = await rowsOf<SourceRow>(
    knex,
    'reading the sources',
    `SELECT source, added_lsn::text, ${US('added_at')} AS added_us, removed_at IS NOT NULL AS removed, parked_lsn::text,
      ${US('parked_commit_time')} AS parked_commit_us, ${US('parked_at')} AS parked_us, ${US('paused_at')} AS paused_us
    FROM segment_connector.source WHERE slot_name = ? ORDER BY source`,
    [slotName],
  );
  return new Map(rows.map((row) => [row.source, stateFrom(row)]));
}

function stateFrom(row: SourceRow): SourceState {
  return {
    source: row.source,
    added: row.added_lsn === null ? null : { lsn: parseLsn(row.added_lsn), atUs: Number(row.added_us) },
    removed: row.removed,
    parked:
      row.parked_lsn === null
        ? null
        : {
            upTo: parseLsn(row.parked_lsn),
            commitTimeUs: numberOrNull(row.parked_commit_us),
            sinceUs: Number(row.parked_us),
          },
    pausedAtUs: numberOrNull(row.paused_us),
  };
}

/** A source that is new, or comes back: it takes part from now on. */
export async function addSource(
  knex: Knex,
  slotName: string,
  source: string,
  added: AddedState,
): Promise<void> {
  await rowsOf(
    knex,
    'adding a source',
    `INSERT INTO segment_connector.source (slot_name, source, added_lsn, added_at)
    VALUES (?, ?, ?::pg_lsn, ${TIME_FROM_US})
    ON CONFLICT (slot_name, source) DO UPDATE SET added_lsn = excluded.added_lsn, added_at = excluded.added_at,
      removed_at = NULL, parked_lsn = NULL, parked_commit_time = NULL, parked_at = NULL`,
    [slotName, source, formatLsn(added.lsn), String(added.atUs)],
  );
}

/** Its row stays, so that it is known to be new when it comes back. */
export async function removeSource(knex: Knex, slotName: string, source: string): Promise<void> {
  await rowsOf(
    knex,
    'removing a source',
    `UPDATE segment_connector.source SET removed_at = now(), added_lsn = NULL, added_at = NULL, parked_lsn = NULL, parked_commit_time = NULL,
      parked_at = NULL WHERE slot_name = ? AND source = ?`,
    [slotName, source],
  );
}

/** Parks a source, or moves a parked one to another position. */
export async function parkSource(
  knex: Knex,
  slotName: string,
  source: string,
  at: Pick<ParkedState, 'upTo' | 'commitTimeUs'>,
): Promise<void> {
  await rowsOf(
    knex,
    'parking a source',
    `UPDATE segment_connector.source SET parked_lsn = ?::pg_lsn, parked_commit_time = ${TIME_FROM_US},
      parked_at = coalesce(parked_at, now()) WHERE slot_name = ? AND source = ?`,
    [formatLsn(at.upTo), at.commitTimeUs === null ? null : String(at.commitTimeUs), slotName, source],
  );
}

/** The source takes part in the live stream again. */
export async function unparkSource(knex: Knex, slotName: string, source: string): Promise<void> {
  await rowsOf(
    knex,
    'letting a source take part again',
    `UPDATE segment_connector.source SET parked_lsn = NULL, parked_commit_time = NULL, parked_at = NULL
    WHERE slot_name = ? AND source = ?`,
    [slotName, source],
  );
}

/**
 * Pauses a source, or lets it go on; also one that has not taken part yet. A source paused already stays so since when it was.
 * @returns since when it is paused, microseconds since 1970; null: it is not
 */
export async function setPaused(
  knex: Knex,
  slotName: string,
  source: string,
  paused: boolean,
): Promise<number | null> {
  const [row] = await rowsOf<{ paused_us: string | null }>(
    knex,
    paused ? 'pausing a source' : 'resuming a source',
    `INSERT INTO segment_connector.source AS held (slot_name, source, paused_at) VALUES (?, ?, ${paused ? 'now()' : 'NULL'})
    ON CONFLICT (slot_name, source) DO UPDATE SET
      paused_at = ${paused ? 'coalesce(held.paused_at, excluded.paused_at)' : 'NULL'}
    RETURNING ${US('paused_at')} AS paused_us`,
    [slotName, source],
  );
  return numberOrNull(row?.paused_us ?? null);
}

function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text);
}
