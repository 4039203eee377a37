import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOrderOf } from '../../src/backfill/key-order.js';
import type { FeedName } from '../../src/backfill/feeds.js';
import {
  comparePlaces,
  cutAtCommonEnd,
  positionBefore,
  stretchOf,
  type Place,
  type Position,
  type Stretch,
} from '../../src/backfill/stretch.js';

const BIGINT = keyOrderOf('bigint');
const UNTIL_US = 50;
const FEEDS = ['transactions', 'accounts', 'checkins'] as const;

/** What a table would give: the next rows after a place, as many as a page may look at. */
function read(feed: FeedName, rows: readonly Place[], after: Position, limit: number): Stretch {
  const seen = rows.filter((row) => comparePlaces(row, after, BIGINT) > 0).slice(0, limit);
  return stretchOf(feed, seen, {
    first: seen[0] ?? null,
    last: seen.at(-1) ?? null,
    isFull: seen.length === limit,
    untilUs: UNTIL_US,
    lookedAt: seen.length,
  });
}

const places = fc
  .uniqueArray(
    fc.record({ atUs: fc.integer({ min: 0, max: UNTIL_US - 1 }), key: fc.integer({ min: -9, max: 20 }) }),
    {
      selector: ({ atUs, key }) => `${atUs} ${key}`,
      maxLength: 60,
    },
  )
  .map((all) =>
    all
      .map(({ atUs, key }): Place => ({ atUs, key: String(key) }))
      .toSorted((a, b) => comparePlaces(a, b, BIGINT)),
  );

test('whatever the rows and the size of a page, each row is taken once and no time after a later one', () => {
  fc.assert(
    fc.property(fc.tuple(places, places, places), fc.integer({ min: 1, max: 7 }), (tables, limit) => {
      const positions = new Map<FeedName, Position>();
      const taken: { readonly feed: FeedName; readonly place: Place }[] = [];
      let latestUs = -1;
      for (let done = false, pages = 0; !done; pages += 1) {
        expect(pages).toBeLessThan(400);
        const cut = cutAtCommonEnd(
          FEEDS.map((feed, index) =>
            read(feed, tables[index] ?? [], positions.get(feed) ?? positionBefore(0), limit),
          ),
          UNTIL_US,
        );
        let endUs = latestUs;
        for (const [feed, kept] of cut.taken) {
          for (const place of kept) {
            expect(place.atUs).toBeGreaterThanOrEqual(latestUs);
            endUs = Math.max(endUs, place.atUs);
            taken.push({ feed, place });
          }
        }
        latestUs = endUs;
        for (const [feed, position] of cut.positions) positions.set(feed, position);
        done = cut.done;
      }
      const text = (feed: FeedName, { atUs, key }: Place): string => `${feed} ${atUs} ${key}`;
      expect(taken.map(({ feed, place }) => text(feed, place)).toSorted()).toEqual(
        FEEDS.flatMap((feed, index) => (tables[index] ?? []).map((place) => text(feed, place))).toSorted(),
      );
    }),
  );
});

test('keys compare as their SQL type does, and a position without a key is after every key of its time', () => {
  const order = (type: string, a: string, b: string | null): number =>
    Math.sign(comparePlaces({ atUs: 1, key: a }, { atUs: 1, key: b }, keyOrderOf(type)));
  expect(order('bigint', '9', '10')).toBe(-1);
  expect(order('bigint', '-3', '-20')).toBe(1);
  expect(order('text', '9', '10')).toBe(1);
  expect(order('varchar', 'Z', 'a')).toBe(-1);
  expect(order('text', 'zzz', null)).toBe(-1);
  // As runs of earlier releases end a time.
  expect(order('bigint', '9223372036854775806', '9223372036854775807')).toBe(-1);
});
