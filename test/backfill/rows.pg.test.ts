import { describe, expect, test } from 'vitest';
import { KeyScan } from '../../src/backfill/key-scan.js';
import { feeds } from '../../src/backfill/feeds.js';
import { BEGINNING_US, positionBefore, type Place, type Position } from '../../src/backfill/stretch.js';
import type { Derived } from '../../src/events/event.js';
import { REFERENCE_MAPPING } from '../../src/mapping/reference.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { openKnex } from '../../src/postgres/connection.js';
import { MERCHANT, POINTS, purchase, purchaseSql, seedAccount, seedBrand, STORE } from '../support/brand.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { collected } from './collected.js';
import { tills } from './tills.js';

function ids(calls: readonly Derived[]): string[] {
  return calls.map(({ messageId }) => messageId.replace(`px-${MERCHANT}-`, ''));
}

async function nowUs(db: TestDatabase): Promise<number> {
  const { rows } = await db.sql<{ us: string }>(
    'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us',
  );
  return Number(rows[0]?.us);
}

test('each of an account’s purchases has the balance of its own commit, however many a page holds', async () => {
  await using db = await testDatabase();
  await tills(db, { members: 1, purchases: 60 });
  const { calls } = await collected(db, { request: { events: ['Add/Redeem'] } });
  expect(ids(calls)).toEqual(Array.from({ length: 60 }, (_, i) => `add_redeem-${1_001 + i}`));
  const balances = calls.map(
    ({ json }) => (JSON.parse(json) as { properties: { points_balance: number } }).properties.points_balance,
  );
  expect(balances).toEqual(Array.from({ length: 60 }, (_, i) => ((i + 1) * (i + 2)) / 2));
});

test('more rows of one time than a page holds are all sent, each once', async () => {
  await using db = await testDatabase();
  await seedBrand(db);
  for (const accountId of [1, 2, 3]) await seedAccount(db, { accountId });
  await db.sql(`INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, store_id, transaction_type, result, origin)
    SELECT i, ${MERCHANT}, i % 3 + 1, ${STORE}, 'BALANCE_INQUIRY', 'AUTHORIZED', 'POS' FROM generate_series(1, 130) i`);
  await db.sql(`INSERT INTO loyalty.checkin (checkin_id, merchant_id, account_id, store_id, channel, checkin_time)
    SELECT i, ${MERCHANT}, i % 3 + 1, ${STORE}, 'MOBILE_APP', now() FROM generate_series(1, 45) i`);
  const { calls, rowsRead } = await collected(db, {
    request: { events: ['POS Activity', 'Check-In'] },
    pageRows: 20,
  });
  expect(rowsRead).toBe(175);
  expect(new Set(ids(calls)).size).toBe(175);
  expect(calls).toHaveLength(175);
});

test('the span bounds the rows’ own time, and one merchant’s rows can be had alone', async () => {
  await using db = await testDatabase();
  await tills(db, { members: 2, purchases: 30 });
  await db.sql(`INSERT INTO loyalty.merchant (merchant_id, name, default_timezone, status) VALUES (5, 'Other', 'UTC', 'ACTIVE');
    INSERT INTO loyalty.card_template VALUES (5, 3, 'Card', 'LOYALTY');
    INSERT INTO loyalty.account (account_id, merchant_id, card_template_code, account_status) VALUES (50, 5, 3, 'ACTIVE');
    INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, transaction_type, result, origin)
      VALUES (5000, 5, 50, 'BALANCE_INQUIRY', 'AUTHORIZED', 'POS')`);
  const { rows } = await db.sql<{ id: string; us: string }>(
    `SELECT transaction_id AS id, (extract(epoch FROM posted_at) * 1000000)::bigint AS us FROM txn.transaction WHERE transaction_id IN (1011, 1021)`,
  );
  const [since = 0, until = 0] = rows.map(({ us }) => Number(us)).toSorted((a, b) => a - b);
  const bounded = await collected(db, {
    request: { events: ['POS Activity'] },
    span: { sinceUs: since, untilUs: until },
    pageRows: 7,
  });
  expect(ids(bounded.calls)).toEqual(Array.from({ length: 10 }, (_, i) => `pos_activity-${1_011 + i}`));
  const merchant = await collected(db, { request: { events: ['POS Activity'], merchantId: '5' } });
  expect(merchant.calls.map(({ messageId }) => messageId)).toEqual(['px-5-pos_activity-5000']);
  const ofSource = await collected(db, {
    request: { events: ['POS Activity'] },
    settings: { merchantIds: new Set([String(MERCHANT)]) },
  });
  expect(ofSource.calls).toHaveLength(30);
  const ofBoth = await collected(db, {
    request: { events: ['POS Activity'] },
    settings: { merchantIds: new Set([String(MERCHANT), '5', '6']) },
    pageRows: 7,
  });
  expect(ofBoth.calls).toHaveLength(31);
});

describe('what the tables show now and what was', () => {
  test('a guest who was deleted, anonymised or whose row is gone is never spoken of again', async () => {
    await using db = await testDatabase();
    await seedBrand(db);
    for (const accountId of [1, 2, 3, 4]) {
      await seedAccount(db, { accountId });
      await purchase(db, { transactionId: 10 + accountId, accountId, points: 5 });
    }
    await db.sql(`UPDATE loyalty.guest SET status = 'DELETED' WHERE user_id = 1;
      UPDATE loyalty.guest SET status = 'ANONYMIZED' WHERE user_id = 2;
      ALTER TABLE loyalty.account DROP CONSTRAINT account_user_id_fkey;
      DELETE FROM loyalty.guest WHERE user_id = 3`);
    const { calls } = await collected(db, { request: { identify: true } });
    expect(new Set(calls.map(({ accountKey }) => accountKey))).toEqual(new Set([`${MERCHANT}:4`]));
    expect(ids(calls)).toContain('identify-profile-4');
  });

  test('an account terminated or merged away since still did what it did before, and nothing after', async () => {
    await using db = await testDatabase();
    await seedBrand(db);
    for (const accountId of [1, 2, 3]) await seedAccount(db, { accountId });
    await purchase(db, { transactionId: 11, accountId: 1, points: 5 });
    await purchase(db, { transactionId: 12, accountId: 2, points: 5 });
    await db.sql(
      `UPDATE loyalty.account SET account_status = 'TERMINATED', updated_at = now() + interval '1 second' WHERE account_id = 1`,
    );
    await db.sql(
      `UPDATE loyalty.account SET merged_into_account_id = 3, account_status = 'TERMINATED', updated_at = now() + interval '1 second' WHERE account_id = 2`,
    );
    await purchase(db, { transactionId: 21, accountId: 1, points: 5 });
    await purchase(db, { transactionId: 22, accountId: 2, points: 5 });
    const { calls } = await collected(db, { request: { events: ['Loyalty Registration', 'Add/Redeem'] } });
    expect(ids(calls).filter((id) => !id.startsWith('identify'))).toEqual([
      'loyalty_registration-1',
      'loyalty_registration-2',
      'loyalty_registration-3',
      'add_redeem-11',
      'add_redeem-12',
    ]);
  });

  test('a purchase before the guest registered is that of an unregistered card', async () => {
    await using db = await testDatabase();
    await seedBrand(db);
    await seedAccount(db, { accountId: 1, userId: null });
    await purchase(db, { transactionId: 11, accountId: 1, points: 5 });
    await db.sql(`BEGIN; INSERT INTO loyalty.guest (user_id, merchant_id, first_name) VALUES (7, ${MERCHANT}, 'Ann');
      UPDATE loyalty.account SET user_id = 7, registered_at = now(), registration_source = 'GUEST_WEBSITE', updated_at = now(); COMMIT`);
    await purchase(db, { transactionId: 12, accountId: 1, points: 5 });
    const { calls } = await collected(db, { settings: { identify: false } });
    const userIds = new Map(
      calls.map(({ messageId, json }) => [messageId, (JSON.parse(json) as { userId?: string }).userId]),
    );
    expect(Object.fromEntries(userIds)).toEqual({
      [`px-${MERCHANT}-pos_activity-11`]: undefined,
      [`px-${MERCHANT}-add_redeem-11`]: undefined,
      [`px-${MERCHANT}-loyalty_registration-1`]: '1',
      [`px-${MERCHANT}-web_registration-1`]: '1',
      [`px-${MERCHANT}-pos_activity-12`]: '1',
      [`px-${MERCHANT}-add_redeem-12`]: '1',
    });
  });

  test('a purchase voided in its own commit never was; voided later it stays', async () => {
    await using db = await testDatabase();
    await seedBrand(db);
    await seedAccount(db, { accountId: 1 });
    const voiding = (id: number, original: number): string =>
      `INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, store_id, transaction_type, modifier, result, origin, original_transaction_id)
        VALUES (${id}, ${MERCHANT}, 1, ${STORE}, 'ADD_REDEEM', 'VOID', 'AUTHORIZED', 'POS', ${original});`;
    await db.sql(
      `BEGIN; ${purchaseSql({ transactionId: 11, accountId: 1, points: 5 })} SAVEPOINT s; ${voiding(12, 11)} COMMIT`,
    );
    await purchase(db, { transactionId: 13, accountId: 1, points: 5 });
    await db.sql(voiding(14, 13));
    const { calls } = await collected(db, {
      request: { events: ['POS Activity', 'Add/Redeem'] },
      pageRows: 1,
    });
    expect(ids(calls)).toEqual(['pos_activity-13', 'add_redeem-13']);
  });
});

test('profiles: one identify for each registered account that takes part, as it stands now', async () => {
  await using db = await testDatabase();
  await seedBrand(db);
  await seedAccount(db, { accountId: 1 });
  await seedAccount(db, { accountId: 2, userId: null });
  await seedAccount(db, { accountId: 3, template: 9 });
  await seedAccount(db, { accountId: 4 });
  await seedAccount(db, { accountId: 5 });
  await db.sql(`UPDATE loyalty.account SET account_status = 'TERMINATED' WHERE account_id = 4;
    UPDATE loyalty.account SET registration_source = 'IMPORT', import_batch_id = 1 WHERE account_id = 5;
    UPDATE loyalty.guest SET first_name = 'Zoe' WHERE user_id = 1`);
  const before = await nowUs(db);
  const { calls } = await collected(db, { request: { events: [], identify: true } });
  expect(ids(calls).toSorted()).toEqual(['identify-profile-1', 'identify-profile-5']);
  const body = JSON.parse(calls.find(({ messageId }) => messageId.endsWith('-1'))?.json ?? '') as {
    type: string;
    userId: string;
    timestamp: string;
    traits: Record<string, unknown>;
  };
  expect(body).toMatchObject({
    type: 'identify',
    userId: '1',
    traits: { first_name: 'Zoe', account_id: '1' },
  });
  expect(Date.parse(body.timestamp)).toBeGreaterThanOrEqual(Math.floor(before / 1000));
});

test.each([
  ['by key', true],
  ['through a cursor where its key has no index', false],
])(
  'a table without an index on its time is walked %s, again and again where there is more than memory holds',
  async (_way, isKeyIndexed) => {
    await using db = await testDatabase();
    await seedBrand(db);
    await seedAccount(db, { accountId: 1 });
    // Keys and times run against each other.
    await db.sql(`INSERT INTO loyalty.checkin (checkin_id, merchant_id, account_id, channel, checkin_time)
    SELECT i - 40, ${MERCHANT}, 1, 'MOBILE_APP', timestamptz '2026-01-01' - i * interval '1 minute' FROM generate_series(1, 83) i`);
    const knex = openKnex({ url: db.url });
    let walked = 0;
    const scan = new KeyScan({
      knex,
      feed: feeds(true, REFERENCE_MAPPING.relations).checkins,
      isKeyIndexed,
      clock: { now: () => 0, sleep: async () => undefined },
      chunkRows: 10,
      maxPlaces: 25,
      onScanned: () => (walked += 1),
    });
    const places: Place[] = [];
    let after: Position = positionBefore(BEGINNING_US);
    for (let done = false; !done;) {
      const span = { after, untilUs: systemClock.now() * 1_000, merchantIds: null, streamedFromUs: null };
      const stretch = await scan.next(span, 7, new AbortController().signal);
      const kept = stretch.places.filter(({ atUs }) => atUs <= stretch.knownUpToUs);
      places.push(...kept);
      after = kept.at(-1) ?? after;
      done = stretch.knownUpToUs === span.untilUs - 1;
    }
    await knex.destroy();
    expect(places.map(({ key }) => Number(key))).toEqual(Array.from({ length: 83 }, (_, i) => 43 - i));
    expect(walked).toBeGreaterThan(2 * 9);
  },
);

test('what a stream has is left to it, but for rows dated ahead of the clock', async () => {
  await using db = await testDatabase();
  await seedBrand(db);
  await seedAccount(db, { accountId: 1 });
  const checkin = (id: number, at: string): string =>
    `INSERT INTO loyalty.checkin (checkin_id, merchant_id, account_id, channel, checkin_time) VALUES (${id}, ${MERCHANT}, 1, 'MOBILE_APP', ${at})`;
  await db.sql(checkin(1, 'now()'));
  await db.sql(checkin(2, `now() + interval '5 minutes'`));
  await purchase(db, { transactionId: 11, accountId: 1, points: POINTS });
  const streamedFromUs = await nowUs(db);
  await db.sql(checkin(3, 'clock_timestamp()'));
  await purchase(db, { transactionId: 12, accountId: 1, points: POINTS });
  const { calls } = await collected(db, {
    request: { events: ['Check-In', 'POS Activity'] },
    span: { sinceUs: null, untilUs: streamedFromUs + 900_000_000, streamedFromUs },
  });
  expect(ids(calls)).toEqual(['check_in-1', 'check_in-2', 'pos_activity-11']);
});
