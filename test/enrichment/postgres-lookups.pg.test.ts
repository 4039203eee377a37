import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Knex } from 'knex';
import { postgresLookups } from '../../src/enrichment/postgres-lookups.js';
import { openKnex } from '../../src/postgres/connection.js';
import {
  POINTS,
  purchase,
  purchaseSql,
  REWARD,
  seedAccount,
  seedBrand,
  STORED_VALUE,
} from '../support/brand.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

describe('look-ups give balances as of a commit', () => {
  let db: TestDatabase;
  let knex: Knex;

  beforeAll(async () => {
    db = await testDatabase();
    knex = openKnex({ url: db.url });
    await seedBrand(db);
  });

  afterAll(async () => {
    await knex.destroy();
    await db.close();
  });

  async function pointsAsOf(
    accountId: string,
    asOfUs: number,
    trackCommitTimestamp = true,
  ): Promise<string | undefined> {
    const wallets = await postgresLookups({ knex, trackCommitTimestamp }).wallets(
      new Map([[accountId, asOfUs]]),
    );
    return wallets.find((wallet) => wallet.row.wallet_code === String(POINTS))?.balanceAsOf;
  }

  it('from the last ledger line at or before it, whatever came later', async () => {
    await seedAccount(db, { accountId: 1 });
    const first = await purchase(db, { transactionId: 101, accountId: 1, points: 40 });
    const second = await purchase(db, { transactionId: 102, accountId: 1, points: 2 });
    await purchase(db, { transactionId: 103, accountId: 1, points: 100 });
    expect(await pointsAsOf('1', first)).toBe('40.0000');
    expect(await pointsAsOf('1', second)).toBe('42.0000');
    expect(await pointsAsOf('1', second - 1)).toBe('40.0000');
  });

  it.each([
    ['ACCRUED', 7],
    ['REDEEMED', 7],
    ['EXPIRED', 7],
    ['ADJUSTED', -7],
  ] as const)('before the first line, from that line undone (%s)', async (kind, points) => {
    const accountId = { ACCRUED: 21, REDEEMED: 22, EXPIRED: 23, ADJUSTED: 24 }[kind];
    await seedAccount(db, { accountId });
    await db.sql(
      `UPDATE loyalty.account_wallet SET balance = 50 WHERE account_id = ${accountId} AND wallet_code = ${POINTS}`,
    );
    const at = await purchase(db, { transactionId: 200 + accountId, accountId, points, kind });
    expect(Number(await pointsAsOf(String(accountId), at - 1))).toBe(50);
  });

  it('without any line, from the wallet itself', async () => {
    await seedAccount(db, { accountId: 3 });
    await db.sql(
      `UPDATE loyalty.account_wallet SET balance = 12.5 WHERE account_id = 3 AND wallet_code = ${STORED_VALUE}`,
    );
    const wallets = await postgresLookups({ knex, trackCommitTimestamp: true }).wallets(new Map([['3', 0]]));
    expect(Object.fromEntries(wallets.map((wallet) => [wallet.row.wallet_code, wallet.balanceAsOf]))).toEqual(
      {
        [POINTS]: '0.0000',
        [REWARD]: '0.0000',
        [STORED_VALUE]: '12.5000',
      },
    );
  });

  it('also when more lines came since than the first look takes', async () => {
    await seedAccount(db, { accountId: 4 });
    const first = await purchase(db, { transactionId: 400, accountId: 4, points: 1 });
    for (let n = 1; n <= 60; n += 1) await purchase(db, { transactionId: 400 + n, accountId: 4, points: 1 });
    expect(await pointsAsOf('4', first)).toBe('1.0000');
  });

  it('by commit order, not by when the transaction began, where commit timestamps are kept', async () => {
    await seedAccount(db, { accountId: 5 });
    const slow = await db.session();
    await slow.query(`BEGIN; INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, transaction_type, result, origin)
      VALUES (500, 777777, 5, 'ADD_REDEEM', 'AUTHORIZED', 'POS')`);
    const quick = await purchase(db, { transactionId: 501, accountId: 5, points: 3 });
    await slow.query(`INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
      VALUES (now(), 500, 1, 777777, 5, ${POINTS}, 'ACCRUED', 10, 13); COMMIT`);
    expect(await pointsAsOf('5', quick)).toBe('3.0000');
    expect(await pointsAsOf('5', quick + 3_600_000_000)).toBe('13.0000');
  });

  it('several lines of one commit count as their last', async () => {
    await seedAccount(db, { accountId: 6 });
    await db.sql(
      `BEGIN; ${purchaseSql({ transactionId: 600, accountId: 6, points: 5 })} ${purchaseSql({ transactionId: 601, accountId: 6, points: 6 })} COMMIT`,
    );
    expect(await pointsAsOf('6', Number.MAX_SAFE_INTEGER)).toBe('11.0000');
  });

  it('more lines of one commit than the first look takes count as their last, wherever they lie', async () => {
    await seedAccount(db, { accountId: 7 });
    // The last line lies first in the table.
    await db.sql(`BEGIN;
      INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, transaction_type, result, origin)
        SELECT 7000 + n, 777777, 7, 'ADD_REDEEM', 'AUTHORIZED', 'POS' FROM generate_series(1, 200) n;
      INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
        SELECT now(), 7000 + n, 1, 777777, 7, ${POINTS}, 'ACCRUED', 7, 7 * n FROM generate_series(200, 1, -1) n;
      COMMIT`);
    expect(await pointsAsOf('7', Number.MAX_SAFE_INTEGER)).toBe('1400.0000');
  });

  it('a transaction that began before more lines than the first look takes, and ended after them, counts as last', async () => {
    await seedAccount(db, { accountId: 8 });
    const slow = await db.session();
    await slow.query(`BEGIN; INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, transaction_type, result, origin)
      VALUES (8000, 777777, 8, 'ADD_REDEEM', 'AUTHORIZED', 'POS')`);
    for (let n = 1; n <= 60; n += 1) await purchase(db, { transactionId: 8000 + n, accountId: 8, points: 1 });
    await slow.query(`INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
      VALUES (now(), 8000, 1, 777777, 8, ${POINTS}, 'ACCRUED', 1000, 1060); COMMIT`);
    const { rows } = await slow.query<{ us: string }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS us',
    );
    expect(await pointsAsOf('8', Number(rows[0]?.us))).toBe('1060.0000');
  });

  it('values are the very text that replication sends', async () => {
    await seedAccount(db, { accountId: '9007199254740993' });
    const lookups = postgresLookups({ knex, trackCommitTimestamp: true });
    const [found] = await lookups.accounts(['9007199254740993']);
    expect(found?.row.account_id).toBe('9007199254740993');
    const [card] = await lookups.cards([], ['9007199254740993']);
    expect(card?.is_primary).toBe('t');
    const [store] = await lookups.stores(['2']);
    expect(store?.latitude).toBe('42.380000');
    expect(found?.row.updated_at).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00$/);
  });
});
