import type { Knex } from 'knex';
import type { Clock } from '../lifecycle/clock.js';
import type { Feed } from './feeds.js';
import { readByKey, type Span } from './read-places.js';
import { comparePlaces, LEAST_KEY, stretchOf, type Place, type Stretch } from './stretch.js';

export interface KeyScanOptions {
  readonly knex: Knex;
  readonly feed: Feed;
  readonly clock: Clock;
  /** Rows looked at by one statement. Default 20,000. */
  readonly chunkRows?: number;
  /** Places held in memory: a table with more of them in the span is scanned again for the next. Default 200,000. */
  readonly maxPlaces?: number;
  readonly onScanned?: (rows: number) => void;
}

/**
 * Order by time over a table that has no index on its time: the primary key is walked in short statements, and the
 * earliest places of the span are kept. Each walk pauses as long as it reads, so it takes half of one connection at most.
 */
export class KeyScan {
  readonly #options: KeyScanOptions;
  readonly #chunkRows: number;
  readonly #maxPlaces: number;
  #places: Place[] | null = null;
  /** There are more in the span, all later than those held. */
  #truncated = false;

  constructor(options: KeyScanOptions) {
    this.#options = options;
    this.#chunkRows = options.chunkRows ?? 20_000;
    this.#maxPlaces = options.maxPlaces ?? 200_000;
  }

  /** The next places after `span.after`, at most `limit`. @throws when the signal aborts a walk */
  async next(span: Span, limit: number, signal: AbortSignal): Promise<Stretch> {
    let held = this.#heldAfter(span.after);
    if (held === null || (held.length === 0 && this.#truncated)) {
      await this.#scan(span, signal);
      held = this.#heldAfter(span.after) ?? [];
    }
    const places = held.slice(0, limit);
    const isFull = this.#truncated || places.length < held.length;
    const [first, last] = [places[0] ?? null, places.at(-1) ?? null];
    const lookedAt = places.length;
    return stretchOf(this.#options.feed.name, places, {
      first,
      last,
      isFull,
      untilUs: span.untilUs,
      lookedAt,
    });
  }

  #heldAfter(after: Place): Place[] | null {
    if (this.#places === null) return null;
    const from = this.#places.findIndex((place) => comparePlaces(place, after) > 0);
    this.#places = from === -1 ? [] : this.#places.slice(from);
    return this.#places;
  }

  async #scan(span: Span, signal: AbortSignal): Promise<void> {
    const { knex, feed, clock, onScanned } = this.#options;
    let found: Place[] = [];
    this.#truncated = false;
    let afterKey: string | null = LEAST_KEY;
    while (afterKey !== null) {
      signal.throwIfAborted();
      const beganAtMs = clock.now();
      const { places, lastKey, lookedAt } = await readByKey(knex, feed, span, {
        afterKey,
        rows: this.#chunkRows,
      });
      for (const place of places) found.push(place);
      if (found.length > 2 * this.#maxPlaces) found = this.#earliest(found);
      onScanned?.(lookedAt);
      afterKey = lastKey;
      if (afterKey !== null) await clock.sleep(clock.now() - beganAtMs, signal);
    }
    this.#places = this.#earliest(found);
  }

  #earliest(found: Place[]): Place[] {
    found.sort(comparePlaces);
    if (found.length <= this.#maxPlaces) return found;
    this.#truncated = true;
    return found.slice(0, this.#maxPlaces);
  }
}
