import { afterEach, beforeEach, expect, test } from 'vitest';
import { customTelling } from '../../src/backfill/custom-feeds.js';
import { openMapping } from '../../src/mapping/open-mapping.js';
import type { Mapping } from '../../src/mapping/mapping.js';
import { openKnex } from '../../src/postgres/connection.js';
import { setUp } from '../../src/postgres/setup.js';
import { compareStart } from '../../src/replication/startup.js';
import { mappingOf } from '../config/read-mapping.js';
import { MERCHANT, seedAccount, seedBrand } from '../support/brand.js';
import { captured, PUBLICATION, slotOf } from '../support/captured.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { collected } from './collected.js';

const EVENTS = `
custom_events:
  - name: Reservation Made
    table: public.reservation
    merchant_id: merchant_id
    where: { status: [CONFIRMED, WAITING, CANCELLED] }
    join:
      place: { table: public.place, on: { place_no: place_no } }
    account_id: member_no
    timestamp: { column: created_at, zone: America/New_York }
    properties: { party_size: seats, place: place.title, smoking: smoking, day: for_day, notes: notes }
  - name: Reservation Confirmed
    table: public.reservation
    merchant_id: merchant_id
    on: [insert, update]
    becomes: { status: CONFIRMED }
    key: reservation_no
    account_id: member_no
    timestamp: { column: created_at, zone: America/New_York }
  - name: Visit Rated
    table: public.rating
    merchant_id: merchant_id
    properties: { stars: stars }
  - name: Reservation Moved
    table: public.reservation
    merchant_id: merchant_id
    on: update
    changed: [seats]
    key: reservation_no
    timestamp: { column: created_at, zone: America/New_York }
  - name: Reservation Waits
    table: public.reservation
    merchant_id: merchant_id
    on: [insert, update]
    becomes: { status: WAITING }
    timestamp: { column: created_at, zone: America/New_York }
`;

let db: TestDatabase;
let mapping: Mapping;

beforeEach(async () => {
  db = await testDatabase();
  await seedBrand(db);
  for (const accountId of [1, 2, 3]) await seedAccount(db, { accountId });
  await db.sql(`
    CREATE TABLE public.place (place_no char(4) PRIMARY KEY, title text NOT NULL);
    CREATE TABLE public.reservation (reservation_no int PRIMARY KEY, merchant_id int NOT NULL DEFAULT ${MERCHANT},
      member_no bigint, place_no char(4), seats smallint, smoking boolean, for_day date, notes jsonb, status text NOT NULL,
      created_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'America/New_York'));
    CREATE TABLE public.rating (visit int, question text, merchant_id int NOT NULL DEFAULT ${MERCHANT}, stars numeric,
      PRIMARY KEY (visit, question));
    INSERT INTO public.place VALUES ('A', 'Terrace'), ('B', 'Bar')`);
  const knex = openKnex({ url: db.url });
  try {
    mapping = await openMapping(knex, mappingOf(EVENTS));
    const slotName = slotOf(db);
    await setUp(knex, {
      database: { url: db.url },
      slotName,
      publicationName: PUBLICATION,
      mapping,
      compareStart,
    });
  } finally {
    await knex.destroy();
  }
});

afterEach(async () => {
  await db.close();
});

const reservation = (numbers: string, status: string): string => `
  INSERT INTO public.reservation (reservation_no, member_no, place_no, seats, smoking, for_day, notes, status)
  SELECT n, CASE WHEN n % 4 > 0 THEN n % 4 END, CASE n % 3 WHEN 0 THEN 'A' WHEN 1 THEN 'B' END, n, n % 2 = 0, date '2026-11-01' + n,
    jsonb_build_object('n', n), '${status}' FROM generate_series(${numbers}) AS n`;

test('a backfill gives of custom events the very calls that the stream gave, of those that tables can tell of', async () => {
  const knex = openKnex({ url: db.url });
  const telling = await customTelling(knex, mapping);
  await knex.destroy();
  expect(telling.told).toEqual(['Reservation Made', 'Reservation Confirmed', 'Visit Rated']);
  expect(telling.untold.map(({ name }) => name)).toEqual(['Reservation Moved', 'Reservation Waits']);

  await using stream = await captured(db, { mapping });
  for (const from of [1, 11, 21, 31]) await db.sql(reservation(`${from}, ${from + 9}`, 'WAITING'));
  await db.sql(reservation('41, 50', 'CONFIRMED'));
  await db.sql(reservation('51, 55', 'DRAFT'));
  await db.sql(
    `INSERT INTO public.rating (visit, question, stars) SELECT n, 'q:' || n % 3, n / 2.0 FROM generate_series(1, 20) AS n`,
  );
  await db.sql(
    `UPDATE public.reservation SET status = 'CONFIRMED' WHERE reservation_no <= 40 AND reservation_no % 2 = 0`,
  );
  await db.sql(`INSERT INTO public.rating (visit, question, stars) VALUES (99, 'last', 5)`);
  const streamed = await stream.until(`px-${MERCHANT}-visit_rated-99:last`);
  const told = new Map<string, string>(
    streamed
      .filter(({ name, messageId }) => name === 'custom' && !messageId.includes('-reservation_waits-'))
      .map(({ messageId, derived }) => [messageId, derived.json]),
  );
  expect(told.size).toBe(50 + 30 + 21);

  const again = await collected(db, { mapping, request: { events: [], custom: telling.told } });
  const found = new Map<string, string>(again.calls.map(({ messageId, json }) => [messageId, json]));
  expect(found.size).toBe(again.calls.length);
  expect(new Set(found.keys())).toEqual(new Set(told.keys()));
  for (const [id, json] of told) expect(found.get(id), id).toBe(json);
});

test('a backfill of one merchant, of a span, and in pages of a few rows gives each custom event of those once', async () => {
  await db.sql(reservation('1, 30', 'CONFIRMED'));
  await db.sql(
    `UPDATE public.reservation SET created_at = timestamp '2026-06-01 12:00' + reservation_no * interval '1 minute'`,
  );
  await db.sql('UPDATE public.reservation SET merchant_id = 5 WHERE reservation_no % 10 = 0');
  const at = (minute: number): number => (Date.UTC(2026, 5, 1, 16) + minute * 60_000) * 1_000;
  const { calls } = await collected(db, {
    mapping,
    request: { events: [], custom: ['Reservation Made'], merchantId: String(MERCHANT) },
    span: { sinceUs: at(5), untilUs: at(25) },
    pageRows: 3,
  });
  const expected = [...Array(20).keys()].map((n) => n + 5).filter((n) => n % 10 !== 0);
  expect(calls.map(({ messageId }) => messageId)).toEqual(
    expected.map((n) => `px-${MERCHANT}-reservation_made-${n}`),
  );
});
