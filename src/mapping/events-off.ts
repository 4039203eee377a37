import type { TableName } from '../records/tables.js';
import type { Expression } from './expression.js';
import type { Feed, Mapping } from './mapping.js';
import { possibleTexts } from './possible-texts.js';
import { recordNameOf } from './record-names.js';

/** The records without which an event never fires. */
const NEEDS: Readonly<Record<string, readonly TableName[]>> = {
  'Loyalty Registration': ['loyalty.account'],
  'Web Registration': ['loyalty.account'],
  'Check-In': ['loyalty.checkin'],
  'Identify Customer': ['txn.transaction'],
  'POS Activity': ['txn.transaction'],
  'Add/Redeem': ['txn.transaction', 'txn.wallet_entry', 'loyalty.wallet_definition'],
  'Recharge Value': ['txn.recharge'],
  Referral: ['loyalty.referral'],
  'Survey Completion': ['survey.survey', 'survey.response'],
};

/** Columns that must say something for an event to fire. */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  'Loyalty Registration': ['user_id', 'registered_at'],
  'Web Registration': ['user_id', 'registered_at', 'registration_source'],
};

/** What one row must say all of for an event to fire: one of these words in each column. */
const WORDS: Readonly<
  Record<
    string,
    { readonly record: TableName; readonly columns: Readonly<Record<string, readonly string[]>> }
  >
> = {
  'Identify Customer': {
    record: 'txn.transaction',
    columns: { transaction_type: ['IDENTIFY_CUSTOMER'], origin: ['POS', 'ONLINE_ORDER'] },
  },
  'POS Activity': { record: 'txn.transaction', columns: { origin: ['POS'] } },
  'Add/Redeem': {
    record: 'txn.transaction',
    columns: {
      transaction_type: ['ADD_REDEEM', 'ACTIVATE'],
      origin: ['POS', 'ONLINE_ORDER', 'MOBILE_APP', 'GUEST_WEBSITE', 'PARTNER'],
    },
  },
  'Web Registration': { record: 'loyalty.account', columns: { registration_source: ['GUEST_WEBSITE'] } },
  'Recharge Value': { record: 'txn.recharge', columns: { transaction_state: ['Succeeded'] } },
  Referral: { record: 'loyalty.referral', columns: { status: ['SENT'] } },
  'Survey Completion': { record: 'survey.response', columns: { status: ['COMPLETED'] } },
};

/** Events that a mapping has nothing for, each as a line for people: `Referral: off, no table is mapped to referral`. */
export function eventsOff(mapping: Mapping): readonly string[] {
  return Object.keys(NEEDS).flatMap((event) => {
    const why = reasonOff(event, mapping);
    return why === null ? [] : [`${event}: off, ${why}`];
  });
}

function reasonOff(event: string, { feeds, unmapped }: Mapping): string | null {
  const missing = (NEEDS[event] ?? []).filter((record) => unmapped.has(record));
  if (missing.length > 0) return `no table is mapped to ${missing.map(recordNameOf).join(' and ')}`;
  if (feeds === null) return null;
  const all = [...feeds.values()].flat();
  const accounts = all.filter(({ record }) => record === 'loyalty.account');
  const says = (column: string): boolean =>
    accounts.some(({ columns }) => {
      const expression = columns[column];
      return expression !== undefined && !(expression.kind === 'constant' && expression.text === null);
    });
  const silent = (COLUMNS[event] ?? []).filter((column) => !says(column));
  return silent.length === 0 ? wordsMissing(event, all) : `account has no ${silent.join(' and no ')}`;
}

function wordsMissing(event: string, all: readonly Feed[]): string | null {
  const words = WORDS[event];
  if (words === undefined) return null;
  const feeds = all.filter(({ record }) => record === words.record);
  const columns = Object.entries(words.columns);
  const can = (feed: Feed, [column, wanted]: readonly [string, readonly string[]]): boolean =>
    maySay(feed.columns[column], wanted);
  if (feeds.length === 0 || feeds.some((feed) => columns.every((each) => can(feed, each)))) return null;
  const never = columns.filter((each) => !feeds.some((feed) => can(feed, each)));
  // Each word stands in some table, but never together.
  const told = (never.length > 0 ? never : columns).map(
    ([column, wanted]) => `the ${column} ${wanted.join(' or ')}`,
  );
  return `no ${recordNameOf(words.record)} has ${told.join(' and ')}`;
}

function maySay(expression: Expression | undefined, wanted: readonly string[]): boolean {
  const possible = expression === undefined ? null : possibleTexts(expression);
  return possible === null || wanted.some((word) => possible.has(word));
}
