import fc from 'fast-check';
import type { Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { feeds, type Feed } from '../../src/backfill/feeds.js';
import { keyOrderOf } from '../../src/backfill/key-order.js';
import { KeyScan } from '../../src/backfill/key-scan.js';
import { readByTime } from '../../src/backfill/read-places.js';
import { cutAtCommonEnd, positionBefore, type Position } from '../../src/backfill/stretch.js';
import type { Relations } from '../../src/mapping/mapping.js';
import { REFERENCE_MAPPING } from '../../src/mapping/reference.js';
import { openKnex } from '../../src/postgres/connection.js';
import { expectedKeys } from '../../src/reconcile/expected-keys.sql.js';
import { compareKeys } from '../../src/records/compare-keys.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

const word = fc.string({
  unit: fc.constantFrom('0', '1', '9', '-', 'a', 'B', 'é', ' ', '😀', '\uE000'),
  maxLength: 6,
});
const digits = fc.integer({ min: -200, max: 2_000 }).map(String);
const texts = fc.oneof(word, digits);
const withoutBlanks = texts.map((text) => text.trimEnd());

/** Whatever a user's ids may be; in a collation by which `a` and `B` stand otherwise than their bytes, and one of equals. */
const TYPES: readonly (readonly [
  string,
  { readonly type: string; readonly declared: string; readonly keys: fc.Arbitrary<string> },
])[] = [
  ['bigint', { type: 'bigint', declared: 'bigint', keys: digits }],
  ['smallint', { type: 'int2', declared: 'smallint', keys: digits }],
  ['uuid', { type: 'uuid', declared: 'uuid', keys: fc.uuid() }],
  ['text', { type: 'text', declared: 'text', keys: texts }],
  ['text in another collation', { type: 'text', declared: 'text COLLATE "und-x-icu"', keys: texts }],
  [
    'varchar whose case does not matter',
    { type: 'varchar', declared: 'varchar(9) COLLATE anycase', keys: texts },
  ],
  ['char', { type: 'bpchar', declared: 'char(8) COLLATE "und-x-icu"', keys: withoutBlanks }],
  [
    'numeric',
    { type: 'numeric', declared: 'numeric', keys: fc.oneof(digits, fc.constantFrom('1.5', '10.25', '-0.5')) },
  ],
];

const ROWS = 240;
/** Few times, so that many rows have the same. */
const TIMES = 7;
const UNTIL_US = 2_000_000_000_000_000;

describe.each(TYPES)('keys of type %s', (name, { type, declared, keys }) => {
  const table = `keys_${TYPES.findIndex(([each]) => each === name)}`;
  let db: TestDatabase;
  let knex: Knex;
  let stored: string[];

  beforeAll(async () => {
    db = await testDatabase();
    knex = openKnex({ url: db.url });
    await db.sql(
      `CREATE COLLATION anycase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
       CREATE TABLE ${table} (id ${declared} PRIMARY KEY, at timestamptz NOT NULL)`,
    );
    await db.sql(
      `INSERT INTO ${table} SELECT id::${type}, timestamptz '2026-01-01' + (n % ${TIMES}) * interval '1 minute'
         FROM unnest($1::text[]) WITH ORDINALITY AS k (id, n) ON CONFLICT DO NOTHING`,
      [fc.sample(keys, { numRuns: ROWS, seed: 7 })],
    );
    const { rows } = await db.sql<{ id: string }>(`SELECT concat(id) AS id FROM ${table}`);
    stored = rows.map(({ id }) => id);
    expect(stored.length).toBeGreaterThan(ROWS / 3);
  });

  afterAll(async () => {
    await knex.destroy();
    await db.close();
  });

  async function inOrderOf(sql: string): Promise<string[]> {
    const { rows } = await db.sql<{ id: string }>(`SELECT concat(id) AS id FROM ${table} t ORDER BY ${sql}`);
    return rows.map(({ id }) => id);
  }

  test('sort in SQL as they do here', async () => {
    const order = keyOrderOf(type);
    expect(await inOrderOf(order.sql('t.id'))).toEqual(stored.toSorted(order.compare));
  });

  test('sort as calls are sent where reconcile orders them', async () => {
    const relations: Relations = { ...REFERENCE_MAPPING.relations, type: () => type };
    const order = expectedKeys(relations).order('account', 'a');
    const { rows } = await db.sql<{ id: string }>(
      `SELECT concat(account_id) AS id FROM (SELECT id AS account_id FROM ${table}) a ORDER BY ${order}`,
    );
    // Integers of a numeric column print as integers do, and so do the others' texts compare.
    expect(rows.map(({ id }) => id)).toEqual(stored.toSorted(compareKeys));
  });

  test.each(['by time', 'by key', 'through a cursor'] as const)(
    '%s, pages hold each row once',
    async (way) => {
      const feed: Feed = {
        ...feeds(true, REFERENCE_MAPPING.relations).checkins,
        from: `(SELECT id AS checkin_id, at AS checkin_time, NULL::int AS merchant_id FROM ${table})`,
        keyType: type,
      };
      const scan = new KeyScan({
        knex,
        feed,
        isKeyIndexed: way === 'by key',
        clock: { now: () => 0, sleep: async () => undefined },
        chunkRows: 11,
        maxPlaces: 30,
      });
      const taken: string[] = [];
      let after: Position = positionBefore(0);
      for (let [done, pages] = [false, 0]; !done; pages += 1) {
        expect(pages).toBeLessThan(ROWS);
        const span = { after, untilUs: UNTIL_US, merchantIds: null, streamedFromUs: null };
        const stretch =
          way === 'by time'
            ? await readByTime(knex, feed, span, 9)
            : await scan.next(span, 9, new AbortController().signal);
        const cut = cutAtCommonEnd([stretch], UNTIL_US);
        taken.push(...(cut.taken.get('checkins') ?? []).map(({ key }) => key));
        // As a run is stored between two processes.
        after = JSON.parse(JSON.stringify(cut.positions.get('checkins'))) as Position;
        done = cut.done;
      }
      expect(taken.toSorted()).toEqual(stored.toSorted());
    },
  );
});
