import { formatLsn, tryParseLsn, type Lsn } from '../postgres/lsn.js';
import type { JsonObject } from '../postgres/checkpoint-store.js';
import type { DeliveredLanes, LaneDelivered } from '../queue/queue-sink.js';

/** What the checkpoint keeps of delivery: Redis alone would forget it together with what was not delivered. */
export interface DeliveredState {
  /** Everything at or before it is delivered, in every lane. */
  readonly floor: Lsn;
  /** Commit time of the last transaction up to the floor, microseconds since 1970; null: not known. */
  readonly commitTimeUs: number | null;
  readonly lanes: DeliveredLanes;
}

export function deliveredToJson({ floor, commitTimeUs, lanes }: DeliveredState): JsonObject {
  return { floor: formatLsn(floor), commitTimeUs, lanes };
}

/** Null where nothing (or nothing legible) is kept. */
export function deliveredFromJson(json: JsonObject): DeliveredState | null {
  const { floor: text, commitTimeUs, lanes } = json;
  const floor = typeof text === 'string' ? tryParseLsn(text) : null;
  if (floor === null) return null;
  return {
    floor,
    commitTimeUs: typeof commitTimeUs === 'number' ? commitTimeUs : null,
    lanes: typeof lanes === 'object' && lanes !== null ? lanesFromJson(lanes) : {},
  };
}

function lanesFromJson(json: object): DeliveredLanes {
  const entries = Object.entries(json).filter(
    (entry): entry is [string, LaneDelivered] =>
      typeof entry[1] === 'object' && typeof (entry[1] as { seq?: unknown } | null)?.seq === 'number',
  );
  return Object.fromEntries(entries);
}
