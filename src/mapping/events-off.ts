import type { TableName } from '../records/tables.js';
import type { Mapping } from './mapping.js';
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
  const columns = COLUMNS[event] ?? [];
  const accounts = [...(feeds?.values() ?? [])].flat().filter(({ record }) => record === 'loyalty.account');
  if (feeds === null || columns.length === 0) return null;
  const says = (column: string): boolean =>
    accounts.some(({ columns: all }) => {
      const expression = all[column];
      return expression !== undefined && !(expression.kind === 'constant' && expression.text === null);
    });
  const silent = columns.filter((column) => !says(column));
  return silent.length === 0 ? null : `account has no ${silent.join(' and no ')}`;
}
