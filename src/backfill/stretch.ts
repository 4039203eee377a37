import type { FeedName } from './feeds.js';
import type { KeyOrder } from './key-order.js';

/** Where a row stands in its feed: by its own time (microseconds since 1970), then its key. */
export interface Place {
  readonly atUs: number;
  readonly key: string;
}

/** Up to where a feed is dealt with: up to a place and including it, or with all rows of a time and before. */
export interface Position {
  readonly atUs: number;
  /** Null: whatever the key. (In runs of earlier releases the greatest bigint.) */
  readonly key: string | null;
}

/** Before all times: the earliest microsecond that is exact, in the year 1684. */
export const BEGINNING_US = Number.MIN_SAFE_INTEGER;

/** When nothing from that time on is dealt with yet. */
export function positionBefore(atUs: number): Position {
  return { atUs: atUs - 1, key: null };
}

/** Negative, zero or positive as `a` is before, at, or after `b`. */
export function comparePlaces(a: Place, b: Position, order: Pick<KeyOrder, 'compare'>): number {
  if (a.atUs !== b.atUs) return a.atUs - b.atUs;
  return b.key === null ? -1 : order.compare(a.key, b.key);
}

/** A piece of a feed in order, without holes up to where it is known. */
export interface Stretch {
  readonly feed: FeedName;
  /** The rows that matter. */
  readonly places: readonly Place[];
  /** All rows up to and including this time were looked at. */
  readonly knownUpToUs: number;
  /** More rows have that very time than were looked at: the last of those that were. Else null. */
  readonly withinTime: Place | null;
  /** How many rows were looked at, whether or not they matter: what reading it cost the server. */
  readonly lookedAt: number;
}

/**
 * Rows of one time belong together, mostly to one commit: a full stretch is known up to before its last time.
 * @param seen first and last row looked at, and whether that was as many as may be; `untilUs` exclusive
 */
export function stretchOf(
  feed: FeedName,
  places: readonly Place[],
  seen: {
    readonly first: Place | null;
    readonly last: Place | null;
    readonly isFull: boolean;
    readonly untilUs: number;
    readonly lookedAt: number;
  },
): Stretch {
  const { first, last, isFull, untilUs, lookedAt } = seen;
  const common = { feed, places, lookedAt };
  if (!isFull || first === null || last === null) {
    return { ...common, knownUpToUs: untilUs - 1, withinTime: null };
  }
  return first.atUs === last.atUs
    ? { ...common, knownUpToUs: last.atUs, withinTime: last }
    : { ...common, knownUpToUs: last.atUs - 1, withinTime: null };
}

export interface Cut {
  /** What the page holds, by feed. */
  readonly taken: ReadonlyMap<FeedName, readonly Place[]>;
  /** Up to where each feed is dealt with once the page is. */
  readonly positions: ReadonlyMap<FeedName, Position>;
  /** Up to where all feeds are, inclusive. */
  readonly endUs: number;
  readonly done: boolean;
}

/**
 * Brings stretches of several feeds to one common end, so that rows are dealt with in the order of their times over all
 * feeds. What lies beyond is read again. Always gets on: the feed that ends first is taken to its end.
 */
export function cutAtCommonEnd(stretches: readonly Stretch[], untilUs: number): Cut {
  const endUs = Math.min(untilUs - 1, ...stretches.map(({ knownUpToUs }) => knownUpToUs));
  const taken = new Map<FeedName, readonly Place[]>();
  const positions = new Map<FeedName, Position>();
  let done = endUs === untilUs - 1;
  for (const { feed, places, knownUpToUs, withinTime } of stretches) {
    const kept = places.filter(({ atUs }) => atUs <= endUs);
    if (kept.length > 0) taken.set(feed, kept);
    const goesOnWithin = withinTime !== null && knownUpToUs === endUs;
    positions.set(feed, goesOnWithin ? withinTime : { atUs: endUs, key: null });
    if (goesOnWithin) done = false;
  }
  return { taken, positions, endUs, done };
}
