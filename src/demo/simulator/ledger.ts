import type { Store } from './brand.js';
import type { Tx } from './writer.js';

/** What a till, a site or a back office writes as the header of one ledger transaction. */
export interface Header {
  readonly transactionId: string;
  readonly merchantId: number;
  readonly accountId: string | null;
  readonly cardId: string | null;
  readonly store: Store | null;
  readonly type: string;
  readonly origin: string;
  readonly modifier?: 'NONE' | 'VOID' | 'REVERSE';
  readonly result?: 'AUTHORIZED' | 'DENIED';
  readonly errorCode?: string;
  readonly programId?: 'PX' | 'SV' | 'LP';
  readonly terminalId?: string;
  readonly operatorId?: string;
  readonly posTransactionId?: string | null;
  /** The till's clock; null = it sent none. */
  readonly posAt?: Date | null;
  /** Which columns carry it: both (the default), the instant alone, or the store's wall clock alone. */
  readonly posClock?: 'both' | 'instant' | 'local';
  readonly isOffline?: boolean;
  readonly isTraining?: boolean;
  readonly checkId?: string | null;
  readonly originalTransactionId?: string;
  readonly campaignCode?: string;
  readonly importBatchId?: string;
}

const INSERT_HEADER = `
INSERT INTO txn.transaction (transaction_id, posted_at, merchant_id, account_id, card_id, store_id, transaction_type,
  modifier, result, error_code, origin, program_id, sender_id, terminal_id, operator_id, pos_transaction_id,
  pos_transaction_at, pos_local_datetime, is_offline, is_training, check_id, original_transaction_id, original_posted_at,
  campaign_code, import_batch_id)
VALUES ($1, now(), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'SIM', $12, $13, $14,
  CASE WHEN $16 <> 'local' THEN $15::timestamptz END,
  CASE WHEN $16 <> 'instant' THEN $15::timestamptz AT TIME ZONE $17 END,
  $18, $19, $20, $21::bigint,
  (SELECT max(o.posted_at) FROM txn.transaction o WHERE o.account_id = $3 AND o.transaction_id = $21::bigint), $22, $23)`;

export async function insertHeader(tx: Tx, header: Header): Promise<void> {
  await tx.run(INSERT_HEADER, [
    header.transactionId,
    header.merchantId,
    header.accountId,
    header.cardId,
    header.store?.storeId ?? null,
    header.type,
    header.modifier ?? 'NONE',
    header.result ?? 'AUTHORIZED',
    header.errorCode ?? null,
    header.origin,
    header.programId ?? 'PX',
    header.terminalId ?? null,
    header.operatorId ?? null,
    header.posTransactionId ?? null,
    header.posAt ?? null,
    header.posClock ?? 'both',
    header.store?.timezone ?? 'UTC',
    header.isOffline ?? false,
    header.isTraining ?? false,
    header.checkId ?? null,
    header.originalTransactionId ?? null,
    header.campaignCode ?? null,
    header.importBatchId ?? null,
  ]);
}

export type EntryKind =
  'ACCRUED' | 'REDEEMED' | 'EXPIRED' | 'TRANSFERRED_IN' | 'TRANSFERRED_OUT' | 'ADJUSTED';

export interface Line {
  readonly walletCode: number;
  readonly kind: EntryKind;
  /** Decimal text; only ADJUSTED may be negative. */
  readonly quantity: string;
  readonly ruleCode?: string;
  readonly rewardCode?: string;
}

/** Balance of a wallet after a line, as decimal text. A type, not an interface: rows of node-postgres are indexable. */
export type Posted = { readonly wallet_code: number; readonly balance_after: string };

// The wallets move and the lines are written with the balances that came of it. Several lines may touch one wallet, so
// each line's balance_after is the final balance less what later lines of the same wallet add.
const POST_LINES = `
WITH line AS (
  SELECT l.entry_no, l.wallet_code, l.entry_kind, l.quantity, l.rule_code, l.reward_code,
    CASE WHEN l.entry_kind IN ('REDEEMED', 'EXPIRED', 'TRANSFERRED_OUT') THEN -l.quantity ELSE l.quantity END AS delta
  FROM unnest($4::int[], $5::text[], $6::numeric[], $7::text[], $8::text[]) WITH ORDINALITY
    AS l(wallet_code, entry_kind, quantity, rule_code, reward_code, entry_no)
), total AS (
  SELECT wallet_code, sum(delta) AS delta, sum(delta) FILTER (WHERE delta > 0) AS added,
    -sum(delta) FILTER (WHERE delta < 0) AS redeemed
  FROM line GROUP BY wallet_code
), moved AS (
  UPDATE loyalty.account_wallet w SET balance = w.balance + t.delta, lifetime_added = w.lifetime_added + coalesce(t.added, 0),
    lifetime_redeemed = w.lifetime_redeemed + coalesce(t.redeemed, 0), last_transaction_id = $1, updated_at = now()
  FROM total t WHERE w.account_id = $3 AND w.wallet_code = t.wallet_code
  RETURNING w.wallet_code, w.balance
)
INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind,
  quantity, balance_after, rule_code, reward_code)
SELECT now(), $1, l.entry_no, $2, $3, l.wallet_code, l.entry_kind, l.quantity,
  m.balance - coalesce(sum(l.delta) OVER (PARTITION BY l.wallet_code ORDER BY l.entry_no
    ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), 0), l.rule_code, l.reward_code
FROM line l JOIN moved m USING (wallet_code) ORDER BY l.entry_no
RETURNING wallet_code, balance_after`;

/** Moves the account's wallets and writes the ledger lines of a header of the same transaction. */
export async function postLines(tx: Tx, header: Header, lines: readonly Line[]): Promise<Posted[]> {
  if (lines.length === 0) return [];
  return tx.run<Posted>(POST_LINES, [
    header.transactionId,
    header.merchantId,
    header.accountId,
    lines.map((line) => line.walletCode),
    lines.map((line) => line.kind),
    lines.map((line) => line.quantity),
    lines.map((line) => line.ruleCode ?? null),
    lines.map((line) => line.rewardCode ?? null),
  ]);
}

/** Header and lines together. */
export async function post(tx: Tx, header: Header, lines: readonly Line[]): Promise<Posted[]> {
  await insertHeader(tx, header);
  return postLines(tx, header, lines);
}

export interface Check {
  readonly checkId: string;
  readonly merchantId: number;
  readonly store: Store;
  readonly checkNumber: string;
  /** yyyy-mm-dd; null = the store's own date now. */
  readonly businessDate?: string | null;
  readonly totalCents: number;
  readonly discountCents?: number;
}

const INSERT_CHECK = `
INSERT INTO txn.pos_check (check_id, merchant_id, store_id, check_number, agent_name, business_date, opened_at, closed_at,
  subtotal, discount_total, tax_total, tip_total, total, order_mode, guest_count, items)
VALUES ($1, $2, $3, $4, 'SIM', coalesce($5::date, (now() AT TIME ZONE $6)::date), now() - interval '20 minutes', now(),
  $7, $8, 0, 0, $9, 'DINE_IN', 2, '[{"plu": "101", "quantity": 1}]')`;

export async function insertCheck(tx: Tx, check: Check): Promise<void> {
  const discountCents = check.discountCents ?? 0;
  await tx.run(INSERT_CHECK, [
    check.checkId,
    check.merchantId,
    check.store.storeId,
    check.checkNumber,
    check.businessDate ?? null,
    check.store.timezone,
    money(check.totalCents + discountCents),
    money(discountCents),
    money(check.totalCents),
  ]);
}

export async function insertCheckCard(
  tx: Tx,
  checkId: string,
  cardId: string,
  paidCents: number,
): Promise<void> {
  await tx.run('INSERT INTO txn.check_card (check_id, card_id, amount_paid) VALUES ($1, $2, $3)', [
    checkId,
    cardId,
    money(paidCents),
  ]);
}

/** Cents as decimal text. */
export function money(cents: number): string {
  return (cents / 100).toFixed(2);
}
