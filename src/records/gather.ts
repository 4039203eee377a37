import type { CanonicalTransaction, Change, ChangeOf, Occurrence } from '../changes/transaction.js';
import { bothRows, keyOf, merged, whole } from './changed-rows.js';
import type { Commit, Transition } from './commit.js';
import type { CustomOccurrence } from './custom-occurrence.js';
import { isForgotten } from './guest-status.js';
import type { Row, TableName } from './tables.js';

/**
 * Which rows can start an event, judged on the row alone and before any look-up. Must never refuse a row that an event
 * could fire for; refusing early is what keeps an import of millions of rows flat.
 */
export interface CandidateRules {
  transaction(row: Row<'txn.transaction'>): boolean;
  checkin(row: Row<'loyalty.checkin'>): boolean;
  referral(transition: Transition<'loyalty.referral'>): boolean;
  recharge(transition: Transition<'txn.recharge'>): boolean;
  response(transition: Transition<'survey.response'>): boolean;
  registration(transition: Transition<'loyalty.account'>): boolean;
  custom(occurrence: CustomOccurrence): boolean;
  /** A VOID or REVERSE header that names its original. */
  voiding(row: Row<'txn.transaction'>): boolean;
}

/** Which rows beside the candidates are worth holding: those of accounts that are cached or have a candidate. */
export interface Interest {
  account(accountId: string): boolean;
  /** An account with a candidate: its ledger lines are kept whole, of others only the last balance. */
  candidate(accountId: string): boolean;
  guest(userId: string): boolean;
  card(cardId: string): boolean;
  check(checkId: string): boolean;
  response(responseId: string): boolean;
}

/** A commit together with the row changes that the directory keeps itself current with, in the order they were made. */
export interface GatheredCommit extends Commit {
  readonly stateChanges: readonly Change[];
  /** Balance after the commit's last ledger line: account_id → wallet_code → numeric text. */
  readonly lastBalances: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Accounts that a merged_into_account_id set in this commit names. */
  readonly mergeSurvivors: ReadonlySet<string>;
  readonly rowCount: number;
}

class Transitions<T extends TableName> {
  readonly rows = new Map<string, { before: Row<T> | null; after: Row<T> | null }>();

  record(key: string, before: Row<T> | null, after: Row<T> | null): void {
    const known = this.rows.get(key);
    if (known === undefined) this.rows.set(key, { before, after });
    else known.after = after;
  }
}

/**
 * Reads a transaction once and keeps what events are derived from. Without `interest` every row is kept: right for the
 * usual commit of a handful of rows. With it, a transaction of any size costs only its candidates.
 * @throws ConnectorError REPLICA_IDENTITY when a table that needs its old rows sends an UPDATE without one.
 */
export async function gather(
  transaction: CanonicalTransaction,
  rules: CandidateRules,
  interest: Interest | null = null,
): Promise<GatheredCommit> {
  const gathering = new Gathering(rules, interest);
  const pending = transaction.forEachChange((change) => gathering.visit(change));
  if (pending !== undefined) await pending;
  return gathering.finish(transaction);
}

/** Rows are moved one by one; what deletes more is a clean-up, which must not fill the memory. */
const MOST_GONE = 10_000;

class Gathering {
  readonly #rules: CandidateRules;
  readonly #interest: Interest | null;
  readonly #transactions = new Map<string, Row<'txn.transaction'>>();
  readonly #voided = new Set<string>();
  readonly #entries = new Map<string, Row<'txn.wallet_entry'>[]>();
  readonly #lastBalances = new Map<string, Map<string, string>>();
  readonly #gone = new Set<string>();
  readonly #changedWallets = new Map<string, Set<string>>();
  readonly #accounts = new Transitions<'loyalty.account'>();
  readonly #checkins = new Map<string, Row<'loyalty.checkin'>>();
  readonly #referrals = new Transitions<'loyalty.referral'>();
  readonly #recharges = new Transitions<'txn.recharge'>();
  readonly #responses = new Transitions<'survey.response'>();
  readonly #customs = new Map<string, CustomOccurrence>();
  readonly #survivors = new Set<string>();
  readonly #stateChanges: Change[] = [];

  constructor(rules: CandidateRules, interest: Interest | null) {
    this.#rules = rules;
    this.#interest = interest;
  }

  visit(change: Change | Occurrence): void {
    const interest = this.#interest;
    switch (change.table) {
      case 'txn.transaction':
        this.#visitHeader(change);
        return;
      case 'txn.wallet_entry':
        this.#visitEntry(change);
        return;
      case 'custom':
        if (this.#rules.custom(change.row)) {
          this.#customs.set(`${change.row.order} ${change.row.primaryKey}`, change.row);
        }
        return;
      case 'loyalty.account':
        this.#visitAccount(change);
        return;
      case 'loyalty.checkin':
        if (change.op === 'delete') this.#goes(change.table, change.old.checkin_id as string, this.#checkins);
        else if (change.op === 'insert' && !this.#cameBack(change.table, change.row.checkin_id as string))
          this.#checkins.set(change.row.checkin_id as string, whole(change));
        return;
      case 'loyalty.referral':
        this.#visitReferral(change);
        return;
      case 'txn.recharge':
        record(change, 'recharge_id', this.#recharges);
        return;
      case 'survey.response':
        record(change, 'response_id', this.#responses);
        if (interest === null || interest.response(keyOf(change, 'response_id'))) this.#keep(change);
        return;
      case 'loyalty.guest':
        if (interest === null || interest.guest(keyOf(change, 'user_id')) || removesGuest(change))
          this.#keep(change);
        return;
      case 'loyalty.card':
        if (
          interest === null ||
          interest.card(keyOf(change, 'card_id')) ||
          interestingAccount(change, interest)
        ) {
          this.#keep(change);
        }
        return;
      case 'loyalty.account_wallet':
        if (interest === null || interest.account(keyOf(change, 'account_id'))) {
          this.#keep(change);
          this.#noteWallet(change);
        }
        return;
      case 'txn.pos_check':
      case 'txn.check_card':
        if (interest === null || interest.check(keyOf(change, 'check_id'))) this.#keep(change);
        return;
      case 'survey.answer':
        if (interest === null || interest.response(keyOf(change, 'response_id'))) this.#keep(change);
        return;
      case 'loyalty.merchant':
      case 'loyalty.store':
      case 'loyalty.card_template':
      case 'loyalty.tier':
      case 'loyalty.wallet_definition':
      case 'survey.survey':
      case 'survey.question':
      case 'survey.invitation':
        this.#keep(change);
        return;
      default:
        change satisfies never;
    }
  }

  /**
   * A row that is deleted and inserted in one commit was changed: PostgreSQL moves one to another partition that way. One
   * of an earlier commit makes no event by it, as by any UPDATE. One that this commit made comes as new again.
   */
  #goes(table: TableName, id: string, made: Map<string, unknown>): void {
    if (made.delete(id) || this.#gone.size >= MOST_GONE) return;
    this.#gone.add(`${table} ${id}`);
  }

  #cameBack(table: TableName, id: string): boolean {
    return this.#gone.size > 0 && this.#gone.has(`${table} ${id}`);
  }

  /** Where the row before is not known, the balance counts as changed. */
  #noteWallet({ row, old }: ChangeOf<'loyalty.account_wallet'>): void {
    if (row === null || row.balance === old?.balance) return;
    const id = row.account_id as string;
    const codes = this.#changedWallets.get(id) ?? new Set<string>();
    this.#changedWallets.set(id, codes.add(row.wallet_code as string));
  }

  #keep(change: Change): void {
    this.#stateChanges.push(change);
  }

  #visitHeader(change: ChangeOf<'txn.transaction'>): void {
    if (change.op === 'delete') {
      this.#goes(change.table, change.old.transaction_id as string, this.#transactions);
      return;
    }
    const id = change.row.transaction_id as string;
    if (change.op === 'insert' && this.#cameBack(change.table, id)) return;
    const known = this.#transactions.get(id);
    // An UPDATE of a header from an earlier commit fires nothing: only INSERTs do.
    if (change.op === 'update' && known === undefined) return;
    const row = known === undefined ? whole(change) : merged(change.row, known);
    if (this.#rules.voiding(row)) this.#voided.add(row.original_transaction_id as string);
    // A header may become a candidate by a later UPDATE of the same commit, so all are held where memory is no matter.
    if (this.#interest === null || this.#rules.transaction(row)) this.#transactions.set(id, row);
    else this.#transactions.delete(id);
  }

  #visitEntry(change: ChangeOf<'txn.wallet_entry'>): void {
    if (change.op !== 'insert') return;
    const row = whole(change);
    if (this.#interest === null || this.#interest.candidate(row.account_id)) {
      const lines = this.#entries.get(row.transaction_id);
      if (lines === undefined) this.#entries.set(row.transaction_id, [row]);
      else lines.push(row);
    }
    if (this.#interest !== null && !this.#interest.account(row.account_id)) return;
    let balances = this.#lastBalances.get(row.account_id);
    if (balances === undefined) {
      balances = new Map<string, string>();
      this.#lastBalances.set(row.account_id, balances);
    }
    balances.set(row.wallet_code, row.balance_after);
  }

  #visitAccount(change: ChangeOf<'loyalty.account'>): void {
    const [before, after] = bothRows(change);
    const id = (after ?? before)?.account_id as string;
    if (
      after?.merged_into_account_id != null &&
      before?.merged_into_account_id !== after.merged_into_account_id
    ) {
      this.#survivors.add(after.merged_into_account_id);
    }
    const matters =
      this.#interest === null ||
      this.#accounts.rows.has(id) ||
      this.#interest.account(id) ||
      this.#rules.registration({ before, after });
    if (matters) this.#accounts.record(id, before, after);
  }

  #visitReferral(change: ChangeOf<'loyalty.referral'>): void {
    const id = keyOf(change, 'referral_id');
    if (change.op === 'insert') {
      if (!this.#cameBack(change.table, id)) this.#referrals.record(id, null, whole(change));
      return;
    }
    const known = this.#referrals.rows.get(id);
    if (change.op === 'delete' && known === undefined) this.#goes(change.table, id, this.#referrals.rows);
    // Only referrals made in this commit can fire, so a change of an earlier one needs no row before it.
    if (known === undefined || known.after === null) return;
    known.after = change.op === 'delete' ? null : merged(change.row, known.after);
  }

  finish(transaction: CanonicalTransaction): GatheredCommit {
    const rules = this.#rules;
    return {
      endLsn: transaction.endLsn,
      commitTimeUs: transaction.commitTimeUs,
      rowCount: transaction.rowCount,
      transactions: onlyIf(this.#transactions, (row) => rules.transaction(row)),
      voidedTransactionIds: this.#voided,
      entries: this.#entries,
      lastBalances: this.#lastBalances,
      changedWallets: this.#changedWallets,
      accounts: this.#accounts.rows,
      checkins: onlyIf(this.#checkins, (row) => rules.checkin(row)),
      referrals: onlyIf(this.#referrals.rows, (each) => rules.referral(each)),
      recharges: onlyIf(this.#recharges.rows, (each) => rules.recharge(each)),
      responses: onlyIf(this.#responses.rows, (each) => rules.response(each)),
      customs: this.#customs,
      mergeSurvivors: this.#survivors,
      stateChanges: this.#stateChanges,
    };
  }
}

function onlyIf<V>(all: ReadonlyMap<string, V>, keep: (value: V) => boolean): ReadonlyMap<string, V> {
  const kept = new Map<string, V>();
  for (const [key, value] of all) if (keep(value)) kept.set(key, value);
  return kept.size === all.size ? all : kept;
}

function record<T extends 'txn.recharge' | 'survey.response'>(
  change: ChangeOf<T>,
  key: 'recharge_id' | 'response_id',
  into: Transitions<T>,
): void {
  const [before, after] = bothRows(change);
  const row = (after ?? before) as Readonly<Record<string, string | null>>;
  into.record(row[key] as string, before, after);
}

/** A deletion must be known whatever else is dropped: nothing of that guest may be sent from here on. */
function removesGuest(change: ChangeOf<'loyalty.guest'>): boolean {
  return change.op === 'delete' || (change.op === 'update' && isForgotten(change.row.status));
}

function interestingAccount(change: ChangeOf<'loyalty.card'>, interest: Interest): boolean {
  const accountId = (change.row ?? change.old).account_id;
  return accountId != null && interest.account(accountId);
}
