import type { Knex } from 'knex';

import { TIME_FROM_US } from './checkpoint-store.js';
import { formatLsn, parseLsn, type Lsn } from './lsn.js';
import { rowOf, rowsOf } from './query.js';

/** A stretch of the stream that was not, or may not have been, sent. */
export interface NewGap {
  readonly slotName: string;
  /** The Segment source concerned; null = all. */
  readonly source: string | null;
  /** Exclusive start and inclusive end; null = unknown. */
  readonly fromLsn: Lsn | null;
  readonly toLsn: Lsn | null;
  /** Microseconds since 1970; null = unknown. */
  readonly fromTimeUs: number | null;
  readonly toTimeUs: number | null;
  readonly reason: string;
}

export interface Gap extends NewGap {
  readonly id: string;
  readonly detectedAtUs: number;
  /** Null while open. */
  readonly closedAtUs: number | null;
  readonly closedBy: string | null;
}

interface GapRow {
  id: string;
  slot_name: string;
  source: string | null;
  from_lsn: string | null;
  to_lsn: string | null;
  from_us: string | null;
  to_us: string | null;
  reason: string;
  detected_us: string;
  closed_us: string | null;
  closed_by: string | null;
}

/** Writes an open gap and returns its id. @throws ConnectorError DATABASE_… */
export async function insertGap(knex: Knex, gap: NewGap): Promise<string> {
  const { id } = await rowOf<{ id: string }>(
    knex,
    'recording a gap',
    `INSERT INTO segment_connector.gap (slot_name, source, from_lsn, to_lsn, from_time, to_time, reason)
    VALUES (?, ?, ?::pg_lsn, ?::pg_lsn, ${TIME_FROM_US}, ${TIME_FROM_US}, ?) RETURNING id::text`,
    [
      gap.slotName,
      gap.source,
      gap.fromLsn === null ? null : formatLsn(gap.fromLsn),
      gap.toLsn === null ? null : formatLsn(gap.toLsn),
      gap.fromTimeUs === null ? null : String(gap.fromTimeUs),
      gap.toTimeUs === null ? null : String(gap.toTimeUs),
      gap.reason,
    ],
  );
  return id;
}

/** Marks a gap as dealt with; `closedBy` says how (for instance `replay`). Closing twice keeps the first answer. */
export async function closeGap(knex: Knex, id: string, closedBy: string): Promise<void> {
  await rowsOf(
    knex,
    'closing a gap',
    `UPDATE segment_connector.gap SET closed_at = now(), closed_by = ? WHERE id = ?::bigint AND closed_at IS NULL`,
    [closedBy, id],
  );
}

/** Gaps of a slot, oldest first. */
export async function readGaps(knex: Knex, slotName: string): Promise<Gap[]> {
  const us = (column: string): string => `(extract(epoch FROM ${column}) * 1000000)::bigint::text`;
  const rows = await rowsOf<GapRow>(
    knex,
    'reading the gaps',
    `SELECT id::text, slot_name, source, from_lsn::text, to_lsn::text, ${us('from_time')} AS from_us,
      ${us('to_time')} AS to_us, reason, ${us('detected_at')} AS detected_us, ${us('closed_at')} AS closed_us, closed_by
    FROM segment_connector.gap WHERE slot_name = ? ORDER BY id`,
    [slotName],
  );
  return rows.map((row) => ({
    id: row.id,
    slotName: row.slot_name,
    source: row.source,
    fromLsn: row.from_lsn === null ? null : parseLsn(row.from_lsn),
    toLsn: row.to_lsn === null ? null : parseLsn(row.to_lsn),
    fromTimeUs: numberOrNull(row.from_us),
    toTimeUs: numberOrNull(row.to_us),
    reason: row.reason,
    detectedAtUs: Number(row.detected_us),
    closedAtUs: numberOrNull(row.closed_us),
    closedBy: row.closed_by,
  }));
}

function numberOrNull(text: string | null): number | null {
  return text === null ? null : Number(text);
}
