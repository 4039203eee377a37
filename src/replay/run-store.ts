import type { Knex } from 'knex';
import { formatLsn, parseLsn, type Lsn } from '../postgres/lsn.js';
import { rowOf, rowsOf } from '../postgres/query.js';
import type { LaneSnapshot } from '../queue/queue-sink.js';
import type { ReplayRange } from './window.js';

/** What was asked for, as it was written: the same again means the same run. */
export interface ReplayArguments {
  readonly from: string;
  readonly to: string | null;
  /** Sorted; empty: all. */
  readonly events: readonly string[];
  readonly accounts: readonly string[];
  readonly resend: boolean;
}

/** Commits and calls by name. */
export interface Counts {
  readonly commits: number;
  readonly calls: Readonly<Record<string, number>>;
}

export const NO_COUNTS: Counts = { commits: 0, calls: {} };

export interface NewRun {
  readonly slotName: string;
  readonly source: string;
  readonly arguments: ReplayArguments;
  /** Behind every message id of the run; null: the ids as they were. */
  readonly idSuffix: string | null;
  readonly range: ReplayRange;
  readonly planned: Counts;
}

export interface ReplayRun extends NewRun {
  readonly id: string;
  /** Everything of the run up to here is in Redis. */
  readonly position: Lsn;
  /** The lane as it was then: a Redis that holds less has lost a part of the run. */
  readonly lane: LaneSnapshot;
  /** Of what is up to there. */
  readonly done: Counts;
}

interface RunRow {
  id: string;
  slot_name: string;
  source: string;
  arguments: ReplayArguments;
  id_suffix: string | null;
  from_lsn: string;
  to_lsn: string;
  from_us: string | null;
  to_us: string | null;
  position: string;
  lane: LaneSnapshot;
  planned: Counts;
  done: Counts;
}

const COLUMNS = `id::text, slot_name, source, arguments, id_suffix, from_lsn::text, to_lsn::text,
  from_time_us::text AS from_us, to_time_us::text AS to_us, position::text, lane, planned, done`;

/** Runs that were begun and not finished, latest first. @throws ConnectorError DATABASE_… */
export async function unfinishedRuns(knex: Knex, slotName: string): Promise<ReplayRun[]> {
  const rows = await rowsOf<RunRow>(
    knex,
    'looking for an unfinished replay',
    `SELECT ${COLUMNS} FROM segment_connector.replay_run
    WHERE slot_name = ? AND finished_at IS NULL ORDER BY id DESC`,
    [slotName],
  );
  return rows.map(runFromRow);
}

export async function insertRun(knex: Knex, run: NewRun): Promise<ReplayRun> {
  const { range } = run;
  const row = await rowOf<RunRow>(
    knex,
    'recording the replay',
    `INSERT INTO segment_connector.replay_run (slot_name, source, arguments, id_suffix, from_lsn, to_lsn, from_time_us,
      to_time_us, position, planned, done)
    VALUES (?, ?, ?::jsonb, ?, ?::pg_lsn, ?::pg_lsn, ?::bigint, ?::bigint, ?::pg_lsn, ?::jsonb, ?::jsonb)
    RETURNING ${COLUMNS}`,
    [
      run.slotName,
      run.source,
      JSON.stringify(run.arguments),
      run.idSuffix,
      formatLsn(range.from),
      formatLsn(range.to),
      textOrNull(range.fromTimeUs),
      textOrNull(range.toTimeUs),
      formatLsn(range.from),
      JSON.stringify(run.planned),
      JSON.stringify(NO_COUNTS),
    ],
  );
  return runFromRow(row);
}

/** When this resolves a resumed run begins at `position`. */
export async function saveRun(
  knex: Knex,
  id: string,
  reached: Pick<ReplayRun, 'position' | 'lane' | 'done'>,
): Promise<void> {
  await rowsOf(
    knex,
    'recording how far the replay has come',
    `UPDATE segment_connector.replay_run SET position = ?::pg_lsn, lane = ?::jsonb, done = ?::jsonb, updated_at = now()
    WHERE id = ?::bigint`,
    [formatLsn(reached.position), JSON.stringify(reached.lane), JSON.stringify(reached.done), id],
  );
}

/** A run that is over, or given up, is not resumed. */
export async function finishRun(knex: Knex, id: string): Promise<void> {
  await rowsOf(
    knex,
    'recording the end of the replay',
    `UPDATE segment_connector.replay_run SET finished_at = now(), updated_at = now() WHERE id = ?::bigint`,
    [id],
  );
}

function runFromRow(row: RunRow): ReplayRun {
  return {
    id: row.id,
    slotName: row.slot_name,
    source: row.source,
    arguments: row.arguments,
    idSuffix: row.id_suffix,
    range: {
      from: parseLsn(row.from_lsn),
      to: parseLsn(row.to_lsn),
      fromTimeUs: row.from_us === null ? null : Number(row.from_us),
      toTimeUs: row.to_us === null ? null : Number(row.to_us),
    },
    position: parseLsn(row.position),
    lane: row.lane,
    planned: row.planned,
    done: row.done,
  };
}

function textOrNull(value: number | null): string | null {
  return value === null ? null : String(value);
}
