import type { Knex } from 'knex';
import type { Clock } from '../lifecycle/clock.js';
import type { Feed } from './feeds.js';
import { keyOrderOf, type KeyOrder } from './key-order.js';
import { merchantSql, usSql, wantedOfSpan, type Span } from './read-places.js';
import { comparePlaces, stretchOf, type Place, type Position, type Stretch } from './stretch.js';
import { walk, type Walked } from './walk.js';

export interface KeyScanOptions {
  readonly knex: Knex;
  readonly feed: Feed;
  readonly clock: Clock;
  /** An index gives the feed's rows in the order of their keys. */
  readonly isKeyIndexed: boolean;
  /** Rows looked at by one statement. Default 20,000. */
  readonly chunkRows?: number;
  /** Places held in memory: a table with more of them in the span is scanned again for the next. Default 200,000. */
  readonly maxPlaces?: number;
  readonly onScanned?: (rows: number) => void;
}

/**
 * Order by time over a table that has no index on its time: all of it is walked in short statements, and the earliest
 * places of the span are kept. By key a walk pauses as long as it reads, so it takes half of one connection at most.
 */
export class KeyScan {
  readonly #options: KeyScanOptions;
  readonly #chunkRows: number;
  readonly #maxPlaces: number;
  readonly #order: KeyOrder;
  #places: Place[] | null = null;
  /** There are more in the span, all later than those held. */
  #truncated = false;

  constructor(options: KeyScanOptions) {
    this.#options = options;
    this.#chunkRows = options.chunkRows ?? 20_000;
    this.#maxPlaces = options.maxPlaces ?? 200_000;
    this.#order = keyOrderOf(options.feed.keyType);
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

  #heldAfter(after: Position): Place[] | null {
    if (this.#places === null) return null;
    const from = this.#places.findIndex((place) => comparePlaces(place, after, this.#order) > 0);
    this.#places = from === -1 ? [] : this.#places.slice(from);
    return this.#places;
  }

  async #scan(span: Span, signal: AbortSignal): Promise<void> {
    const { knex, feed, clock, isKeyIndexed, onScanned } = this.#options;
    let found: Place[] = [];
    this.#truncated = false;
    let beganAtMs = clock.now();
    await walk(
      {
        knex,
        walked: walkedFor(feed, span),
        isKeyIndexed,
        chunkRows: this.#chunkRows,
        onChunk: async ({ rows, lookedAt }) => {
          for (const { key, at_us: atUs } of rows) found.push({ atUs: Number(atUs), key: key as string });
          if (found.length > 2 * this.#maxPlaces) found = this.#earliest(found);
          onScanned?.(lookedAt);
        },
        pause: async () => {
          await clock.sleep(clock.now() - beganAtMs, signal);
          beganAtMs = clock.now();
        },
      },
      signal,
    );
    this.#places = this.#earliest(found);
  }

  #earliest(found: Place[]): Place[] {
    found.sort((a, b) => comparePlaces(a, b, this.#order));
    if (found.length <= this.#maxPlaces) return found;
    this.#truncated = true;
    return found.slice(0, this.#maxPlaces);
  }
}

function walkedFor(feed: Feed, span: Span): Walked {
  const merchant = merchantSql(span);
  return {
    table: feed.table,
    from: feed.from,
    key: feed.key,
    keyType: feed.keyType,
    columns: {
      at_us: { sql: usSql(feed.time), bindings: [] },
      wanted: { sql: `(${feed.wanted}) AND ${merchant.sql}`, bindings: merchant.bindings },
    },
    given: ['at_us'],
    wanted: wantedOfSpan(feed, span),
  };
}
