import type { TestDatabase } from './postgres.js';

export const MERCHANT = 777777;
export const STORE = 2;
export const CORPORATE_STORE = 1;
export const POINTS = 3;
export const REWARD = 11;
export const STORED_VALUE = 20;

/** One brand with a retail and a corporate store, a loyalty template with tiers, three visible wallets and a hidden one. */
export async function seedBrand(db: TestDatabase): Promise<void> {
  await db.sql(`
    INSERT INTO loyalty.merchant (merchant_id, name, default_timezone, status)
      VALUES (${MERCHANT}, 'Pizzaland', 'America/New_York', 'ACTIVE');
    INSERT INTO loyalty.store (store_id, merchant_id, store_code, store_name, city, state_province, postal_code, country, latitude, longitude, timezone, store_kind) VALUES
      (${CORPORATE_STORE}, ${MERCHANT}, 'corp', 'Corporate', 'Newton', 'MA', '02458', 'US', NULL, NULL, 'America/New_York', 'CORPORATE'),
      (${STORE}, ${MERCHANT}, '211', 'Pizzaland Concord', 'Concord', 'MA', '02459', 'US', 42.38, -71.2, 'America/New_York', 'RETAIL');
    INSERT INTO loyalty.card_template VALUES (${MERCHANT}, 3, 'Loyalty Card', 'LOYALTY'), (${MERCHANT}, 9, 'Gift Card', 'STORED_VALUE');
    INSERT INTO loyalty.tier VALUES (${MERCHANT}, 3, 1, 'Base', 0), (${MERCHANT}, 3, 2, 'Gold', 1);
    INSERT INTO loyalty.wallet_definition (merchant_id, wallet_code, label, wallet_type, value_kind, unit, scale, currency, guest_visible, sort_order) VALUES
      (${MERCHANT}, ${POINTS}, 'Points', 'POINT', 'POINTS', 'points', 0, NULL, true, 1),
      (${MERCHANT}, ${REWARD}, '$5 Off Reward', 'REDEEM', 'REWARD', 'reward', 0, NULL, true, 2),
      (${MERCHANT}, ${STORED_VALUE}, 'Stored Value', 'STORED_VALUE', 'CURRENCY', 'USD', 2, 'USD', true, 3),
      (${MERCHANT}, 30, 'Burgers bought', 'ADD', 'ITEM_COUNT', 'items', 0, NULL, false, 4);
  `);
}

export interface AccountSeed {
  readonly accountId: number | string;
  /** Null: a card activated at the till with no guest behind it. Default: the account's own id. */
  readonly userId?: number | string | null;
  readonly template?: number;
}

/** A guest with an account, a primary card and three wallets at zero, in one commit. */
export async function seedAccount(db: TestDatabase, seed: AccountSeed): Promise<void> {
  const { accountId, userId = accountId, template = 3 } = seed;
  const guest =
    userId === null
      ? ''
      : `INSERT INTO loyalty.guest (user_id, merchant_id, first_name, last_name, email_opt_in, text_opt_in)
           VALUES (${userId}, ${MERCHANT}, 'Guest', 'No${userId}', true, false) ON CONFLICT DO NOTHING;`;
  await db.sql(`BEGIN; ${guest}
    INSERT INTO loyalty.account (account_id, merchant_id, user_id, card_template_code, tier_code, account_status, registered_at, registration_source)
      VALUES (${accountId}, ${MERCHANT}, ${userId ?? 'NULL'}, ${template}, 1, 'ACTIVE', ${userId === null ? 'NULL, NULL' : "now(), 'POS'"});
    INSERT INTO loyalty.card (card_id, merchant_id, account_id, printed_card_number, masked_card_number, medium, status, is_primary, activated_at)
      VALUES (${accountId}, ${MERCHANT}, ${accountId}, '6000${String(accountId).padStart(12, '0')}', 'x', 'PHYSICAL', 'ACTIVE', true, now());
    INSERT INTO loyalty.account_wallet (account_id, wallet_code, merchant_id)
      SELECT ${accountId}, wallet_code, ${MERCHANT} FROM unnest(ARRAY[${POINTS}, ${REWARD}, ${STORED_VALUE}]) AS wallet_code;
    COMMIT`);
}

export interface PurchaseSeed {
  readonly transactionId: number | string;
  readonly accountId: number | string;
  readonly points: number;
  /** Balance after; default: the wallet's balance plus the points. */
  readonly kind?: 'ACCRUED' | 'REDEEMED' | 'ADJUSTED' | 'EXPIRED';
}

/** The SQL of a purchase: header, ledger line and wallet update. Wrap in BEGIN/COMMIT or send as one statement list. */
export function purchaseSql(seed: PurchaseSeed): string {
  const { transactionId, accountId, points, kind = 'ACCRUED' } = seed;
  const sign = kind === 'REDEEMED' || kind === 'EXPIRED' ? '-' : '+';
  return `
    INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, card_id, store_id, transaction_type, result, origin, pos_transaction_id, pos_transaction_at)
      VALUES (${transactionId}, ${MERCHANT}, ${accountId}, ${accountId}, ${STORE}, 'ADD_REDEEM', 'AUTHORIZED', 'POS', '${transactionId}', now());
    UPDATE loyalty.account_wallet SET balance = balance ${sign} ${points}, last_transaction_id = ${transactionId}, updated_at = now()
      WHERE account_id = ${accountId} AND wallet_code = ${POINTS};
    INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
      SELECT now(), ${transactionId}, 1, ${MERCHANT}, ${accountId}, ${POINTS}, '${kind}', ${points}, balance
        FROM loyalty.account_wallet WHERE account_id = ${accountId} AND wallet_code = ${POINTS};`;
}

/** A purchase in a commit of its own; resolves with the commit's time in µs (the server has track_commit_timestamp). */
export async function purchase(db: TestDatabase, seed: PurchaseSeed): Promise<number> {
  await db.sql(`BEGIN; ${purchaseSql(seed)} COMMIT`);
  const { rows } = await db.sql<{ us: string }>(
    `SELECT (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint AS us FROM txn.transaction WHERE transaction_id = ${seed.transactionId}`,
  );
  return Number(rows[0]?.us);
}
