import { timestampOrNull } from '../enrichment/timestamp-or-null.js';
import type { Versioned, VersionedAccount } from './page-rows.js';
import type { TableName } from '../records/tables.js';

/** The commit that a row's event belongs to, as far as the tables tell. */
export interface CommitPoint {
  /** The same for rows of one commit. */
  readonly key: string;
  /** Microseconds since 1970: what balances and states are looked up as of. */
  readonly commitUs: number;
  readonly ownUs: number;
  /** The row's last version is the one the event came from. */
  readonly isCertain: boolean;
}

/** Times that an application wrote in one transaction may differ by this much where it did not use now(). */
const SAME_MOMENT_US = 250_000;
/** A version committed longer than this after the moment the row tells of is a later edit. */
const LATER_EDIT_US = 1_000_000;

type Version = Omit<Versioned<TableName>, 'row'>;

/**
 * @param name tells rows apart that were edited since
 * @param kind ledger rows are written once; of others the last version may be a later edit
 */
export function commitOf(
  name: string,
  version: Version,
  kind: 'never rewritten' | 'may be edited' = 'may be edited',
): CommitPoint {
  const { atUs, versionUs, xmin } = version;
  // Without commit times: rows with one writer and one time are of one transaction, for now() is the same throughout.
  if (versionUs === null) return { key: `x${xmin} ${atUs}`, commitUs: atUs, ownUs: atUs, isCertain: false };
  const isCertain = kind === 'never rewritten' || versionUs - atUs < LATER_EDIT_US;
  return isCertain ? ofCommit(versionUs, atUs) : { key: name, commitUs: atUs, ownUs: atUs, isCertain };
}

/** Two transactions are not committed in one and the same microsecond; savepoints of one are. */
function ofCommit(commitUs: number, ownUs: number): CommitPoint {
  return { key: `c${commitUs}`, commitUs, ownUs, isCertain: true };
}

/** `updated_at` says whether the account was edited since; if so, a ledger header of that very time has the commit. */
export function registrationCommit(account: VersionedAccount): CommitPoint {
  const { row, atUs, versionUs, anchorUs } = account;
  if (versionUs === null) return commitOf('', account);
  const updatedUs = timestampOrNull(row.updated_at);
  // To the microsecond, as both are the transaction's now(): a merge may follow a registration within moments.
  if (updatedUs === atUs) return ofCommit(versionUs, atUs);
  if (anchorUs !== null) return ofCommit(anchorUs, atUs);
  return { key: `account ${row.account_id}`, commitUs: atUs, ownUs: atUs, isCertain: false };
}

/**
 * The commit in which a recharge succeeded: that of its ledger header where they were written together.
 * Null: it never stood, for it was refunded in the commit that had it succeed.
 */
export function rechargeCommit(
  recharge: Versioned<'txn.recharge'>,
  header: Versioned<'txn.transaction'> | null,
): { readonly point: CommitPoint; readonly withHeader: boolean } | null {
  const { row, atUs, versionUs, xmin } = recharge;
  const point = commitOf(`recharge ${row.recharge_id}`, recharge);
  const stands = row.transaction_state === 'Succeeded';
  const sameWriter =
    header !== null &&
    (versionUs === null ? header.xmin === xmin : header.versionUs !== null && header.versionUs === versionUs);
  if (header !== null && (sameWriter || Math.abs(header.atUs - atUs) <= SAME_MOMENT_US)) {
    return sameWriter && !stands ? null : { point, withHeader: true };
  }
  return !stands && point.isCertain ? null : { point, withHeader: false };
}
