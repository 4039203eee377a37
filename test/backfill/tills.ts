import { MERCHANT, POINTS, STORE, seedAccount, seedBrand } from '../support/brand.js';
import type { TestDatabase } from '../support/postgres.js';

/** Members 1, 2 … who make `purchases` purchases in turn, each in a commit of its own, one after the other. */
export async function tills(
  db: TestDatabase,
  options: { readonly members: number; readonly purchases: number },
): Promise<void> {
  const { members, purchases } = options;
  await seedBrand(db);
  for (let id = 1; id <= members; id += 1) await seedAccount(db, { accountId: id });
  await db.sql(`DO $$ BEGIN FOR i IN 1..${purchases} LOOP
    INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, card_id, store_id, transaction_type, result, origin, pos_transaction_id, pos_transaction_at)
      VALUES (1000 + i, ${MERCHANT}, i % ${members} + 1, i % ${members} + 1, ${STORE}, 'ADD_REDEEM', 'AUTHORIZED', 'POS', i, now());
    UPDATE loyalty.account_wallet SET balance = balance + i, updated_at = now()
      WHERE account_id = i % ${members} + 1 AND wallet_code = ${POINTS};
    INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
      SELECT now(), 1000 + i, 1, ${MERCHANT}, account_id, ${POINTS}, 'ACCRUED', i, balance
        FROM loyalty.account_wallet WHERE account_id = i % ${members} + 1 AND wallet_code = ${POINTS};
    COMMIT;
  END LOOP; END $$`);
}
