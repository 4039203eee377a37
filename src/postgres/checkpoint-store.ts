import type { Knex } from 'knex';

import { ConnectorError } from '../errors/connector-error.js';
import { formatLsn, parseLsn, type Lsn } from './lsn.js';
import type { PublicationFingerprint } from './publication.js';
import { rowsOf } from './query.js';

/** Whatever the queue keeps there; this room stores it and gives it back. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The last position confirmed, and everything needed to tell whether the slot is still the same stream. */
export interface Checkpoint {
  readonly slotName: string;
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** End of the last transaction Redis holds; everything at or before it has been queued. */
  readonly endLsn: Lsn;
  /** Of that transaction, microseconds since 1970; null before the first. */
  readonly commitTimeUs: number | null;
  readonly publication: PublicationFingerprint;
  /** Last position and sequence number queued, by lane. */
  readonly lanes: JsonObject;
  /** What is delivered, by lane and in all: see replay/delivered-state.ts. */
  readonly delivered: JsonObject;
  /** When capture was turned on, microseconds since 1970: commits at or before it are not sent. */
  readonly enabledFromUs: number;
  readonly enabledFromLsn: Lsn;
}

/** What a running capture writes. The publication is not among it: see `writeFingerprint` in setup. */
export type CheckpointProgress = Pick<
  Checkpoint,
  'slotName' | 'systemIdentifier' | 'timeline' | 'endLsn' | 'commitTimeUs' | 'lanes' | 'delivered'
>;

interface CheckpointRow {
  system_identifier: string;
  timeline: number;
  end_lsn: string;
  commit_time_us: string | null;
  publication: PublicationFingerprint;
  lanes: JsonObject;
  delivered: JsonObject;
  enabled_from_us: string;
  enabled_from_lsn: string;
}

/** Exact: extract() gives numeric since PostgreSQL 14, and microseconds fit a double until the year 2255. */
const US = (column: string): string => `(extract(epoch FROM ${column}) * 1000000)::bigint::text`;
/** Two steps, because to_timestamp() goes through a double of seconds and loses microseconds. */
export const TIME_FROM_US = `(timestamptz 'epoch' + ?::bigint * interval '1 microsecond')`;

/** The checkpoint of a slot, null when there is none. @throws ConnectorError DATABASE_… */
export async function readCheckpoint(knex: Knex, slotName: string): Promise<Checkpoint | null> {
  const [row] = await rowsOf<CheckpointRow>(
    knex,
    'reading the checkpoint',
    `SELECT system_identifier, timeline, end_lsn::text, ${US('commit_time')} AS commit_time_us, publication, lanes,
      delivered, ${US('enabled_from')} AS enabled_from_us, enabled_from_lsn::text
    FROM segment_connector.checkpoint WHERE slot_name = ?`,
    [slotName],
  );
  if (row === undefined) return null;
  return {
    slotName,
    systemIdentifier: row.system_identifier,
    timeline: row.timeline,
    endLsn: parseLsn(row.end_lsn),
    commitTimeUs: row.commit_time_us === null ? null : Number(row.commit_time_us),
    publication: row.publication,
    lanes: row.lanes,
    delivered: row.delivered,
    enabledFromUs: Number(row.enabled_from_us),
    enabledFromLsn: parseLsn(row.enabled_from_lsn),
  };
}

/**
 * Moves the checkpoint on. When this resolves it is on disk (the connection's synchronous_commit is on), so the
 * position may be confirmed to the slot: in the other order a crash between the two would look like a gap.
 * @throws ConnectorError CHECKPOINT_MISSING when the row is gone: set-up makes it, and only set-up. SLOT_ACTIVE when it
 *   stands further on the same timeline.
 */
export async function writeCheckpoint(knex: Knex, progress: CheckpointProgress): Promise<void> {
  const written = await rowsOf(
    knex,
    'writing the checkpoint',
    `UPDATE segment_connector.checkpoint SET system_identifier = ?, timeline = ?, end_lsn = ?::pg_lsn,
      commit_time = ${TIME_FROM_US}, lanes = ?::jsonb, delivered = ?::jsonb, updated_at = now()
    WHERE slot_name = ? AND (timeline < ? OR end_lsn <= ?::pg_lsn) RETURNING slot_name`,
    [
      progress.systemIdentifier,
      progress.timeline,
      formatLsn(progress.endLsn),
      progress.commitTimeUs === null ? null : String(progress.commitTimeUs),
      JSON.stringify(progress.lanes),
      JSON.stringify(progress.delivered),
      progress.slotName,
      progress.timeline,
      formatLsn(progress.endLsn),
    ],
  );
  if (written.length === 0) {
    // A process that was held up, and has lost the slot to another meanwhile, must not set the row back.
    if ((await readCheckpoint(knex, progress.slotName)) !== null) {
      throw new ConnectorError(
        'SLOT_ACTIVE',
        `another process has moved the checkpoint of slot ${progress.slotName} on`,
        {
          facts: { slot: progress.slotName },
        },
      );
    }
    throw new ConnectorError('CHECKPOINT_MISSING', `no checkpoint of slot ${progress.slotName}`, {
      facts: { slot: progress.slotName },
    });
  }
}

/**
 * Only what is delivered; the rest of the row stays. Written late by a process that has lost the slot it is merely more
 * careful than need be: less is taken for delivered.
 * @throws ConnectorError DATABASE_…
 */
export async function writeDelivered(knex: Knex, slotName: string, delivered: JsonObject): Promise<void> {
  await rowsOf(
    knex,
    'writing what is delivered',
    `UPDATE segment_connector.checkpoint SET delivered = ?::jsonb, updated_at = now() WHERE slot_name = ?`,
    [JSON.stringify(delivered), slotName],
  );
}
