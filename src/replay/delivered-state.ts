import { formatLsn, laterLsn, tryParseLsn, type Lsn } from '../postgres/lsn.js';
import type { JsonObject } from '../postgres/checkpoint-store.js';
import type { DeliveredLanes, LaneDelivered } from '../queue/queue-sink.js';
import type { Reached } from './delivered-floors.js';

/** What the checkpoint keeps of delivery: Redis alone would forget it together with what was not delivered. */
export interface DeliveredState extends Reached {
  /** Everything at or before it is delivered, of every source that takes part in the live stream. */
  readonly floor: Lsn;
  /** Commit time of the last transaction up to the floor, microseconds since 1970; null: not known. */
  readonly commitTimeUs: number | null;
  readonly lanes: DeliveredLanes;
  /** Each source's own floor. Of one that is missing here the common floor is known. */
  readonly sources: Readonly<Record<string, Reached>>;
}

export function deliveredToJson({ floor, commitTimeUs, lanes, sources }: DeliveredState): JsonObject {
  return {
    floor: formatLsn(floor),
    commitTimeUs,
    lanes,
    sources: Object.fromEntries(
      Object.entries(sources).map(([name, reached]) => [
        name,
        { floor: formatLsn(reached.floor), commitTimeUs: reached.commitTimeUs },
      ]),
    ),
  };
}

/** Null where nothing (or nothing legible) is kept. */
export function deliveredFromJson(json: JsonObject): DeliveredState | null {
  const reached = reachedFromJson(json);
  if (reached === null) return null;
  return { ...reached, lanes: lanesFromJson(json['lanes']), sources: sourcesFromJson(json['sources']) };
}

/** What is known to be delivered of a source that takes part from `after` on. */
export function deliveredOf(state: DeliveredState, source: string, after: Lsn): Reached {
  const reached = state.sources[source] ?? state;
  return { ...reached, floor: laterLsn(reached.floor, after) };
}

function reachedFromJson(json: unknown): Reached | null {
  if (!isObject(json)) return null;
  const { floor: text, commitTimeUs } = json;
  const floor = typeof text === 'string' ? tryParseLsn(text) : null;
  return floor === null
    ? null
    : { floor, commitTimeUs: typeof commitTimeUs === 'number' ? commitTimeUs : null };
}

function sourcesFromJson(json: unknown): Record<string, Reached> {
  if (!isObject(json)) return {};
  const entries = Object.entries(json).flatMap(([name, value]): [string, Reached][] => {
    const reached = reachedFromJson(value);
    return reached === null ? [] : [[name, reached]];
  });
  return Object.fromEntries(entries);
}

function lanesFromJson(json: unknown): DeliveredLanes {
  if (!isObject(json)) return {};
  const entries = Object.entries(json).filter(
    (entry): entry is [string, LaneDelivered] => isObject(entry[1]) && typeof entry[1]['seq'] === 'number',
  );
  return Object.fromEntries(entries);
}

function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null;
}
