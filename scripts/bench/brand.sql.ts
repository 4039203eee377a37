import { FIRST_ACCOUNT, FIRST_MERCHANT, FIRST_TRANSACTION } from './expected-purchases.js';

/**
 * $accounts members spread evenly over $merchants merchants, each with a guest, a card and four wallets: what makes an event as
 * large as the examples (some 1.7 kB). Foreign keys are not checked while it is written, which is what takes the time.
 */
export function brandSql({ accounts, merchants }: { accounts: number; merchants: number }): string {
  const members = `generate_series(0, ${accounts - 1}) i`;
  const all = `generate_series(${FIRST_MERCHANT}, ${FIRST_MERCHANT + merchants - 1}) m`;
  const merchant = `${FIRST_MERCHANT} + i % ${merchants}`;
  return `
SET session_replication_role = replica; SET synchronous_commit = off;
INSERT INTO loyalty.merchant (merchant_id, name, default_timezone, status)
  SELECT m, 'Pizzaland ' || m, 'America/New_York', 'ACTIVE' FROM ${all};
INSERT INTO loyalty.store (store_id, merchant_id, store_code, store_name, city, state_province, postal_code, country,
    latitude, longitude, timezone)
  SELECT m * 100 + s, m, (200 + s)::text, 'Pizzaland Concord ' || s, 'Concord', 'MA', '02459', 'US', 42.38, -71.2,
    'America/New_York' FROM ${all}, generate_series(0, 9) s;
INSERT INTO loyalty.card_template (merchant_id, card_template_code, label, program_kind)
  SELECT m, 3, 'Rewards', 'LOYALTY' FROM ${all};
INSERT INTO loyalty.tier (merchant_id, card_template_code, tier_code, label, rank)
  SELECT m, 3, t, CASE t WHEN 1 THEN 'Base' ELSE 'Gold' END, t FROM ${all}, generate_series(1, 2) t;
INSERT INTO loyalty.wallet_definition (merchant_id, wallet_code, label, wallet_type, value_kind, unit, scale, currency,
    guest_visible, giftable, sort_order)
  SELECT m, w.* FROM ${all}, (VALUES
    (3, 'Points', 'POINT', 'POINTS', 'points', 0, NULL, true, false, 1),
    (11, '$5 Off Reward', 'REDEEM', 'REWARD', 'reward', 0, NULL, true, true, 2),
    (20, 'Stored Value', 'STORED_VALUE', 'CURRENCY', 'USD', 2, 'USD', true, true, 3),
    (30, 'Burgers bought', 'ADD', 'ITEM_COUNT', 'items', 0, NULL, false, false, 4)) w;
INSERT INTO loyalty.guest (user_id, merchant_id, username, first_name, last_name, email, mobile_phone, postal_code, language,
    email_opt_in, email_opt_in_at, text_opt_in)
  SELECT ${FIRST_ACCOUNT} + i, ${merchant}, 'guest' || i, 'Derek' || i % 97, 'Lee' || i % 89, 'guest' || i || '@example.com',
    '6175550100', '02459', 'en', true, now(), false FROM ${members};
INSERT INTO loyalty.account (account_id, merchant_id, user_id, card_template_code, tier_code, account_status, enroll_date,
    enrolled_at, enrollment_store_id, enrollment_source, registered_at, registration_source, favorite_store_id)
  SELECT ${FIRST_ACCOUNT} + i, ${merchant}, ${FIRST_ACCOUNT} + i, 3, 1 + i % 2, 'ACTIVE', current_date, now(), (${merchant}) * 100, 'MOBILE_APP',
    now(), 'MOBILE_APP', (${merchant}) * 100 + i % 10 FROM ${members};
INSERT INTO loyalty.card (card_id, merchant_id, account_id, printed_card_number, masked_card_number, medium, status,
    is_primary, activated_at)
  SELECT ${FIRST_ACCOUNT} + i, ${merchant}, ${FIRST_ACCOUNT} + i, (6000301000000000 + i)::text, 'XXXX' || lpad((i % 10000)::text, 4, '0'),
    'VIRTUAL', 'ACTIVE', true, now() FROM ${members};
INSERT INTO loyalty.account_wallet (account_id, wallet_code, merchant_id, balance, lifetime_added, lifetime_redeemed)
  SELECT ${FIRST_ACCOUNT} + i, w.code, ${merchant}, w.balance, w.balance * 2, w.balance
    FROM ${members}, (VALUES (3, 1250), (11, 1000), (20, 25), (30, 41)) w (code, balance);
RESET session_replication_role;
CREATE SCHEMA bench;
${purchaseProcedure({ accounts, merchants })}
${postPurchase}
CREATE TABLE bench.unrelated (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload text STORAGE EXTERNAL NOT NULL);`;
}

/** One purchase: a header, two ledger lines and the two wallets they move. */
const postPurchase = `
CREATE FUNCTION bench.post_purchase(transaction bigint, account bigint, merchant int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  points numeric; rewards numeric;
BEGIN
  INSERT INTO txn.transaction (transaction_id, posted_at, merchant_id, account_id, card_id, store_id, transaction_type,
      result, origin, program_id, sender_id, terminal_id, operator_id, pos_transaction_id, pos_transaction_at)
    VALUES (transaction, now(), merchant, account, account, merchant::bigint * 100 + account % 10, 'ADD_REDEEM', 'AUTHORIZED', 'POS', 'PX',
      'BENCH', '1023', '1234', (transaction % 100000)::text, now());
  UPDATE loyalty.account_wallet SET balance = balance + 43, lifetime_added = lifetime_added + 43,
      last_transaction_id = transaction, updated_at = now() WHERE account_id = account AND wallet_code = 3 RETURNING balance INTO points;
  UPDATE loyalty.account_wallet SET balance = balance - 1, lifetime_redeemed = lifetime_redeemed + 1,
      last_transaction_id = transaction, updated_at = now() WHERE account_id = account AND wallet_code = 11 RETURNING balance INTO rewards;
  INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind,
      quantity, balance_after, rule_code, reward_code)
    VALUES (now(), transaction, 1, merchant, account, 3, 'ACCRUED', 43, points, 'EARN', NULL),
      (now(), transaction, 2, merchant, account, 11, 'REDEEMED', 1, rewards, NULL, 'FIVE');
END $$;`;

/** Purchases first, first + step … below past, so many a commit. */
function purchaseProcedure({ accounts, merchants }: { accounts: number; merchants: number }): string {
  return `
CREATE PROCEDURE bench.purchases(first bigint, step int, past bigint, stride int, a_commit int) LANGUAGE plpgsql AS $$
DECLARE
  purchase bigint := first; account bigint; open int := 0;
BEGIN
  WHILE purchase < past LOOP
    account := (purchase * stride) % ${accounts};
    PERFORM bench.post_purchase(${FIRST_TRANSACTION} + purchase, ${FIRST_ACCOUNT} + account, (${FIRST_MERCHANT} + account % ${merchants})::int);
    open := open + 1;
    IF open >= a_commit THEN COMMIT; open := 0; END IF;
    purchase := purchase + step;
  END LOOP;
END $$;`;
}

/**
 * One transaction of so many ledger rows: every fiftieth header is a purchase whose calls are due, the others an import, which
 * sends nothing. A header and a line each, numbers from `first` up.
 */
export function hugeCommitSql({ rows, accounts }: { rows: number; accounts: number }): string {
  const headers = Math.floor(rows / 2);
  const source = `generate_series(0, ${headers - 1}) h`;
  // Purchases keep the numbering that is expected of them; imports are numbered beyond.
  const transaction = `CASE WHEN h % ${IMPORTS_A_PURCHASE} = 0 THEN ${FIRST_TRANSACTION} + h / ${IMPORTS_A_PURCHASE} ELSE ${FIRST_TRANSACTION * 2} + h END`;
  const account = `${FIRST_ACCOUNT} + (h / ${IMPORTS_A_PURCHASE}) % ${accounts}`;
  return `
BEGIN; SET LOCAL session_replication_role = replica;
INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, card_id, store_id, transaction_type, result, origin, pos_transaction_at, import_batch_id)
  SELECT ${transaction}, ${FIRST_MERCHANT}, ${account}, ${account}, ${FIRST_MERCHANT * 100},
    CASE WHEN h % ${IMPORTS_A_PURCHASE} = 0 THEN 'ADD_REDEEM' ELSE 'WALLET_ADJUSTMENT' END, 'AUTHORIZED',
    CASE WHEN h % ${IMPORTS_A_PURCHASE} = 0 THEN 'POS' ELSE 'IMPORT' END, now(), CASE WHEN h % ${IMPORTS_A_PURCHASE} = 0 THEN NULL ELSE 7 END FROM ${source};
INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
  SELECT now(), ${transaction}, 1, ${FIRST_MERCHANT}, ${account}, 3, 'ACCRUED', 1, 1251 FROM ${source};
COMMIT;`;
}

export const IMPORTS_A_PURCHASE = 50;
