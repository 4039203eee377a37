import type { TableName } from '../records/tables.js';
import type { Expression } from './expression.js';
import type { RowSpec } from './spec.js';

export interface DefaultOptions {
  /** The mapping's. */
  readonly zone: string | null;
  /** The merchant of records that name none. */
  readonly onlyMerchantId: string | null;
  /** What the mapping says of the record's other columns. */
  readonly columns: ReadonlyMap<string, Expression>;
}

type Default = string | { readonly as: string } | null;

const COMMIT_TIME = 'commit time';
const ZONE = 'zone';
/** Null in the record: the event takes that of the merchant. */
const OF_MERCHANT = 'of the merchant';

/** A text is that constant; `as` is what another column of the record is; null is null although the schema has NOT NULL. */
const DEFAULTS: { readonly [T in TableName]?: Readonly<Record<string, Default>> } = {
  'loyalty.merchant': {
    name: { as: 'merchant_id' },
    default_timezone: ZONE,
    currency: 'USD',
    status: 'ACTIVE',
    is_demo: 'f',
  },
  'loyalty.store': {
    store_code: { as: 'store_id' },
    store_name: { as: 'store_id' },
    timezone: ZONE,
    store_kind: 'RETAIL',
  },
  'loyalty.card_template': { card_template_code: '1', label: 'Loyalty', program_kind: 'LOYALTY' },
  'loyalty.tier': { card_template_code: '1', label: { as: 'tier_code' } },
  'loyalty.wallet_definition': {
    label: { as: 'wallet_code' },
    wallet_type: 'POINT',
    value_kind: 'POINTS',
    scale: '2',
    guest_visible: 't',
    giftable: 'f',
    sort_order: '0',
  },
  'loyalty.guest': { status: 'ACTIVE' },
  'loyalty.account': {
    card_template_code: '1',
    account_status: 'ACTIVE',
    account_kind: 'GUEST',
    updated_at: COMMIT_TIME,
  },
  'loyalty.card': { is_primary: 't' },
  'loyalty.account_wallet': {
    lifetime_added: '0',
    lifetime_redeemed: '0',
    expirations: '[]',
    updated_at: COMMIT_TIME,
  },
  'loyalty.checkin': { channel: 'POS', checkin_time: COMMIT_TIME },
  'loyalty.referral': { channel: 'WEB', status: 'SENT', created_at: COMMIT_TIME },
  'txn.transaction': {
    posted_at: COMMIT_TIME,
    pos_transaction_at: { as: 'posted_at' },
    transaction_type: 'ADD_REDEEM',
    modifier: 'NONE',
    result: 'AUTHORIZED',
    origin: 'POS',
    is_offline: 'f',
    is_training: 'f',
  },
  'txn.wallet_entry': { posted_at: COMMIT_TIME, entry_no: '1', entry_kind: 'ACCRUED' },
  'txn.pos_check': { check_number: { as: 'check_id' }, store_id: null, business_date: null },
  'txn.recharge': {
    card_id: null,
    bonus_amount: '0',
    currency: OF_MERCHANT,
    recharge_kind: 'ONE_TIME',
    payment_type: 'UNKNOWN',
    transaction_state: 'Succeeded',
    completed_at: COMMIT_TIME,
    channel: 'POS',
  },
  'survey.survey': { survey_code: { as: 'survey_id' }, title: { as: 'survey_code' } },
  'survey.question': { question_code: { as: 'question_id' } },
  'survey.response': {
    status: 'COMPLETED',
    started_at: { as: 'completed_at' },
    completed_at: COMMIT_TIME,
    channel: 'WEB',
  },
};

/** What a canonical column is where a mapping does not say; null: it must. */
export function defaultFor(table: TableName, column: string, options: DefaultOptions): Expression | null {
  const standing = DEFAULTS[table]?.[column];
  if (standing === undefined) return column === 'merchant_id' ? constant(options.onlyMerchantId) : null;
  if (standing === COMMIT_TIME) return { kind: 'commit-time' };
  if (standing === ZONE) return constant(options.zone ?? 'UTC');
  if (standing === OF_MERCHANT) return { kind: 'constant', text: null };
  if (typeof standing === 'string') return constant(standing);
  if (standing === null) return { kind: 'constant', text: null };
  const other = options.columns.get(standing.as);
  if (other !== undefined) return other;
  // A till's own time that nobody maps is not the commit's: it stays unknown.
  return column === 'pos_transaction_at' ? null : defaultFor(table, standing.as, options);
}

/** For the reference: a value as it is written, or words; null where there is none. */
export function defaultInWords(
  table: TableName,
  column: string,
): { readonly words: string; readonly isValue: boolean } | null {
  const standing = DEFAULTS[table]?.[column];
  const inWords = (words: string): { words: string; isValue: boolean } => ({ words, isValue: false });
  if (standing === undefined) return column === 'merchant_id' ? inWords('the only merchant') : null;
  if (standing === COMMIT_TIME) return inWords('when it was committed');
  if (standing === ZONE) return inWords('the zone of the mapping, else UTC');
  if (standing === OF_MERCHANT) return inWords('that of the merchant');
  if (standing === null) return inWords('null');
  if (typeof standing === 'string') return { words: standing, isValue: true };
  return inWords(`as \`${standing.as}\``);
}

function constant(text: string | null): Expression | null {
  return text === null ? null : { kind: 'constant', text };
}

/** Records of which one is there where the mapping says nothing of them. */
export const DEFAULT_ROWS: readonly RowSpec[] = [
  { record: 'loyalty.card_template', at: 'mapping', columns: new Map() },
];
