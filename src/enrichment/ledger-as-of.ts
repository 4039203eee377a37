import type { Relations } from '../mapping/mapping.js';
import { signedQuantity } from '../records/ledger-line.js';
import { columnsOf } from '../records/tables.js';
import { subtractNumeric, UnparsableValue } from '../records/values.js';

/**
 * The balance of a wallet as of a commit, read from the ledger: the domain's rule for an account seen for the first
 * time, also long after (a late start, a replay), when `account_wallet.balance` shows the present.
 */

/** What the ledger says of one wallet around a point in time. Numeric text; null where there is no such line. */
export interface LedgerWindow {
  /** `balance_after` of the last line committed at or before the point. */
  readonly before: string | null;
  /** The first line committed after it. */
  readonly after: {
    readonly balanceAfter: string;
    readonly quantity: string;
    readonly entry_kind: string;
  } | null;
  /** `account_wallet.balance` now. */
  readonly current: string;
}

/** The wallet's balance at the point. A ledger whose numbers cannot be computed with leaves the table's own balance. */
export function balanceAsOf(window: LedgerWindow): string {
  if (window.before !== null) return window.before;
  if (window.after === null) return window.current;
  const { balanceAfter, ...line } = window.after;
  try {
    return subtractNumeric(balanceAfter, signedQuantity(line), 'quantity');
  } catch (error) {
    if (error instanceof UnparsableValue) return window.current;
    throw error;
  }
}

/**
 * How much of a wallet's ledger is read to know its balance as of a commit, one look after the other until one tells.
 * Lines are indexed by when their transaction began, and what counts is when it ended.
 */
export interface LedgerLook {
  /** The latest lines, and all that are as late as the last of them: those of one commit are all of one time. */
  readonly lines: number;
  /** Only lines that began this long before the commit or later, in microseconds; null: whenever they began. */
  readonly reachUs: number | null;
}

/** Wider than a transaction that posts to a ledger stays open. */
const LONG_TRANSACTION_US = 15 * 60_000_000;
const EVERY_LINE = 2_147_483_647;

/** First as many as the index gives without touching older partitions. */
export const LEDGER_LOOKS: readonly LedgerLook[] = [
  { lines: 50, reachUs: null },
  { lines: EVERY_LINE, reachUs: LONG_TRANSACTION_US },
  { lines: EVERY_LINE, reachUs: null },
];

/** What a look saw of one wallet. */
export interface Seen {
  readonly before: string | null;
  readonly lines: number;
  /** When the earliest line seen began, microseconds since 1970; null without any. */
  readonly earliestUs: number | null;
}

/** Whether no line beyond a look can be a later one that was committed by `asOfUs`. */
export function tells(look: LedgerLook, seen: Seen, asOfUs: number): boolean {
  if (look.reachUs === null && seen.lines < look.lines) return true;
  if (seen.before === null || seen.earliestUs === null) return false;
  return look.lines === EVERY_LINE || seen.earliestUs <= asOfUs - LONG_TRANSACTION_US;
}

/**
 * Microseconds since 1970 at which a row version was committed. `pg_xact_commit_timestamp` is exact; without
 * track_commit_timestamp (where calling it is an error) the row's own clock stands in, a limit that `check` reports.
 * @see https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-COMMIT-TIMESTAMP
 */
export function changedAtSql(alias: string, ownClock: string, trackCommitTimestamp: boolean): string {
  const at = trackCommitTimestamp
    ? `coalesce(pg_xact_commit_timestamp(${alias}.xmin), ${alias}.${ownClock})`
    : `${alias}.${ownClock}`;
  return `(extract(epoch from ${at}) * 1000000)::bigint`;
}

/**
 * Wallets of accounts with the ledger lines around a time, one row a wallet. Parameters: account ids, times (µs), from
 * when on lines are looked at (µs or null), three arrays of the same length, and how many.
 */
export function walletsAsOfSql(options: {
  readonly relations: Relations;
  readonly trackCommitTimestamp: boolean;
}): string {
  const { relations, trackCommitTimestamp } = options;
  const wallet = columnsOf('loyalty.account_wallet').map((column) => `w.${column}`);
  const accountType = relations.type('loyalty.account_wallet', 'account_id');
  const committed = changedAtSql('e', 'posted_at', trackCommitTimestamp);
  const forwards = 'at_us, posted_at, transaction_id, entry_no';
  const backwards = 'at_us DESC, posted_at DESC, transaction_id DESC, entry_no DESC';
  const firstLater = (column: string) =>
    `(array_agg(${column} ORDER BY ${forwards}) FILTER (WHERE at_us > wanted.as_of_us))[1]`;
  return `
    SELECT ${wallet.join(', ')}, seen.*
      FROM unnest(?::${accountType}[], ?::bigint[], ?::bigint[]) AS wanted (account_id, as_of_us, from_us)
      JOIN ${relations.from('loyalty.account_wallet')} w ON w.account_id = wanted.account_id
     CROSS JOIN LATERAL (
       SELECT count(*) AS lines, (extract(epoch from min(posted_at)) * 1000000)::bigint AS earliest_us,
              (array_agg(balance_after ORDER BY ${backwards}) FILTER (WHERE at_us <= wanted.as_of_us))[1] AS before,
              ${firstLater('balance_after')} AS later_balance,
              ${firstLater('quantity')} AS later_quantity,
              ${firstLater('entry_kind')} AS later_kind
         FROM (SELECT e.balance_after, e.quantity, e.entry_kind, e.posted_at, e.transaction_id, e.entry_no,
                      ${committed} AS at_us
                 FROM ${relations.from('txn.wallet_entry')} e
                WHERE e.account_id = w.account_id AND e.wallet_code = w.wallet_code
                  AND e.posted_at >= coalesce(timestamptz 'epoch' + wanted.from_us * interval '1 microsecond', '-infinity')
                ORDER BY e.posted_at DESC FETCH FIRST (?::bigint) ROWS WITH TIES) AS recent
     ) AS seen`;
}
