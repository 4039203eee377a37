import type { Lsn } from '../postgres/lsn.js';
import type { CustomOccurrence } from './custom-occurrence.js';
import type { Row, TableName } from './tables.js';

/** A row before the commit and at its end. `before` null: made in this commit. `after` null: deleted in it. */
export interface Transition<T extends TableName> {
  readonly before: Row<T> | null;
  readonly after: Row<T> | null;
}

/**
 * What one committed transaction did, gathered by row: the unit events are derived from. Only rows that can matter to
 * an event are here; maps are keyed by primary key text.
 *
 * Guarantee: transitions compare the row before the first change in the commit with the row after the last one, so a
 * value that was set and taken back within the commit does not show.
 */
export interface Commit {
  readonly endLsn: Lsn;
  /** Microseconds since 1970, server clock. */
  readonly commitTimeUs: number;
  /** INSERTed headers as they stand at the end of the commit, by transaction_id. */
  readonly transactions: ReadonlyMap<string, Row<'txn.transaction'>>;
  /** transaction_ids that a VOID or REVERSE header of this same commit names as its original. */
  readonly voidedTransactionIds: ReadonlySet<string>;
  /** Ledger lines INSERTed in this commit by transaction_id, in entry order. */
  readonly entries: ReadonlyMap<string, readonly Row<'txn.wallet_entry'>[]>;
  /** Wallets of accounts whose balance was, or may have been, written in this commit: account_id → wallet_codes. */
  readonly changedWallets: ReadonlyMap<string, ReadonlySet<string>>;
  readonly accounts: ReadonlyMap<string, Transition<'loyalty.account'>>;
  readonly checkins: ReadonlyMap<string, Row<'loyalty.checkin'>>;
  readonly referrals: ReadonlyMap<string, Transition<'loyalty.referral'>>;
  readonly recharges: ReadonlyMap<string, Transition<'txn.recharge'>>;
  readonly responses: ReadonlyMap<string, Transition<'survey.response'>>;
  /** What custom events were declared on, by event and primary key; of one row's changes the last. */
  readonly customs: ReadonlyMap<string, CustomOccurrence>;
}
