import { accountAsOf } from '../enrichment/account-as-of.js';
import { isActivation, isTransactionCandidate, isVoiding } from '../events/candidates.js';
import type { EventName } from '../events/event.js';
import { ZERO_LSN } from '../postgres/lsn.js';
import type { Transition } from '../records/commit.js';
import type { CustomOccurrence } from '../records/custom-occurrence.js';
import type { GatheredCommit } from '../records/gather.js';
import type { Row } from '../records/tables.js';
import { timestampOrNull } from '../enrichment/timestamp-or-null.js';
import { commitOf, rechargeCommit, registrationCommit, type CommitPoint } from './commit-point.js';
import type { PageRows, Versioned, VersionedCustom } from './page-rows.js';

/** A commit put together again from the rows it left. */
export interface RestoredCommit {
  readonly commit: GatheredCommit;
  /** Headers that the page is about; others are here only to be looked at. */
  readonly ownTransactions: ReadonlySet<string>;
  /** The account whose profile is told; null: the commit's events are. */
  readonly profileOf: string | null;
  /** Accounts whose state must be known as of the commit. */
  readonly accountIds: ReadonlySet<string>;
}

export interface RestoreOptions {
  readonly events: ReadonlySet<EventName>;
  readonly emitVoids: boolean;
  /** When the page was read: profiles are as of then. */
  readonly nowUs: number;
  /** A mapping takes registered_at from the commit of a row's last version, for some accounts at least. */
  readonly registeredByCommit: boolean;
}

/**
 * Puts the rows of a page together by the transactions that wrote them, as far as the tables still tell, in the order of
 * their commits: what is then derived from each is what the stream derived, or would have.
 */
export function restoreCommits(rows: PageRows, options: RestoreOptions): readonly RestoredCommit[] {
  const restoring = new Restoring(rows);
  for (const header of rows.transactions) restoring.transaction(header, options);
  for (const account of rows.accounts) restoring.registration(account);
  for (const checkin of rows.checkins) restoring.checkin(checkin);
  for (const recharge of rows.recharges) restoring.recharge(recharge);
  for (const referral of rows.referrals) restoring.referral(referral);
  for (const response of rows.responses) restoring.response(response);
  for (const custom of rows.customs) restoring.custom(custom);
  const commits = restoring.finish();
  for (const account of rows.profiles) commits.push(profile(account, options));
  return commits;
}

/** What one commit is being put together from. */
class Parts {
  readonly point: CommitPoint;
  readonly transactions = new Map<string, Row<'txn.transaction'>>();
  readonly ownTransactions = new Set<string>();
  readonly voided = new Set<string>();
  readonly entries = new Map<string, readonly Row<'txn.wallet_entry'>[]>();
  readonly accounts = new Map<string, Transition<'loyalty.account'>>();
  readonly checkins = new Map<string, Row<'loyalty.checkin'>>();
  readonly referrals = new Map<string, Transition<'loyalty.referral'>>();
  readonly recharges = new Map<string, Transition<'txn.recharge'>>();
  readonly responses = new Map<string, Transition<'survey.response'>>();
  readonly customs = new Map<string, CustomOccurrence>();
  readonly accountIds = new Set<string>();

  constructor(point: CommitPoint) {
    this.point = point;
  }

  needs(...accountIds: readonly (string | null)[]): void {
    for (const id of accountIds) if (id !== null) this.accountIds.add(id);
  }

  restored(): RestoredCommit {
    const { transactions, entries, accounts, checkins, referrals, recharges, responses, customs } = this;
    return {
      ownTransactions: this.ownTransactions,
      profileOf: null,
      accountIds: this.accountIds,
      commit: {
        ...EMPTY,
        commitTimeUs: this.point.commitUs,
        transactions,
        voidedTransactionIds: this.voided,
        entries,
        accounts,
        checkins,
        referrals,
        recharges,
        responses,
        customs,
        stateChanges: [...responses.values()].flatMap(({ before, after }) =>
          after === null
            ? []
            : [{ op: 'update', table: 'survey.response', row: after, old: before } as const],
        ),
      },
    };
  }
}

const EMPTY: GatheredCommit = {
  endLsn: ZERO_LSN,
  commitTimeUs: 0,
  rowCount: 0,
  transactions: new Map(),
  voidedTransactionIds: new Set(),
  entries: new Map(),
  // Balances come from the ledger as of the commit: the lines of a page need not be all lines of their commit.
  lastBalances: new Map(),
  changedWallets: new Map(),
  accounts: new Map(),
  checkins: new Map(),
  referrals: new Map(),
  recharges: new Map(),
  responses: new Map(),
  customs: new Map(),
  mergeSurvivors: new Set(),
  stateChanges: [],
};

class Restoring {
  readonly #byPoint = new Map<string, Parts>();
  readonly #entries = new Map<string, Versioned<'txn.wallet_entry'>[]>();
  readonly #voids = new Map<string, Versioned<'txn.transaction'>[]>();
  readonly #rechargeHeaders = new Map<string, Versioned<'txn.transaction'>>();

  constructor(rows: PageRows) {
    for (const entry of rows.entries) push(this.#entries, entry.row.transaction_id, entry);
    for (const header of rows.voids) {
      if (isVoiding(header.row)) push(this.#voids, header.row.original_transaction_id as string, header);
    }
    for (const header of rows.rechargeHeaders) this.#rechargeHeaders.set(header.row.transaction_id, header);
  }

  transaction(header: Versioned<'txn.transaction'>, { events, emitVoids }: RestoreOptions): void {
    const { row } = header;
    if (!isTransactionCandidate(row, { emitVoids })) return;
    if (!isAskedFor(row, events)) return;
    const parts = this.#header(header);
    parts.ownTransactions.add(row.transaction_id);
    parts.needs(row.account_id);
  }

  registration(account: Parameters<typeof registrationCommit>[0]): void {
    const parts = this.#parts(registrationCommit(account));
    const { row, versionUs } = account;
    const changedAtUs = versionUs ?? timestampOrNull(row.updated_at) ?? account.atUs;
    // A registration is known to have happened by its own time, whatever the clocks say of the commit's.
    const after = accountAsOf(
      { row, changedAtUs, isRegistrationTimeKnown: true },
      Math.max(parts.point.commitUs, account.atUs),
    );
    parts.accounts.set(row.account_id, { before: beforeRegistration(after), after });
    parts.needs(row.account_id);
  }

  checkin({ row, ...version }: Versioned<'loyalty.checkin'>): void {
    const parts = this.#parts(commitOf(`checkin ${row.checkin_id}`, version));
    parts.checkins.set(row.checkin_id, row);
    parts.needs(row.account_id);
  }

  /** As it stood when it succeeded: a refund that came in a later commit does not undo what was sent. */
  recharge(recharge: Versioned<'txn.recharge'>): void {
    const { row } = recharge;
    const header = row.transaction_id === null ? undefined : this.#rechargeHeaders.get(row.transaction_id);
    const found = rechargeCommit(recharge, header ?? null);
    if (found === null) return;
    const parts = found.withHeader && header !== undefined ? this.#header(header) : this.#parts(found.point);
    const after = { ...row, transaction_state: 'Succeeded' };
    parts.recharges.set(row.recharge_id, { before: { ...row, transaction_state: 'Pending' }, after });
    parts.needs(row.account_id);
  }

  /** Every referral that counts was made as SENT; where it stands now came later. */
  referral({ row, ...version }: Versioned<'loyalty.referral'>): void {
    const point = commitOf(`referral ${row.referral_id}`, version);
    // Made as something else in one go: its only version is the one that made it.
    if (row.status !== 'SENT' && point.isCertain) return;
    const parts = this.#parts(point);
    parts.referrals.set(row.referral_id, { before: null, after: { ...row, status: 'SENT' } });
    parts.needs(row.referrer_account_id, row.referred_account_id);
  }

  response({ row, ...version }: Versioned<'survey.response'>): void {
    const parts = this.#parts(commitOf(`response ${row.response_id}`, version));
    parts.responses.set(row.response_id, { before: { ...row, status: 'STARTED' }, after: row });
    parts.needs(row.account_id);
  }

  custom({ occurrence, ...version }: VersionedCustom): void {
    const key = `${occurrence.order} ${occurrence.primaryKey}`;
    const parts = this.#parts(commitOf(`custom ${key}`, version));
    parts.customs.set(key, occurrence);
    parts.needs(occurrence.accountId);
  }

  finish(): RestoredCommit[] {
    return [...this.#byPoint.values()]
      .toSorted((a, b) => a.point.commitUs - b.point.commitUs || a.point.ownUs - b.point.ownUs)
      .map((parts) => parts.restored());
  }

  /** A header with its lines and what voided it, all of its own commit. */
  #header(header: Versioned<'txn.transaction'>): Parts {
    const { row, ...version } = header;
    const point = commitOf(`transaction ${row.transaction_id}`, version, 'never rewritten');
    const parts = this.#parts(point);
    const id = row.transaction_id;
    const sameCommit = (other: Versioned<'txn.transaction' | 'txn.wallet_entry'>): boolean =>
      commitOf('', other, 'never rewritten').key === point.key;
    parts.transactions.set(id, row);
    const lines = (this.#entries.get(id) ?? []).filter(sameCommit).map((entry) => entry.row);
    if (lines.length > 0) parts.entries.set(id, lines);
    if ((this.#voids.get(id) ?? []).some(sameCommit)) parts.voided.add(id);
    return parts;
  }

  #parts(point: CommitPoint): Parts {
    const known = this.#byPoint.get(point.key);
    if (known !== undefined) return known;
    const made = new Parts(point);
    this.#byPoint.set(point.key, made);
    return made;
  }
}

/** Whether one of the three events of a header was asked for and could come of it; spares the look-ups if not. */
function isAskedFor(row: Row<'txn.transaction'>, events: ReadonlySet<EventName>): boolean {
  return (
    (events.has('Identify Customer') && row.transaction_type === 'IDENTIFY_CUSTOMER') ||
    (events.has('POS Activity') && row.origin === 'POS') ||
    (events.has('Add/Redeem') && (row.transaction_type === 'ADD_REDEEM' || isActivation(row)))
  );
}

/** The row as an unregistered card's. Enrolled and registered at one time: it was not enrolled before either. */
function beforeRegistration(after: Row<'loyalty.account'>): Row<'loyalty.account'> {
  const together = after.enrolled_at !== null && after.enrolled_at === after.registered_at;
  return {
    ...after,
    user_id: null,
    registered_at: null,
    registration_source: null,
    enrolled_at: together ? null : after.enrolled_at,
  };
}

function profile(
  account: Versioned<'loyalty.account'>,
  { nowUs, registeredByCommit }: RestoreOptions,
): RestoredCommit {
  const isUnknown = registeredByCommit && account.versionUs === account.atUs;
  const row = isUnknown ? { ...account.row, registered_at: null } : account.row;
  const transition = { before: beforeRegistration(row), after: row };
  return {
    ownTransactions: new Set(),
    profileOf: row.account_id,
    accountIds: new Set([row.account_id]),
    commit: { ...EMPTY, commitTimeUs: nowUs, accounts: new Map([[row.account_id, transition]]) },
  };
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}
