import type { Knex } from 'knex';
import { ConnectorError } from '../errors/connector-error.js';
import type { CallName } from '../events/event.js';
import { rowOf, rowsOf } from '../postgres/query.js';
import type { LaneSnapshot } from '../queue/queue-sink.js';
import type { FeedName } from './feeds.js';
import { requestText, type BackfillRequest, type BackfillSpan } from './request.js';
import type { Position } from './stretch.js';

/** How many calls were queued so far, by name. */
export type CallCounts = Readonly<Partial<Record<CallName, number>>>;

export interface RunProgress {
  /** Up to where each feed is in Redis; a feed that is missing has not begun. */
  readonly positions: ReadonlyMap<FeedName, Position>;
  readonly rowsRead: number;
  readonly calls: CallCounts;
}

export interface BackfillRun extends RunProgress {
  readonly id: string;
  readonly span: BackfillSpan;
  /** Begun by an earlier process. */
  readonly isResumed: boolean;
  /** What the lane held when the positions were saved: they say nothing once Redis has lost it. */
  readonly lanes: LaneSnapshot;
}

interface RunRow {
  id: string;
  since_us: string | null;
  until_us: string;
  positions: Partial<Record<FeedName, Position>>;
  rows_read: string;
  calls: CallCounts;
  lanes: LaneSnapshot;
}

const COLUMNS = 'id::text, since_us::text, until_us::text, positions, rows_read::text, calls, lanes';

export interface OpenRunOptions {
  readonly knex: Knex;
  readonly source: string;
  readonly request: BackfillRequest;
  /** The gap that is filled; null: none. */
  readonly gapId: string | null;
  /** Of a run that begins now. */
  readonly span: BackfillSpan;
  /** Why a new run must not begin unless it was confirmed; null: it may. One that goes on was confirmed before. */
  readonly unconfirmed: string | null;
}

/** The unfinished run of this very request, else a new one. @throws ConnectorError BACKFILL_REFUSED, DATABASE_… */
export async function openRun(options: OpenRunOptions): Promise<BackfillRun> {
  const { knex, source, request, gapId, span } = options;
  const text = requestText(request);
  const [known] = await rowsOf<RunRow>(
    knex,
    'looking for an unfinished backfill',
    `SELECT ${COLUMNS} FROM segment_connector.backfill_run
      WHERE finished_at IS NULL AND source = ? AND request = ?::jsonb AND gap_id IS NOT DISTINCT FROM ?::bigint
      ORDER BY id DESC LIMIT 1`,
    [source, text, gapId],
  );
  if (known !== undefined) return runFrom(known, true, span);
  if (options.unconfirmed !== null) throw new ConnectorError('BACKFILL_REFUSED', options.unconfirmed);
  const made = await rowOf<RunRow>(
    knex,
    'recording a backfill',
    `INSERT INTO segment_connector.backfill_run (source, request, gap_id, since_us, until_us)
     VALUES (?, ?::jsonb, ?::bigint, ?::bigint, ?::bigint) RETURNING ${COLUMNS}`,
    [source, text, gapId, span.sinceUs === null ? null : String(span.sinceUs), String(span.untilUs)],
  );
  return runFrom(made, false, span);
}

function runFrom(row: RunRow, isResumed: boolean, { streamedFromUs = null }: BackfillSpan): BackfillRun {
  return {
    id: row.id,
    isResumed,
    span: {
      sinceUs: row.since_us === null ? null : Number(row.since_us),
      untilUs: Number(row.until_us),
      streamedFromUs,
    },
    positions: new Map(Object.entries(row.positions) as [FeedName, Position][]),
    rowsRead: Number(row.rows_read),
    calls: row.calls,
    lanes: row.lanes,
  };
}

/** To be called when Redis holds everything up to these positions. */
export async function saveRun(
  knex: Knex,
  id: string,
  progress: RunProgress & { readonly lanes: LaneSnapshot },
): Promise<void> {
  await rowsOf(
    knex,
    'saving how far the backfill is',
    `UPDATE segment_connector.backfill_run SET positions = ?::jsonb, rows_read = ?::bigint, calls = ?::jsonb,
      lanes = ?::jsonb, updated_at = now() WHERE id = ?::bigint`,
    [
      JSON.stringify(Object.fromEntries(progress.positions)),
      String(progress.rowsRead),
      JSON.stringify(progress.calls),
      JSON.stringify(progress.lanes),
      id,
    ],
  );
}

/** The run from its beginning: what it had queued is gone. */
export function begunAgain(run: BackfillRun): BackfillRun {
  return { ...run, positions: new Map(), rowsRead: 0, calls: {}, lanes: {} };
}

export async function finishRun(knex: Knex, id: string): Promise<void> {
  await rowsOf(
    knex,
    'finishing the backfill',
    `UPDATE segment_connector.backfill_run SET finished_at = now(), updated_at = now() WHERE id = ?::bigint`,
    [id],
  );
}

/** Unfinished runs of this request are given up: the next begins at the beginning. */
export async function giveUpRuns(knex: Knex, source: string, request: BackfillRequest): Promise<void> {
  await rowsOf(
    knex,
    'giving up an unfinished backfill',
    `UPDATE segment_connector.backfill_run SET finished_at = now(), updated_at = now()
      WHERE finished_at IS NULL AND source = ? AND request = ?::jsonb AND gap_id IS NULL`,
    [source, requestText(request)],
  );
}
