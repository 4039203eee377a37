import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { expectedCalls, type ExpectedCall } from '../../src/demo/oracle.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import {
  account,
  Cast,
  fixtures,
  header,
  line,
  POINTS,
  response,
  REWARD,
  sql,
  type Statement,
} from './brand-rows.js';
import { SCENARIOS } from './scenarios.js';

let database: TestDatabase;
let session: pg.Client;
let since: string;

async function commit(statements: readonly Statement[]): Promise<void> {
  await session.query('BEGIN');
  try {
    for (const { text, values } of statements) await session.query(text, [...values]);
  } catch (error) {
    await session.query('ROLLBACK');
    throw error;
  }
  await session.query('COMMIT');
}

beforeAll(async () => {
  database = await testDatabase();
  session = await database.session();
  await commit(fixtures());
  // Accounts of the scenarios registered 90 days ago; what is committed in a scenario is recent.
  const { rows } = await session.query<{ since: string }>(`SELECT (now() - interval '1 day')::text AS since`);
  since = rows[0]?.since ?? '';
});

afterAll(async () => {
  await database.close();
});

describe('what the committed rows imply', () => {
  let calls: readonly ExpectedCall[] = [];
  const castOf = (index: number): Cast => new Cast(100 + index);

  beforeAll(async () => {
    for (const [index, scenario] of SCENARIOS.entries()) {
      for (const statements of scenario.commits(castOf(index))) await commit(statements);
    }
    calls = await expectedCalls(session, { since });
  });

  it.each(SCENARIOS.map((scenario, index) => ({ ...scenario, index })))('$name', ({ index, expected }) => {
    const cast = castOf(index);
    const accounts = new Set([cast.id(1), cast.id(2)]);
    const own = calls.filter(({ accountId }) => accounts.has(accountId ?? ''));
    expect(own.map(({ messageId }) => messageId)).toEqual(expected(cast));
    // A guest forgotten later may be dropped from the queue; here nobody is.
    expect(own.every(({ certain }) => certain)).toBe(true);
  });

  it('counts the rows that imply a call', () => {
    const index = SCENARIOS.findIndex(({ name }) => name.startsWith('a till’s repeats'));
    const own = calls.filter(({ accountId }) => accountId === castOf(index).id());
    expect(own.map(({ name, rows }) => [name, rows])).toEqual([
      ['identify', 3],
      ['Identify Customer', 3],
      ['POS Activity', 1],
      ['POS Activity', 1],
      ['POS Activity', 1],
    ]);
  });

  it('knows that a row changed since cannot tell its order or balances', () => {
    const index = SCENARIOS.findIndex(({ name }) => name.startsWith('a check-in used at the till'));
    const [own] = calls.filter(({ accountId }) => accountId === castOf(index).id());
    expect(own).toMatchObject({ commitKnown: false, wallets: null, certain: true });
  });

  it('names a call without an account by its row', async () => {
    const cast = new Cast(80);
    await commit([response(cast, 'COMPLETED', { account_id: null })]);
    const found = await expectedCalls(session, { since });
    const own = found.find(({ messageId }) => messageId === `px-1-survey_completion-${cast.id()}`);
    expect(own).toMatchObject({
      accountId: null,
      accountKey: `1:survey_response:${cast.id()}`,
      registered: false,
      wallets: null,
    });
  });

  it('leaves out identify calls, other merchants, other events and earlier commits as asked', async () => {
    const names = (found: readonly ExpectedCall[]): string[] => [...new Set(found.map(({ name }) => name))];
    expect(names(await expectedCalls(session, { since, identify: false }))).not.toContain('identify');
    expect(await expectedCalls(session, { since, merchantId: 2 })).toEqual([]);
    expect(names(await expectedCalls(session, { since, events: ['Referral'] }))).toEqual(['Referral']);
    const { rows } = await session.query<{ now: string }>('SELECT clock_timestamp()::text AS now');
    expect(await expectedCalls(session, { since: rows[0]?.now ?? '' })).toEqual([]);
  });
});

describe('time and balances of a call', () => {
  async function callsOf(cast: Cast): Promise<ExpectedCall[]> {
    const found = await expectedCalls(session, { since, identify: false });
    return found.filter(({ accountId }) => accountId === cast.id());
  }

  const HOUR_MS = 3_600_000;
  const CLOCKS = [
    {
      number: 51,
      says: 'a till’s own time counts',
      posAt: (): Date => new Date(Date.now() - HOUR_MS),
      offMs: -HOUR_MS,
      suspect: false,
    },
    {
      number: 52,
      says: 'a time long past is not believed',
      posAt: (): Date => new Date('2001-01-01T00:00:00Z'),
      offMs: 0,
      suspect: true,
    },
    {
      number: 53,
      says: 'nor one in the future',
      posAt: (): Date => new Date(Date.now() + HOUR_MS),
      offMs: 0,
      suspect: true,
    },
    {
      number: 54,
      says: 'without one it is the posting’s',
      posAt: (): null => null,
      offMs: 0,
      suspect: false,
    },
  ];

  it.each(CLOCKS)('$says', async ({ number, posAt, offMs, suspect }) => {
    const cast = new Cast(number);
    await commit(account(cast));
    await commit([header(cast, 1, { pos_transaction_at: posAt() })]);
    const [call] = await callsOf(cast);
    expect(call?.clockSuspect).toBe(suspect);
    expect(Math.abs((call?.timestampMs ?? 0) - Date.now() - offMs)).toBeLessThan(10_000);
  });

  it('resolves the till’s wall clock in the store’s zone', async () => {
    const cast = new Cast(60);
    await commit(account(cast));
    await commit([
      sql(
        `INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, store_id, transaction_type, result, origin, pos_local_datetime)
         VALUES ($1, 1, $1, 13, 'ADD_REDEEM', 'AUTHORIZED', 'POS', (now() - interval '2 hours') AT TIME ZONE 'Pacific/Honolulu')`,
        cast.id(),
      ),
    ]);
    const [call] = await callsOf(cast);
    expect(Math.abs((call?.timestampMs ?? 0) - Date.now() + 7_200_000)).toBeLessThan(10_000);
  });

  it('shows each commit the balances as they were then, in wallet order', async () => {
    const cast = new Cast(61);
    await commit([
      ...account(cast),
      sql(
        'UPDATE loyalty.account_wallet SET balance = 7 WHERE account_id = $1 AND wallet_code = $2',
        cast.id(),
        REWARD,
      ),
    ]);
    await commit([header(cast, 1)]);
    await commit([
      header(cast, 2),
      line(cast, 2, { quantity: 10, balance_after: 30 }),
      line(cast, 2, { entry_no: 2, entry_kind: 'REDEEMED', quantity: 4, balance_after: 26 }),
    ]);
    await commit([
      header(cast, 3),
      line(cast, 3, { entry_kind: 'ADJUSTED', quantity: -1.5, balance_after: 24.5 }),
    ]);
    const balances = (await callsOf(cast)).map(({ messageId, wallets }) => [
      messageId.split('-').slice(2).join('-'),
      wallets?.map(({ walletCode, balance }) => `${walletCode}=${balance}`).join(),
    ]);
    expect(balances).toEqual([
      // Nothing in the ledger yet: the first later line undone.
      [`pos_activity-${cast.id(1)}`, `${REWARD}=7,${POINTS}=20`],
      // Both lines of the commit have happened, whichever call tells of it.
      [`pos_activity-${cast.id(2)}`, `${REWARD}=7,${POINTS}=26`],
      [`add_redeem-${cast.id(2)}`, `${REWARD}=7,${POINTS}=26`],
      [`pos_activity-${cast.id(3)}`, `${REWARD}=7,${POINTS}=24.5`],
    ]);
  });
});
