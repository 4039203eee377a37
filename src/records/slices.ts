import type { CanonicalTransaction } from '../changes/transaction.js';
import { gather, type CandidateRules, type GatheredCommit, type Interest } from './gather.js';

export interface SliceOptions {
  readonly rules: CandidateRules;
  /** What the directory keeps and must be kept current of. */
  readonly known: Interest;
  /** Transactions of up to this many rows are gathered whole, in one walk. Default 5,000. */
  readonly wholeRows?: number;
  /**
   * Candidates in one slice of a larger one, whole accounts at a time. Default 10,000: some 40 MB while a slice is
   * derived, against one more walk over the rows for each slice.
   */
  readonly sliceCandidates?: number;
}

const NOTHING: Interest = {
  account: () => false,
  candidate: () => false,
  guest: () => false,
  card: () => false,
  check: () => false,
  response: () => false,
};

/**
 * Gathers a transaction in pieces that fit in memory. The usual one is a single piece; one of a million rows is walked
 * once to learn which accounts have candidates, then once per slice of them. Every slice is of the same commit: it sees
 * the balances at the commit's end. Slices hold disjoint accounts in order of first appearance, the same at each replay.
 */
export async function* slices(
  transaction: CanonicalTransaction,
  options: SliceOptions,
): AsyncGenerator<GatheredCommit> {
  const { rules, known, wholeRows = 5_000, sliceCandidates = 10_000 } = options;
  if (transaction.rowCount <= wholeRows) {
    yield await gather(transaction, rules);
    return;
  }
  const scan = new Scan(rules);
  const scanned = await gather(transaction, scan.rules, NOTHING);
  for (const slice of sliced(scan.accounts, sliceCandidates)) {
    const commit = await gather(transaction, within(rules, slice), scan.interestIn(slice, known));
    // Voids and merges concern the whole commit, also where they stand in another slice.
    yield {
      ...commit,
      voidedTransactionIds: scanned.voidedTransactionIds,
      mergeSurvivors: scanned.mergeSurvivors,
    };
  }
}

/** At least one slice, also without any candidate: what is cached must still be brought up to date. */
function sliced(accounts: ReadonlyMap<string, number>, sliceCandidates: number): ReadonlySet<string>[] {
  const slices: Set<string>[] = [];
  let current = new Set<string>();
  let candidates = 0;
  for (const [account, count] of accounts) {
    if (candidates > 0 && candidates + count > sliceCandidates) {
      slices.push(current);
      current = new Set();
      candidates = 0;
    }
    current.add(account);
    candidates += count;
  }
  slices.push(current);
  return slices;
}

/** Candidates without an account (a survey answered by a stranger) count as one account of this name. */
const NO_ACCOUNT = '';

/** The first walk: remembers keys of candidates and holds no row. */
class Scan {
  /** Number of candidates by account, in order of first appearance. */
  readonly accounts = new Map<string, number>();
  readonly #guests = new Set<string>();
  readonly #cards = new Set<string>();
  readonly #checks = new Set<string>();
  readonly #responses = new Set<string>();
  readonly rules: CandidateRules;

  constructor(rules: CandidateRules) {
    const note = (accountId: string | null, cardId: string | null = null): false => {
      const account = accountId ?? NO_ACCOUNT;
      this.accounts.set(account, (this.accounts.get(account) ?? 0) + 1);
      if (cardId !== null) this.#cards.add(cardId);
      return false;
    };
    this.rules = {
      transaction: (row) => {
        if (!rules.transaction(row)) return false;
        if (row.check_id !== null) this.#checks.add(row.check_id);
        return note(row.account_id, row.card_id);
      },
      checkin: (row) => rules.checkin(row) && note(row.account_id, row.card_id),
      referral: (each) => rules.referral(each) && note(each.after?.referrer_account_id ?? null),
      recharge: (each) =>
        rules.recharge(each) && note(each.after?.account_id ?? null, each.after?.card_id ?? null),
      response: (each) => {
        if (!rules.response(each)) return false;
        if (each.after !== null) this.#responses.add(each.after.response_id);
        return note(each.after?.account_id ?? null);
      },
      registration: (each) => {
        if (!rules.registration(each)) return false;
        if (each.after?.user_id != null) this.#guests.add(each.after.user_id);
        return note(each.after?.account_id ?? null);
      },
      custom: (row) => rules.custom(row) && note(row.accountId),
      voiding: (row) => rules.voiding(row),
    };
  }

  interestIn(slice: ReadonlySet<string>, known: Interest): Interest {
    return {
      account: (id) => slice.has(id) || known.account(id),
      candidate: (id) => slice.has(id),
      guest: (id) => this.#guests.has(id) || known.guest(id),
      card: (id) => this.#cards.has(id) || known.card(id),
      check: (id) => this.#checks.has(id) || known.check(id),
      response: (id) => this.#responses.has(id) || known.response(id),
    };
  }
}

function within(rules: CandidateRules, slice: ReadonlySet<string>): CandidateRules {
  const has = (accountId: string | null | undefined): boolean => slice.has(accountId ?? NO_ACCOUNT);
  return {
    transaction: (row) => has(row.account_id) && rules.transaction(row),
    checkin: (row) => has(row.account_id) && rules.checkin(row),
    referral: (each) => has(each.after?.referrer_account_id) && rules.referral(each),
    recharge: (each) => has(each.after?.account_id) && rules.recharge(each),
    response: (each) => has(each.after?.account_id) && rules.response(each),
    registration: (each) => has(each.after?.account_id) && rules.registration(each),
    custom: (row) => has(row.accountId) && rules.custom(row),
    voiding: (row) => rules.voiding(row),
  };
}
