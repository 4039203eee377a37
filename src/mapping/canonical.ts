import { TABLES, type TableName } from '../records/tables.js';

/** What identifies a record; all columns that hold one kind of id have one SQL type in a database. */
export type KeyKind =
  | 'store'
  | 'guest'
  | 'account'
  | 'card'
  | 'transaction'
  | 'check'
  | 'checkin'
  | 'referral'
  | 'recharge'
  | 'survey'
  | 'question'
  | 'invitation'
  | 'response'
  | 'import_batch'
  | 'template'
  | 'tier'
  | 'wallet';

export type ColumnType =
  | { readonly kind: 'key'; readonly of: KeyKind }
  | { readonly kind: 'int' }
  | { readonly kind: 'numeric' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'text' }
  | { readonly kind: 'date' }
  | { readonly kind: 'timestamp' }
  | { readonly kind: 'timestamptz' }
  | { readonly kind: 'jsonb' };

const KEYS: Readonly<Record<string, KeyKind>> = {
  store_id: 'store',
  enrollment_store_id: 'store',
  favorite_store_id: 'store',
  user_id: 'guest',
  account_id: 'account',
  merged_into_account_id: 'account',
  referrer_account_id: 'account',
  referred_account_id: 'account',
  card_id: 'card',
  transaction_id: 'transaction',
  original_transaction_id: 'transaction',
  check_id: 'check',
  checkin_id: 'checkin',
  referral_id: 'referral',
  recharge_id: 'recharge',
  survey_id: 'survey',
  question_id: 'question',
  invitation_id: 'invitation',
  response_id: 'response',
  import_batch_id: 'import_batch',
  card_template_code: 'template',
  tier_code: 'tier',
  wallet_code: 'wallet',
};

const INTS = new Set(['merchant_id', 'entry_no', 'scale', 'sort_order', 'nps']);
const NUMERICS = new Set([
  'latitude',
  'longitude',
  'balance',
  'lifetime_added',
  'lifetime_redeemed',
  'quantity',
  'balance_after',
  'subtotal',
  'discount_total',
  'total',
  'amount',
  'amount_paid',
  'bonus_amount',
  'overall_score',
  'numeric_value',
]);
const BOOLEANS = new Set([
  'is_demo',
  'guest_visible',
  'giftable',
  'email_opt_in',
  'text_opt_in',
  'is_primary',
  'is_offline',
  'is_training',
]);
const TIMES = new Set([
  'enrolled_at',
  'registered_at',
  'updated_at',
  'activated_at',
  'checkin_time',
  'expiration_time',
  'created_at',
  'posted_at',
  'pos_transaction_at',
  'completed_at',
  'started_at',
]);
const OTHERS: Readonly<Record<string, ColumnType>> = {
  enroll_date: { kind: 'date' },
  business_date: { kind: 'date' },
  pos_local_datetime: { kind: 'timestamp' },
  expirations: { kind: 'jsonb' },
};

/** A column of the same name has the same type in every table of the reference schema, `pos_transaction_id` being text. */
export function columnTypeOf(table: TableName, column: string): ColumnType {
  if (!Object.hasOwn(TABLES[table].columns, column)) throw new RangeError(`${table} has no column ${column}`);
  const key = KEYS[column];
  if (key !== undefined) return { kind: 'key', of: key };
  if (INTS.has(column)) return { kind: 'int' };
  if (NUMERICS.has(column)) return { kind: 'numeric' };
  if (BOOLEANS.has(column)) return { kind: 'boolean' };
  if (TIMES.has(column)) return { kind: 'timestamptz' };
  return OTHERS[column] ?? { kind: 'text' };
}
