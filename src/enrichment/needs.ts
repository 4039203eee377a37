import type { GatheredCommit } from '../records/gather.js';

/** What a batch of commits must know of the database before its events can be derived. */
export interface Needs {
  /** account_id → commit time in µs of the first commit that needs it: balances are looked up as of then. */
  readonly accounts: Map<string, number>;
  readonly merchants: Set<string>;
  readonly stores: Set<string>;
  readonly cards: Set<string>;
  readonly checks: Set<string>;
  readonly surveys: Set<string>;
  readonly invitations: Set<string>;
  readonly responses: Set<string>;
  /** Guests with an account registered in the batch: their other accounts tell whether it is a second card. */
  readonly registeringGuests: Set<string>;
  /** Accounts registered by an UPDATE: they may be the survivor of an earlier merge. */
  readonly possibleSurvivors: Set<string>;
  /** Accounts INSERTed in the batch: the stream alone knows all of them, no look-up needed. */
  readonly madeHere: Set<string>;
}

export function needsOf(
  commits: readonly GatheredCommit[],
  isRegistration: (transition: { before: unknown; after: unknown }) => boolean,
): Needs {
  const needs: Needs = {
    accounts: new Map(),
    merchants: new Set(),
    stores: new Set(),
    cards: new Set(),
    checks: new Set(),
    surveys: new Set(),
    invitations: new Set(),
    responses: new Set(),
    registeringGuests: new Set(),
    possibleSurvivors: new Set(),
    madeHere: new Set(),
  };
  for (const commit of commits) addCommit(needs, commit, isRegistration);
  return needs;
}

function addCommit(
  needs: Needs,
  commit: GatheredCommit,
  isRegistration: (transition: { before: unknown; after: unknown }) => boolean,
): void {
  const account = (id: string | null): void => {
    if (id !== null && !needs.accounts.has(id)) needs.accounts.set(id, commit.commitTimeUs);
  };
  for (const [id, transition] of commit.accounts) {
    if (transition.before === null && !needs.accounts.has(id)) needs.madeHere.add(id);
    const { after } = transition;
    if (after === null || !isRegistration(transition)) continue;
    account(id);
    needs.merchants.add(after.merchant_id);
    add(needs.stores, after.enrollment_store_id);
    add(needs.stores, after.favorite_store_id);
    add(needs.registeringGuests, after.user_id);
    if (transition.before !== null) needs.possibleSurvivors.add(id);
  }
  for (const row of commit.transactions.values()) {
    account(row.account_id);
    needs.merchants.add(row.merchant_id);
    add(needs.stores, row.store_id);
    add(needs.cards, row.card_id);
    add(needs.checks, row.check_id);
  }
  for (const row of commit.checkins.values()) {
    account(row.account_id);
    needs.merchants.add(row.merchant_id);
    add(needs.stores, row.store_id);
    add(needs.cards, row.card_id);
  }
  for (const { after } of commit.referrals.values()) {
    if (after === null) continue;
    account(after.referrer_account_id);
    account(after.referred_account_id);
    needs.merchants.add(after.merchant_id);
  }
  for (const { after } of commit.recharges.values()) {
    if (after === null) continue;
    account(after.account_id);
    needs.merchants.add(after.merchant_id);
    add(needs.stores, after.store_id);
    add(needs.cards, after.card_id);
  }
  for (const { accountId, merchantId } of commit.customs.values()) {
    account(accountId);
    needs.merchants.add(merchantId);
  }
  for (const { after } of commit.responses.values()) {
    if (after === null) continue;
    account(after.account_id);
    needs.merchants.add(after.merchant_id);
    add(needs.stores, after.store_id);
    needs.surveys.add(after.survey_id);
    add(needs.invitations, after.invitation_id);
    needs.responses.add(after.response_id);
  }
}

function add(set: Set<string>, value: string | null): void {
  if (value !== null) set.add(value);
}
