import type { Transition } from '../records/commit.js';
import type { Row } from '../records/tables.js';

/**
 * What the row alone says about whether an event can fire. Gathering uses it to drop rows before anything is looked up
 * (an import of millions costs nothing), derivation to judge the same rows: one set of rules, so they cannot disagree.
 */

type Header = Row<'txn.transaction'>;

export interface CandidateOptions {
  /** Whether some source sends POS Activity for voids. */
  readonly emitVoids: boolean;
}

/** Where a guest's own earning and redeeming comes from. */
const GUEST_ORIGINS: ReadonlySet<string> = new Set([
  'POS',
  'ONLINE_ORDER',
  'MOBILE_APP',
  'GUEST_WEBSITE',
  'PARTNER',
]);

/** Accepted, real and not imported, with an account, whatever it did. */
function counts(row: Header): boolean {
  return (
    row.account_id !== null &&
    row.result === 'AUTHORIZED' &&
    row.is_training === 'f' &&
    row.origin !== 'IMPORT' &&
    row.import_batch_id === null
  );
}

/** A void or reversal that names what it takes back. A denied one takes nothing back. */
export function isVoiding(row: Header): boolean {
  return (
    (row.modifier === 'VOID' || row.modifier === 'REVERSE') &&
    row.original_transaction_id !== null &&
    row.result === 'AUTHORIZED'
  );
}

export function isPosActivity(row: Header): boolean {
  return counts(row) && row.modifier === 'NONE' && row.origin === 'POS';
}

export function isPosVoid(row: Header): boolean {
  return counts(row) && isVoiding(row) && row.origin === 'POS';
}

export function isIdentification(row: Header): boolean {
  return (
    counts(row) &&
    row.modifier === 'NONE' &&
    row.transaction_type === 'IDENTIFY_CUSTOMER' &&
    (row.origin === 'POS' || row.origin === 'ONLINE_ORDER')
  );
}

/** Whether there are loyalty lines is seen only beside the ledger. */
export function isAddRedeemHeader(row: Header): boolean {
  return (
    counts(row) &&
    row.modifier === 'NONE' &&
    (row.transaction_type === 'ADD_REDEEM' || row.transaction_type === 'ACTIVATE') &&
    GUEST_ORIGINS.has(row.origin)
  );
}

/** Brings a card to life. A recharge that belongs to it is the sale of that card, not value paid onto it. */
export function isActivation(row: Header): boolean {
  return row.transaction_type === 'ACTIVATE' || row.transaction_type === 'ACTIVATE_ADD';
}

export function isTransactionCandidate(row: Header, options: CandidateOptions): boolean {
  return (
    isPosActivity(row) ||
    isIdentification(row) ||
    isAddRedeemHeader(row) ||
    (isActivation(row) && counts(row)) ||
    (options.emitVoids && isPosVoid(row))
  );
}

/** Every check-in can be one: nothing in its own row speaks against it. */
export function isCheckinCandidate(row: Row<'loyalty.checkin'>): boolean {
  return row.account_id !== null;
}

export function isReferralCandidate(transition: Transition<'loyalty.referral'>): boolean {
  const { before, after } = transition;
  return (
    before === null && after?.status === 'SENT' && after.referrer_account_id !== after.referred_account_id
  );
}

/** Value given as a comp was not paid for. */
export function isRechargeCandidate(transition: Transition<'txn.recharge'>): boolean {
  const { before, after } = transition;
  return (
    after?.transaction_state === 'Succeeded' &&
    before?.transaction_state !== 'Succeeded' &&
    after.payment_type !== 'COMP'
  );
}

export function isResponseCandidate(transition: Transition<'survey.response'>): boolean {
  return transition.after?.status === 'COMPLETED' && transition.before?.status !== 'COMPLETED';
}

/**
 * A guest attached for the first time, by anything but an import. In the reference schema `user_id` and `registered_at` are
 * set together; where guest and account are one row of a user's table the guest is there from the start, and it is the time
 * that tells.
 */
export function isRegistrationCandidate(transition: Transition<'loyalty.account'>): boolean {
  const { before, after } = transition;
  if (after === null || after.user_id === null || after.registered_at === null) return false;
  if (before !== null && before.registered_at !== null) return false;
  return after.registration_source !== 'IMPORT' && after.import_batch_id === null;
}

/** The predicates as gathering takes them. */
export function candidateRules(options: CandidateOptions): {
  transaction(row: Header): boolean;
  checkin(row: Row<'loyalty.checkin'>): boolean;
  referral(transition: Transition<'loyalty.referral'>): boolean;
  recharge(transition: Transition<'txn.recharge'>): boolean;
  response(transition: Transition<'survey.response'>): boolean;
  registration(transition: Transition<'loyalty.account'>): boolean;
  custom(): boolean;
  voiding(row: Header): boolean;
} {
  return {
    transaction: (row) => isTransactionCandidate(row, options),
    checkin: isCheckinCandidate,
    referral: isReferralCandidate,
    recharge: isRechargeCandidate,
    response: isResponseCandidate,
    registration: isRegistrationCandidate,
    custom: () => true,
    voiding: isVoiding,
  };
}
