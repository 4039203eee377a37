import type { Knex } from 'knex';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isIndexed, isTimeIndexed } from '../../src/backfill/indexes.js';
import { suppressRemovedGuests } from '../../src/backfill/removed-guests.js';
import { Simulator } from '../../src/demo/simulator/simulator.js';
import { postgresLookups } from '../../src/enrichment/postgres-lookups.js';
import type { Lookups } from '../../src/enrichment/lookups.js';
import { EVENT_NAMES, type Derived } from '../../src/events/event.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import type { Relations } from '../../src/mapping/mapping.js';
import { REFERENCE_MAPPING } from '../../src/mapping/reference.js';
import { clientConfig, openKnex } from '../../src/postgres/connection.js';
import { expectedIds, expectedMinutes } from '../../src/reconcile/expected-calls.js';
import type { ExpectedId } from '../../src/reconcile/judge.js';
import type { TableName } from '../../src/records/tables.js';
import { collected } from '../backfill/collected.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { LONG_KEYS, OtherSchema } from './other-schema.js';

const REFERENCE = REFERENCE_MAPPING.relations;

interface Business extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly knex: Knex;
  /** Microseconds since 1970: what came after the brand was set up. */
  readonly sinceUs: number;
}

/** Some business, written to the reference schema and, by the same transactions, to the others. */
async function business(others: readonly OtherSchema[], seed: number): Promise<Business> {
  const db = await testDatabase();
  for (const other of others) await other.create(db);
  const pool = new pg.Pool({ ...clientConfig({ url: db.url, applicationName: 'brand' }), max: 6 });
  pool.on('error', () => undefined);
  const simulator = new Simulator({ pool, guests: 40, ratePerSecond: 150, seed, clock: systemClock });
  await simulator.open();
  const { rows } = await db.sql<{ us: string }>('SELECT (extract(epoch FROM now()) * 1000000)::bigint AS us');
  await simulator.run(5, new AbortController().signal);
  await pool.end();
  await db.sql('ANALYZE');
  const knex = openKnex({ url: db.url });
  const close = async (): Promise<void> => {
    await knex.destroy();
    await db.close();
  };
  return { db, knex, sinceUs: Number(rows[0]?.us), [Symbol.asyncDispose]: close };
}

/** Every event, from the tables behind these relations, page by page. */
async function backfilled({ db, sinceUs }: Business, relations: Relations): Promise<readonly Derived[]> {
  const { calls, done } = await collected(db, {
    mapping: { ...REFERENCE_MAPPING, relations },
    pageRows: 40,
    span: { sinceUs, untilUs: (Date.now() + 1_000) * 1_000 },
  });
  expect(done).toBe(true);
  expect(calls.filter(({ tag }) => tag === 'rejected')).toEqual([]);
  return calls;
}

async function expectedOf({ knex, sinceUs }: Business, relations: Relations): Promise<ExpectedId[]> {
  const nowMs = systemClock.now();
  const query = {
    knex,
    relations,
    tracked: true,
    nowMs,
    of: {
      events: EVENT_NAMES,
      identify: true,
      emitVoids: true,
      merchantIds: null,
      committedAfter: new Date(sinceUs / 1_000).toISOString(),
      names: null,
    },
  };
  const minutes = { from: Math.floor(sinceUs / 60e6) - 43_200, to: Math.ceil(nowMs / 60_000) + 10 };
  const ids: ExpectedId[] = [];
  for (const place of await expectedMinutes({ ...query, minutes }))
    ids.push(...(await expectedIds(query, place)));
  return ids;
}

function sorted<T>(values: readonly T[]): T[] {
  return values
    .map((value) => [JSON.stringify(value), value] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([, value]) => value);
}

describe('over a schema of other names and key types', () => {
  const other = new OtherSchema();
  const long = new OtherSchema({ schema: 'Läden', keys: LONG_KEYS });
  let brand: Business;

  beforeAll(async () => {
    brand = await business([other, long], 5);
  }, 90_000);

  afterAll(async () => {
    await (brand as Business | undefined)?.[Symbol.asyncDispose]();
  });

  /** The keys of a column, in both schemas. */
  async function keys(table: TableName, column: string): Promise<{ reference: string[]; other: string[] }> {
    const of = async (relations: Relations): Promise<string[]> => {
      const { rows } = await brand.knex.raw<{ rows: { key: string }[] }>(
        `SELECT DISTINCT concat(${column}) AS key FROM ${relations.from(table)} t WHERE ${column} IS NOT NULL`,
        [],
      );
      return rows.map(({ key }) => key);
    };
    const found = { reference: await of(REFERENCE), other: await of(other.relations) };
    expect(
      sorted(found.other.map((key) => other.rowInReferenceKeys(table, { [column]: key })[column])),
    ).toEqual(sorted(found.reference));
    expect(found.reference.length).toBeGreaterThan(0);
    return found;
  }

  const lookups: readonly [
    string,
    TableName,
    string,
    (from: Lookups, ids: readonly string[]) => Promise<unknown>,
  ][] = [
    ['cards', 'loyalty.card', 'card_id', (from, ids) => from.cards(ids, [])],
    ['cards of accounts', 'loyalty.card', 'account_id', (from, ids) => from.cards([], ids)],
    ['guests', 'loyalty.guest', 'user_id', (from, ids) => from.guests(ids)],
    ['stores', 'loyalty.store', 'store_id', (from, ids) => from.stores(ids)],
    ['checks', 'txn.pos_check', 'check_id', (from, ids) => from.checks(ids)],
    ['cards of checks', 'txn.check_card', 'check_id', (from, ids) => from.checkCards(ids)],
    ['surveys', 'survey.survey', 'survey_id', (from, ids) => from.surveys(ids)],
    ['questions', 'survey.question', 'survey_id', (from, ids) => from.questions(ids)],
    ['invitations', 'survey.invitation', 'invitation_id', (from, ids) => from.invitations(ids)],
    ['answers', 'survey.answer', 'response_id', (from, ids) => from.answers(ids)],
    ['accounts of guests', 'loyalty.account', 'user_id', (from, ids) => from.accountsOfGuests(ids)],
  ];

  test.each(lookups)('look-ups give the same rows: %s', async (_what, table, column, read) => {
    const ids = await keys(table, column);
    const options = { knex: brand.knex, trackCommitTimestamp: true };
    const reference = (await read(postgresLookups(options), ids.reference)) as object[];
    const found = (await read(
      postgresLookups({ ...options, relations: other.relations }),
      ids.other,
    )) as object[];
    expect(reference.length).toBeGreaterThanOrEqual(ids.reference.length);
    expect(sorted(found.map((row) => other.rowInReferenceKeys(table, row)))).toEqual(sorted(reference));
  });

  test('look-ups give the same accounts, merges and merchants', async () => {
    const ids = await keys('loyalty.account', 'account_id');
    const options = { knex: brand.knex, trackCommitTimestamp: true };
    const [reference, found] = [
      postgresLookups(options),
      postgresLookups({ ...options, relations: other.relations }),
    ];
    const accounts = await found.accounts(ids.other);
    expect(
      sorted(
        accounts.map(({ row, ...rest }) => ({
          row: other.rowInReferenceKeys('loyalty.account', row),
          ...rest,
        })),
      ),
    ).toEqual(sorted(await reference.accounts(ids.reference)));
    const merges = (await found.mergedInto(ids.other)).map(({ accountId, ...rest }) => ({
      accountId: other.inReferenceKeys(accountId, ['account']),
      ...rest,
    }));
    expect(sorted(merges)).toEqual(sorted(await reference.mergedInto(ids.reference)));
    const merchants = await keys('loyalty.merchant', 'merchant_id');
    const bundle = await found.merchants(merchants.other);
    const wanted = await reference.merchants(merchants.reference);
    for (const [name, table] of [
      ['merchants', 'loyalty.merchant'],
      ['templates', 'loyalty.card_template'],
      ['tiers', 'loyalty.tier'],
      ['definitions', 'loyalty.wallet_definition'],
      ['corporateStores', 'loyalty.store'],
    ] as const) {
      const rows: readonly object[] = bundle[name];
      expect(sorted(rows.map((row) => other.rowInReferenceKeys(table, row))), name).toEqual(
        sorted([...wanted[name]]),
      );
    }
  });

  test.each([true, false])(
    'look-ups give the same balances as of a commit, commit times kept: %s',
    async (tracked) => {
      const all = await keys('loyalty.account', 'account_id');
      const some = new Set(all.reference.slice(0, 300));
      const ids = {
        reference: [...some],
        other: all.other.filter((id) => some.has(other.inReferenceKeys(id, ['account']))),
      };
      const nowUs = systemClock.now() * 1_000;
      const of = async (relations: Relations, accounts: readonly string[], asOfUs: number) => {
        const from = postgresLookups({ knex: brand.knex, trackCommitTimestamp: tracked, relations });
        const found = await from.wallets(new Map(accounts.map((id) => [id, asOfUs])));
        return found.map(({ row: { account_id, wallet_code, balance, updated_at }, balanceAsOf }) => ({
          ...other.rowInReferenceKeys('loyalty.account_wallet', { account_id, wallet_code }),
          balance,
          updated_at,
          balanceAsOf,
        }));
      };
      for (let part = 0; part <= 2; part += 1) {
        const asOfUs = Math.round(brand.sinceUs + ((nowUs - brand.sinceUs) * part) / 2);
        const reference = await of(REFERENCE, ids.reference, asOfUs);
        expect(reference.length).toBeGreaterThan(ids.reference.length);
        expect(sorted(await of(other.relations, ids.other, asOfUs))).toEqual(sorted(reference));
      }
    },
  );

  test('backfill sends the same calls', async () => {
    const shown = (call: Derived): object => {
      const body = other.inReferenceKeys(call.json.replace(/"anonymousId":"[^"]*",/, ''));
      return {
        name: call.name,
        messageId: other.inReferenceKeys(call.messageId),
        accountKey: other.inReferenceKeys(call.accountKey),
        guestId: call.guestId === null ? null : other.inReferenceKeys(call.guestId),
        body: JSON.parse(body) as unknown,
      };
    };
    const reference = await backfilled(brand, REFERENCE);
    const calls = await backfilled(brand, other.relations);
    expect(new Set(reference.map(({ name }) => name))).toEqual(new Set([...EVENT_NAMES, 'identify']));
    expect(sorted(calls.map(shown))).toEqual(sorted(reference.map(shown)));
  });

  test('reconcile expects the same ids, with the same times and doubts', async () => {
    const shown = ({ hash: _hash, ...id }: ExpectedId): object => ({
      ...id,
      messageId: other.inReferenceKeys(id.messageId),
    });
    const reference = await expectedOf(brand, REFERENCE);
    const found = await expectedOf(brand, other.relations);
    expect(new Set(reference.map(({ event }) => event))).toEqual(new Set(EVENT_NAMES));
    expect(sorted(found.map(shown))).toEqual(sorted(reference.map(shown)));
  });

  test('keys that message ids cannot hold are hashed alike where calls are sent and where they are expected', async () => {
    const of = async (relations: Relations) => {
      const sent = new Set((await backfilled(brand, relations)).map(({ messageId }): string => messageId));
      const expected = new Set((await expectedOf(brand, relations)).map(({ messageId }) => messageId));
      const unexpected = [...sent].filter((id) => !expected.has(id)).length;
      return { sent: sent.size, expected: expected.size, unexpected };
    };
    const reference = await of(REFERENCE);
    expect(reference.unexpected).toBeLessThan(reference.sent / 10);
    expect(await of(long.relations)).toEqual(reference);
  });

  test('guests who are gone are found in it', async () => {
    const found = async (relations: Relations): Promise<string[]> => {
      const guests: string[] = [];
      const sink = { suppress: async (ids: readonly string[]) => void guests.push(...ids) };
      const count = await suppressRemovedGuests(brand.knex, relations, sink, new AbortController().signal);
      expect(count).toBe(guests.length);
      return guests.map((id) => other.inReferenceKeys(id, ['guest'])).toSorted();
    };
    // Whether the business anonymised anybody in its few seconds is chance.
    await brand.db.sql(
      `UPDATE loyalty.guest SET status = 'ANONYMIZED' WHERE user_id = (SELECT max(user_id) FROM loyalty.guest WHERE status = 'ACTIVE')`,
    );
    const reference = await found(REFERENCE);
    expect(reference.length).toBeGreaterThan(0);
    expect(await found(other.relations)).toEqual(reference);
  });

  test('an index counts where it is on the very columns', async () => {
    const plainOf =
      (table: TableName, relations = other.relations) =>
      (column: string) =>
        relations.plain(table, column);
    const time = (table: TableName, timeColumn: string, oneMerchant = false, relations = other.relations) =>
      isTimeIndexed(brand.knex, { plain: plainOf(table, relations), timeColumn }, oneMerchant);
    expect(await time('loyalty.checkin', 'checkin_time')).toBe(true);
    expect(await time('txn.transaction', 'posted_at')).toBe(true);
    expect(await time('loyalty.account', 'registered_at')).toBe(false);
    expect(await time('loyalty.account', 'registered_at', true, REFERENCE)).toBe(true);
    expect(await time('loyalty.account', 'registered_at', false, REFERENCE)).toBe(false);
    expect(await isIndexed(brand.knex, plainOf('loyalty.account'), ['account_id'])).toBe(false);
    expect(await isIndexed(brand.knex, plainOf('loyalty.guest'), ['user_id'])).toBe(true);
  });
});
