import type { TABLES, TableName } from '../records/tables.js';

type Sets = {
  readonly [T in TableName]?: Partial<Record<keyof (typeof TABLES)[T]['columns'], readonly string[]>>;
};

/** Values that the reference schema's CHECK constraints allow, for the columns that have a closed list of them. */
const VALUE_SETS: Sets = {
  'loyalty.merchant': { status: ['ACTIVE', 'SUSPENDED', 'TERMINATED'] },
  'loyalty.store': { store_kind: ['RETAIL', 'CORPORATE', 'WEB', 'LAB'] },
  'loyalty.card_template': {
    program_kind: ['LOYALTY', 'STORED_VALUE', 'COMP', 'ECLUB', 'EMPLOYEE', 'COMBINED'],
  },
  'loyalty.wallet_definition': {
    wallet_type: ['ADD', 'POINT', 'REDEEM', 'MEMBER_REWARD', 'STORED_VALUE', 'COMP', 'CHARGE', 'ROLLING'],
    value_kind: ['POINTS', 'VISITS', 'CURRENCY', 'ITEM_COUNT', 'REWARD', 'SPEND'],
  },
  'loyalty.guest': { status: ['ACTIVE', 'DELETED', 'ANONYMIZED'] },
  'loyalty.account': {
    account_status: ['ACTIVE', 'SUSPENDED', 'TERMINATED'],
    registration_source: [
      'GUEST_WEBSITE',
      'MOBILE_APP',
      'POS',
      'SMS',
      'ONLINE_ORDER',
      'API',
      'CSR',
      'IMPORT',
    ],
    account_kind: ['GUEST', 'EMPLOYEE', 'TEST'],
  },
  'loyalty.referral': { status: ['SENT', 'REGISTERED', 'QUALIFIED', 'REWARDED', 'EXPIRED', 'CANCELLED'] },
  'txn.transaction': {
    transaction_type: [
      'ACTIVATE',
      'ACTIVATE_ADD',
      'ADD_REDEEM',
      'IDENTIFY_CUSTOMER',
      'BALANCE_INQUIRY',
      'CHECKIN',
      'EXCHANGE',
      'COMBINE',
      'BALANCE_TRANSFER',
      'WALLET_ADJUSTMENT',
      'CAMPAIGN_ADJUSTMENT',
      'RULE_ADJUSTMENT',
      'EXPIRATION',
      'RECHARGE',
    ],
    modifier: ['NONE', 'VOID', 'REVERSE'],
    result: ['AUTHORIZED', 'DENIED'],
    origin: [
      'POS',
      'ONLINE_ORDER',
      'GUEST_WEBSITE',
      'MOBILE_APP',
      'PARTNER',
      'CSR',
      'CAMPAIGN',
      'SYSTEM',
      'IMPORT',
    ],
  },
  'txn.wallet_entry': {
    entry_kind: ['ACCRUED', 'REDEEMED', 'EXPIRED', 'TRANSFERRED_IN', 'TRANSFERRED_OUT', 'ADJUSTED'],
  },
  'txn.recharge': {
    recharge_kind: ['ONE_TIME', 'AUTO', 'POS'],
    transaction_state: ['Pending', 'Succeeded', 'Failed', 'Refunded', 'Chargeback'],
  },
  'survey.response': { status: ['STARTED', 'COMPLETED', 'ABANDONED', 'DISQUALIFIED'] },
};

/** Null: any value of the column's type. */
export function valueSetOf(table: TableName, column: string): readonly string[] | null {
  const sets: Readonly<Record<string, readonly string[] | undefined>> = VALUE_SETS[table] ?? {};
  return (Object.hasOwn(sets, column) ? sets[column] : undefined) ?? null;
}
