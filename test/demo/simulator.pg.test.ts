import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { expectedCalls, type ExpectedCall } from '../../src/demo/oracle.js';
import { purchase } from '../../src/demo/simulator/acts/purchase.js';
import { ACTS, actAt } from '../../src/demo/simulator/programme.js';
import { seededRandom } from '../../src/demo/simulator/random.js';
import { Simulator, type RunSummary } from '../../src/demo/simulator/simulator.js';
import { CALL_NAMES } from '../../src/demo/verify.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

let database: TestDatabase;
let pool: pg.Pool;
let summary: RunSummary;
let calls: readonly ExpectedCall[];

async function number(text: string): Promise<number> {
  const { rows } = await pool.query<{ n: string }>(`SELECT (${text}) AS n`);
  return Number(rows[0]?.n);
}

beforeAll(async () => {
  database = await testDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 7 });
  const simulator = new Simulator({ pool, guests: 100, ratePerSecond: null, seed: 7, minimumActs: 700 });
  await simulator.open();
  const { rows } = await pool.query<{ since: string }>('SELECT clock_timestamp()::text AS since');
  summary = await simulator.run(0);
  const connection = await pool.connect();
  calls = await expectedCalls(connection, { since: rows[0]?.since ?? '', walletsFromEnrolment: true });
  connection.release();
});

afterAll(async () => {
  await pool.end();
  await database.close();
});

describe('700 acts of business', () => {
  it('implies every event and identify calls', () => {
    expect(new Set(calls.map(({ name }) => name))).toEqual(new Set(CALL_NAMES));
  });

  it('rolls back, and nothing of it stays', async () => {
    expect(summary.rollbacks).toBeGreaterThan(0);
    expect(
      await number(`SELECT count(*) FROM loyalty.account_wallet w CROSS JOIN LATERAL (
        SELECT e.balance_after FROM txn.wallet_entry e WHERE e.account_id = w.account_id AND e.wallet_code = w.wallet_code
        ORDER BY pg_xact_commit_timestamp(e.xmin) DESC, e.cmin::text::bigint DESC, e.entry_no DESC LIMIT 1) last
        WHERE last.balance_after <> w.balance`),
    ).toBe(0);
  });

  it('imports 20,000 rows in one transaction', async () => {
    expect(
      await number(`SELECT (SELECT count(*) * 5 FROM loyalty.account WHERE import_batch_id IS NOT NULL)
        + (SELECT count(*) * 2 FROM txn.transaction WHERE import_batch_id IS NOT NULL)`),
    ).toBeGreaterThanOrEqual(20_000);
    expect(
      await number(
        `SELECT count(DISTINCT xmin::text) FROM loyalty.account WHERE import_batch_id IS NOT NULL`,
      ),
    ).toBe(1);
  });

  it.each([
    ['ids beyond 2^53', `SELECT count(*) FROM loyalty.account WHERE account_id > 9007199254740992`],
    [
      'till clocks out of reason',
      `SELECT count(*) FROM txn.transaction WHERE pos_transaction_at < posted_at - interval '1 year'
       OR pos_transaction_at > posted_at + interval '1 hour'`,
    ],
    [
      'tills that send wall clock only',
      `SELECT count(*) FROM txn.transaction WHERE pos_transaction_at IS NULL AND pos_local_datetime IS NOT NULL`,
    ],
    ['offline purchases', `SELECT count(*) FROM txn.transaction WHERE is_offline`],
    ['denied', `SELECT count(*) FROM txn.transaction WHERE result = 'DENIED'`],
    ['training', `SELECT count(*) FROM txn.transaction WHERE is_training`],
    ['voids and reversals', `SELECT count(*) FROM txn.transaction WHERE modifier <> 'NONE'`],
    ['merged accounts', `SELECT count(*) FROM loyalty.account WHERE merged_into_account_id IS NOT NULL`],
    ['exchanged cards', `SELECT count(*) FROM loyalty.card WHERE status = 'EXCHANGED'`],
    ['forgotten guests', `SELECT count(*) FROM loyalty.guest WHERE status = 'ANONYMIZED'`],
    ['refunded recharges', `SELECT count(*) FROM txn.recharge WHERE transaction_state = 'Refunded'`],
    ['refused recharges', `SELECT count(*) FROM txn.recharge WHERE transaction_state = 'Failed'`],
    ['surveys given up', `SELECT count(*) FROM survey.response WHERE status = 'ABANDONED'`],
    ['corporate check-ins', `SELECT count(*) FROM loyalty.checkin WHERE store_id IS NULL`],
    [
      'checks split over cards',
      `SELECT count(*) FROM (SELECT check_id FROM txn.check_card GROUP BY 1 HAVING count(*) > 1) s`,
    ],
    [
      'cards used before a guest is known',
      `SELECT count(*) FROM loyalty.account WHERE user_id IS NULL AND card_template_code = 3`,
    ],
  ])('has %s', async (_what, count) => {
    expect(await number(count)).toBeGreaterThan(0);
  });

  it('leaves the oracle certain of nearly everything', () => {
    const unknown = calls.filter(({ commitKnown, certain }) => !commitKnown || !certain);
    expect(unknown.length / calls.length).toBeLessThan(0.2);
    expect(calls.some(({ clockSuspect }) => clockSuspect)).toBe(true);
    expect(calls.some(({ rows }) => rows > 1)).toBe(true);
  });
});

describe('the programme', () => {
  it('begins with each kind once and is the same for the same seed', () => {
    const names = (seed: number): string[] =>
      Array.from({ length: 300 }, (_, index) => actAt(index, seededRandom(seed).fork(index)).name);
    expect(new Set(names(1).slice(0, ACTS.length)).size).toBe(ACTS.length);
    expect(names(1)).toEqual(names(1));
    expect(names(1)).not.toEqual(names(2));
  });

  it('writes hundreds of purchases a second, each a commit over all its tables', async () => {
    const simulator = new Simulator({
      pool,
      guests: 50,
      ratePerSecond: null,
      idBase: 2_000_000_000n,
      nextAct: () => purchase,
    });
    const connection = await pool.connect();
    await connection.query(
      'TRUNCATE loyalty.merchant, txn.transaction, survey.survey, loyalty.guest CASCADE',
    );
    connection.release();
    await simulator.open();
    // The best of some seconds: others may have the machine for one of them.
    let best = 0;
    for (let second = 0; second < 10 && best <= 150; second += 1) {
      const ran = await simulator.run(1);
      best = Math.max(best, ran.commits / ran.seconds);
    }
    expect(best).toBeGreaterThan(150);
  });

  it('stops early, with nothing half written', async () => {
    const stop = new AbortController();
    const simulator = new Simulator({
      pool,
      guests: 1,
      ratePerSecond: 50,
      seed: 1,
      idBase: 1_000_000_000n,
      nextAct: (index) => {
        if (index === 10) stop.abort();
        return ACTS[0] ?? expect.fail('no act');
      },
    });
    const ended = await simulator.run(60, stop.signal);
    expect(ended.seconds).toBeLessThan(10);
    expect(
      await number(
        `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
      ),
    ).toBe(0);
  });
});
