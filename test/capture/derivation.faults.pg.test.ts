import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MERCHANT, POINTS, purchase, purchaseSql, seedAccount, seedBrand, STORE } from '../support/brand.js';
import { captured, setUpConnector, type OfferedCall } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let db: TestDatabase;

beforeEach(async () => {
  db = await testDatabase();
  await seedBrand(db);
});

afterEach(async () => {
  await db.close();
});

function pointsIn(call: OfferedCall | undefined): unknown {
  const wallets = call?.body.properties['wallets_info'] as { wallet_code: string; balance: number }[];
  return wallets.find((wallet) => wallet.wallet_code === String(POINTS))?.balance;
}

function byId(calls: readonly OfferedCall[], id: string): OfferedCall | undefined {
  return calls.find((call) => call.messageId === id);
}

const addRedeem = (id: number): string => `px-${MERCHANT}-add_redeem-${id}`;
const posActivity = (id: number): string => `px-${MERCHANT}-pos_activity-${id}`;

describe('a committed transaction', () => {
  it('spread over several tables gives each event once, with the balances of that commit', async () => {
    await seedAccount(db, { accountId: 1 });
    await setUpConnector(db);
    await using capture = await captured(db);
    for (let n = 1; n <= 20; n += 1) await purchase(db, { transactionId: n, accountId: 1, points: 10 });
    const calls = await capture.until(addRedeem(20));
    expect(calls.map((call) => call.messageId)).toEqual(
      Array.from({ length: 20 }, (_, n) => [posActivity(n + 1), addRedeem(n + 1)]).flat(),
    );
    for (let n = 1; n <= 20; n += 1) {
      expect(pointsIn(byId(calls, posActivity(n)))).toBe(n * 10);
      expect(pointsIn(byId(calls, addRedeem(n)))).toBe(n * 10);
    }
  });

  it('that is rolled back, whole or to a savepoint, gives nothing', async () => {
    await seedAccount(db, { accountId: 1 });
    await setUpConnector(db);
    await using capture = await captured(db);
    await db.sql(`BEGIN; ${purchaseSql({ transactionId: 1, accountId: 1, points: 10 })} ROLLBACK`);
    await db.sql(`BEGIN; SAVEPOINT a; ${purchaseSql({ transactionId: 2, accountId: 1, points: 10 })} ROLLBACK TO a;
      ${purchaseSql({ transactionId: 3, accountId: 1, points: 10 })} COMMIT`);
    const calls = await capture.until(addRedeem(3));
    expect(calls.map((call) => call.messageId)).toEqual([posActivity(3), addRedeem(3)]);
    expect(pointsIn(byId(calls, addRedeem(3)))).toBe(10);
  });

  it('seen long after gives the balances, registration and status of its own time', async () => {
    await seedAccount(db, { accountId: 1 });
    await seedAccount(db, { accountId: 2, userId: null });
    await seedAccount(db, { accountId: 3 });
    await setUpConnector(db);
    for (let n = 1; n <= 5; n += 1) await purchase(db, { transactionId: n, accountId: 1, points: 10 });
    await purchase(db, { transactionId: 11, accountId: 2, points: 1 });
    await purchase(db, { transactionId: 12, accountId: 3, points: 1 });
    await db.sql(
      `INSERT INTO loyalty.guest (user_id, merchant_id, first_name) VALUES (77, ${MERCHANT}, 'Late')`,
    );
    await db.sql(
      `UPDATE loyalty.account SET user_id = 77, registered_at = now(), registration_source = 'MOBILE_APP' WHERE account_id = 2`,
    );
    await db.sql(
      `UPDATE loyalty.account SET account_status = 'TERMINATED', updated_at = now() WHERE account_id = 3`,
    );
    await purchase(db, { transactionId: 13, accountId: 2, points: 1 });
    await purchase(db, { transactionId: 14, accountId: 3, points: 1 });
    await purchase(db, { transactionId: 15, accountId: 1, points: 1 });
    await using capture = await captured(db);
    const calls = await capture.until(addRedeem(15));
    for (let n = 1; n <= 5; n += 1) expect(pointsIn(byId(calls, addRedeem(n)))).toBe(n * 10);
    expect(byId(calls, addRedeem(11))?.body.properties['is_registered']).toBe(false);
    expect(byId(calls, addRedeem(11))?.body['userId']).toBeUndefined();
    expect(byId(calls, addRedeem(13))?.body['userId']).toBe('2');
    expect(byId(calls, addRedeem(12))).toBeDefined();
    expect(byId(calls, addRedeem(14)), 'after the termination nothing fires').toBeUndefined();
  });

  it('that removes a guest stops that guest there and says who it was', async () => {
    await seedAccount(db, { accountId: 1 });
    await seedAccount(db, { accountId: 2 });
    await setUpConnector(db);
    await using capture = await captured(db);
    await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
    await capture.until(addRedeem(1));
    await db.sql(`UPDATE loyalty.guest SET status = 'ANONYMIZED', first_name = NULL WHERE user_id = 1`);
    await purchase(db, { transactionId: 2, accountId: 1, points: 1 });
    await purchase(db, { transactionId: 3, accountId: 2, points: 1 });
    const calls = await capture.until(addRedeem(3));
    expect(byId(calls, addRedeem(1))).toBeDefined();
    expect(byId(calls, addRedeem(2))).toBeUndefined();
    expect(capture.suppressed).toEqual(['1']);
  });

  it('registers a guest once: not a second card, not the survivor of a merge', async () => {
    await seedAccount(db, { accountId: 1 });
    await seedAccount(db, { accountId: 2, userId: null });
    await seedAccount(db, { accountId: 3, userId: null });
    await seedAccount(db, { accountId: 4, userId: null });
    await db.sql(
      `INSERT INTO loyalty.guest (user_id, merchant_id, first_name) VALUES (40, ${MERCHANT}, 'New'), (30, ${MERCHANT}, 'Kept')`,
    );
    await setUpConnector(db);
    await using capture = await captured(db);
    const register = (account: number, user: number): Promise<unknown> =>
      db.sql(
        `UPDATE loyalty.account SET user_id = ${user}, registered_at = now(), registration_source = 'GUEST_WEBSITE' WHERE account_id = ${account}`,
      );
    await register(2, 1);
    await db.sql(
      `UPDATE loyalty.account SET merged_into_account_id = 3, account_status = 'TERMINATED', updated_at = now() WHERE account_id = 1`,
    );
    await register(3, 30);
    await register(4, 40);
    const calls = await capture.until(`px-${MERCHANT}-web_registration-4`);
    expect(calls.map((call) => call.messageId)).toEqual([
      `px-${MERCHANT}-identify-registration-4`,
      `px-${MERCHANT}-loyalty_registration-4`,
      `px-${MERCHANT}-web_registration-4`,
    ]);
  });

  it('voided within itself gives neither', async () => {
    await seedAccount(db, { accountId: 1 });
    await setUpConnector(db);
    await using capture = await captured(db);
    await db.sql(`BEGIN; ${purchaseSql({ transactionId: 1, accountId: 1, points: 10 })}
      INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, store_id, transaction_type, modifier, result, origin, original_transaction_id)
        VALUES (2, ${MERCHANT}, 1, ${STORE}, 'ADD_REDEEM', 'VOID', 'AUTHORIZED', 'POS', 1); COMMIT`);
    await purchase(db, { transactionId: 3, accountId: 1, points: 1 });
    const calls = await capture.until(addRedeem(3));
    expect(calls.map((call) => call.messageId)).toEqual([posActivity(3), addRedeem(3)]);
  });
});

/** What is held, not what the collector has not looked at yet. */
function liveBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('a transaction of 200,000 rows', () => {
  it('gives every event once, in order per account, with flat memory', async () => {
    const accounts = 4_000;
    const rounds = 10;
    await db.sql(`
      INSERT INTO loyalty.account (account_id, merchant_id, card_template_code, account_status) SELECT a, ${MERCHANT}, 3, 'ACTIVE' FROM generate_series(1, ${accounts}) a;
      INSERT INTO loyalty.account_wallet (account_id, wallet_code, merchant_id) SELECT a, w, ${MERCHANT} FROM generate_series(1, ${accounts}) a, unnest(ARRAY[${POINTS}, 11]) w;`);
    await setUpConnector(db);
    // 40,000 headers, 80,000 ledger lines and 80,000 wallet updates in one transaction.
    await db.sql(`BEGIN;
      INSERT INTO txn.transaction (transaction_id, posted_at, merchant_id, account_id, store_id, transaction_type, result, origin)
        SELECT r * 100000 + a, now(), ${MERCHANT}, a, ${STORE}, 'ADD_REDEEM', 'AUTHORIZED', 'POS' FROM generate_series(1, ${rounds}) r, generate_series(1, ${accounts}) a;
      INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
        SELECT now(), r * 100000 + a, e, ${MERCHANT}, a, CASE e WHEN 1 THEN ${POINTS} ELSE 11 END, 'ACCRUED', 1, r FROM generate_series(1, ${rounds}) r, generate_series(1, ${accounts}) a, generate_series(1, 2) e;
      ${Array.from({ length: rounds }, (_, r) => `UPDATE loyalty.account_wallet SET balance = ${r + 1};`).join(' ')}
      COMMIT`);
    await purchase(db, { transactionId: 1, accountId: 1, points: 5 });

    const ids = new Set<string>();
    const last = new Map<string, bigint>();
    let doubled = 0;
    let outOfOrder = 0;
    let peak = 0;
    const before = liveBytes();
    await using capture = await captured(db, {
      keep: false,
      onCall: (call) => {
        if (ids.has(call.messageId)) doubled += 1;
        ids.add(call.messageId);
        const key = `${call.accountKey}/${call.rank.kind}`;
        const at = BigInt(call.rank.key);
        if (call.rank.key !== '1' && at < (last.get(key) ?? 0n)) outOfOrder += 1;
        last.set(key, at);
        if (ids.size % 8_000 === 0) peak = Math.max(peak, liveBytes());
      },
    });
    await eventually(() => ids.has(addRedeem(1)), 'the purchase after the huge transaction', 60_000);
    expect(ids.size).toBe(2 * accounts * rounds + 2);
    expect({ doubled, outOfOrder }).toEqual({ doubled: 0, outOfOrder: 0 });
    // The ids this test itself remembers are a good part of it; the rows alone are over 100 MiB of objects.
    expect((peak - before) / 1_048_576, 'MiB more than before').toBeLessThan(100);
    await capture.stop();
  }, 120_000);
});
