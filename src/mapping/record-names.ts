import type { TableName } from '../records/tables.js';

/** Names of the records in a mapping file. */
export const RECORDS = {
  merchant: 'loyalty.merchant',
  store: 'loyalty.store',
  card_template: 'loyalty.card_template',
  tier: 'loyalty.tier',
  wallet_definition: 'loyalty.wallet_definition',
  guest: 'loyalty.guest',
  account: 'loyalty.account',
  card: 'loyalty.card',
  wallet: 'loyalty.account_wallet',
  check_in: 'loyalty.checkin',
  referral: 'loyalty.referral',
  transaction: 'txn.transaction',
  wallet_entry: 'txn.wallet_entry',
  check: 'txn.pos_check',
  check_card: 'txn.check_card',
  recharge: 'txn.recharge',
  survey: 'survey.survey',
  survey_question: 'survey.question',
  survey_invitation: 'survey.invitation',
  survey_response: 'survey.response',
  survey_answer: 'survey.answer',
} as const satisfies Readonly<Record<string, TableName>>;

export type RecordName = keyof typeof RECORDS;
export const RECORD_NAMES = Object.keys(RECORDS) as readonly RecordName[];

export function recordNameOf(table: TableName): RecordName {
  const name = RECORD_NAMES.find((each) => RECORDS[each] === table);
  if (name === undefined) throw new RangeError(`${table} has no record name`);
  return name;
}
