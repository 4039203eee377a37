import { quoteText } from './query.js';
import { fingerprintSql } from './publication.js';

export interface BaselineSql {
  readonly slotName: string;
  readonly publicationName: string;
  /** SQL expressions: literals from `setup`, function calls in the printed script. */
  readonly systemIdentifier: string;
  readonly timeline: string;
  /**
   * timestamptz expression: a moment before the slot was made. Later would drop commits the slot streams; the slot's
   * position is what really bounds them.
   */
  readonly enabledFrom: string;
}

/** The first checkpoint of a slot, at the slot's own position. Does nothing when there is one. */
export function baselineSql(options: BaselineSql): string {
  return `INSERT INTO segment_connector.checkpoint
  (slot_name, system_identifier, timeline, end_lsn, publication, enabled_from, enabled_from_lsn)
SELECT s.slot_name, ${options.systemIdentifier}, ${options.timeline}, s.confirmed_flush_lsn,
  ${fingerprintSql(options.publicationName)}, ${options.enabledFrom}, s.confirmed_flush_lsn
FROM pg_replication_slots s WHERE s.slot_name = ${quoteText(options.slotName)}
ON CONFLICT (slot_name) DO NOTHING`;
}

/**
 * Stores what the publication sends now. Only set-up runs this, in the transaction of its ALTER PUBLICATION: were it
 * done anywhere else, a change somebody made by hand could be taken for known, and the rows it lost would never be
 * named.
 */
export function storeFingerprintSql(publicationName: string, slotName: string): string {
  return `UPDATE segment_connector.checkpoint SET publication = ${fingerprintSql(publicationName)}, updated_at = now()
WHERE slot_name = ${quoteText(slotName)}`;
}
