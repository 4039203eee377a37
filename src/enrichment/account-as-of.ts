import type { Row } from '../records/tables.js';
import type { FoundAccount } from './lookups.js';
import { timestampOrNull } from './timestamp-or-null.js';

/**
 * A looked-up account taken back to the time of the commit that asked: not registered before its registered_at, and
 * neither terminated nor merged away by a version of the row that was written later. Where a registered_at is just the last
 * version's commit it says nothing of when: such an account was registered, nobody knows since when.
 */
export function accountAsOf(found: FoundAccount, asOfUs: number): Row<'loyalty.account'> {
  let { row } = found;
  const registeredAtUs = timestampOrNull(row.registered_at);
  if (
    found.changedAtUs > asOfUs &&
    (row.account_status === 'TERMINATED' || row.merged_into_account_id !== null)
  ) {
    row = { ...row, account_status: 'ACTIVE', merged_into_account_id: null };
  }
  if (!found.isRegistrationTimeKnown) return { ...row, registered_at: null };
  if (registeredAtUs !== null && registeredAtUs > asOfUs) {
    row = { ...row, user_id: null, registered_at: null, registration_source: null };
  }
  return row;
}
