import type { EventName } from '../event.js';
import type { PropertiesOf, PropertyTable } from './kinds.js';
import { ACCOUNT, PERSON, PLACE, WALLETS } from './shared-properties.js';

/** What each event adds to the shared properties, in the order it is written. */

const CLOCK_SUSPECT = {
  clock_suspect: {
    kind: 'boolean',
    optional: true,
    doc: 'True, and only there, when the till gave a time out of reason and `timestamp` is the posting time.',
  },
} as const satisfies PropertyTable;

const TRANSACTION_ID = { kind: 'id', doc: 'The ledger transaction.' } as const;
const POS_TRANSACTION_ID = {
  kind: 'string',
  nullable: true,
  doc: "The till's own number of the transaction.",
} as const;
const CHECK_NUMBER = { kind: 'string', nullable: true, doc: 'Number of the guest check.' } as const;
const TERMINAL_ID = { kind: 'string', nullable: true, doc: 'The till.' } as const;
const POSTED_AT = { kind: 'timestamp', nullable: true, doc: 'When the ledger took it.' } as const;
const IS_OFFLINE = { kind: 'boolean', doc: 'Whether the till was offline and sent it later.' } as const;
const REGISTRATION_SOURCE = { kind: 'string', nullable: true, doc: 'Where the guest registered.' } as const;
const ENROLL_DATE = { kind: 'date', nullable: true, doc: 'The day the account was enrolled.' } as const;

const WALLET_CHANGE = {
  wallet_code: { kind: 'id', doc: 'Code of the wallet.' },
  label: { kind: 'string', nullable: true, doc: 'Name of the wallet.' },
  added: { kind: 'number', nullable: true, doc: 'What this transaction added.' },
  redeemed: { kind: 'number', nullable: true, doc: 'What this transaction redeemed.' },
  balance: { kind: 'number', nullable: true, doc: 'Balance as of the commit.' },
} as const satisfies PropertyTable;

const ANSWER = {
  question_id: { kind: 'id', doc: 'The question.' },
  question_code: { kind: 'string', nullable: true, doc: "The question's code." },
  choice_code: { kind: 'string', nullable: true, doc: 'The choice taken.' },
  numeric_value: { kind: 'number', nullable: true, doc: 'The number given.' },
} as const satisfies PropertyTable;

export const OWN_PROPERTIES = {
  'POS Activity': {
    pos_function: { kind: 'string', doc: 'What the till did: the transaction type.' },
    transaction_id: TRANSACTION_ID,
    pos_transaction_id: POS_TRANSACTION_ID,
    terminal_id: TERMINAL_ID,
    operator_id: { kind: 'string', nullable: true, doc: 'Who worked the till.' },
    check_number: CHECK_NUMBER,
    check_total: { kind: 'number', nullable: true, doc: 'Total of the check.' },
    posted_at: POSTED_AT,
    is_offline: IS_OFFLINE,
    is_void: {
      kind: 'boolean',
      optional: true,
      doc: 'True, and only there, for a void or reversal (`emit_voids`).',
    },
    original_transaction_id: {
      kind: 'id',
      optional: true,
      doc: 'With `is_void`: the transaction taken back.',
    },
    ...CLOCK_SUSPECT,
  },
  'Identify Customer': {
    transaction_id: TRANSACTION_ID,
    pos_transaction_id: POS_TRANSACTION_ID,
    check_number: CHECK_NUMBER,
    terminal_id: TERMINAL_ID,
    posted_at: POSTED_AT,
    ...CLOCK_SUSPECT,
  },
  'Loyalty Registration': {
    registration_source: REGISTRATION_SOURCE,
    card_template_label: { kind: 'string', nullable: true, doc: "Name of the account's program." },
    enroll_date: ENROLL_DATE,
    card_activated_at: { kind: 'timestamp', nullable: true, doc: 'When the primary card was activated.' },
  },
  'Web Registration': {
    registration_source: REGISTRATION_SOURCE,
    enroll_date: ENROLL_DATE,
    favorite_store_code: {
      kind: 'id',
      nullable: true,
      doc: 'Code of the store the guest named as favorite.',
    },
  },
  'Check-In': {
    checkin_id: { kind: 'id', doc: 'The check-in.' },
    checkin_scope: { kind: 'string', doc: 'STORE, or CORPORATE for a check-in at no particular store.' },
    external_store_code: { kind: 'string', nullable: true, doc: "A partner's code of the store." },
    expiration_time: { kind: 'timestamp', nullable: true, doc: 'Until when the check-in stands.' },
  },
  'Add/Redeem': {
    transaction_id: TRANSACTION_ID,
    pos_transaction_id: POS_TRANSACTION_ID,
    check_number: CHECK_NUMBER,
    check_total: { kind: 'number', nullable: true, doc: 'Total of the check.' },
    check_subtotal: { kind: 'number', nullable: true, doc: 'Subtotal of the check.' },
    check_discount: { kind: 'number', nullable: true, doc: 'Discounts on the check.' },
    amount_paid: { kind: 'number', nullable: true, doc: 'What this card paid of the check.' },
    currency: { kind: 'string', doc: "The merchant's currency, ISO 4217." },
    points_added: { kind: 'number', nullable: true, doc: 'Points added: value kind POINTS alone.' },
    points_redeemed: { kind: 'number', nullable: true, doc: 'Points redeemed: value kind POINTS alone.' },
    points_balance: { kind: 'number', nullable: true, doc: 'Sum of the guest-visible points wallets.' },
    rewards_redeemed: { kind: 'number', nullable: true, doc: 'How many rewards were redeemed.' },
    reward_labels: { kind: 'strings', doc: 'Names of the rewards redeemed.' },
    wallet_codes: { kind: 'strings', doc: 'Codes of the loyalty wallets that changed.' },
    wallet_changes: { kind: 'rows', of: WALLET_CHANGE, doc: 'What changed, by wallet.' },
    is_offline: IS_OFFLINE,
    posted_at: POSTED_AT,
    store_local_time: {
      kind: 'timestamp',
      nullable: true,
      doc: "`timestamp` on the store's own clock, with its offset from UTC.",
    },
    ...CLOCK_SUSPECT,
  },
  'Recharge Value': {
    recharge_id: { kind: 'id', doc: 'The recharge.' },
    transaction_id: { kind: 'id', nullable: true, doc: 'Its ledger transaction.' },
    amount: { kind: 'number', nullable: true, doc: 'Amount paid.' },
    bonus_amount: { kind: 'number', nullable: true, doc: 'Amount given on top.' },
    currency: { kind: 'string', doc: 'ISO 4217 code.' },
    wallet_code: { kind: 'id', doc: 'The wallet recharged.' },
    wallet_label: { kind: 'string', nullable: true, doc: 'Its name.' },
    balance_before: { kind: 'number', nullable: true, doc: 'Its balance before the recharge.' },
    balance_after: { kind: 'number', nullable: true, doc: 'Its balance after the recharge.' },
    recharge_kind: { kind: 'string', doc: 'ONE_TIME, AUTO or POS.' },
    payment_type: { kind: 'string', doc: 'How it was paid.' },
    card_type: { kind: 'string', nullable: true, doc: 'Brand of the payment card, and nothing else of it.' },
  },
  Referral: {
    referral_id: { kind: 'id', doc: 'The referral.' },
    referral_code: { kind: 'string', nullable: true, doc: "The referrer's code." },
    referral_status: { kind: 'string', doc: 'SENT.' },
  },
  'Survey Completion': {
    survey_id: { kind: 'id', doc: 'The survey.' },
    survey_code: { kind: 'string', nullable: true, doc: "The merchant's code of the survey." },
    survey_title: { kind: 'string', nullable: true, doc: 'Title of the survey.' },
    response_id: { kind: 'id', doc: 'The response.' },
    invitation_id: { kind: 'id', nullable: true, doc: 'The invitation it answers.' },
    survey_score: { kind: 'number', nullable: true, doc: 'Overall score.' },
    nps: { kind: 'integer', nullable: true, doc: 'Likelihood to recommend, 0–10.' },
    question_count: { kind: 'integer', nullable: true, doc: 'Questions of the survey.' },
    answered_count: { kind: 'integer', doc: 'Questions answered.' },
    has_comment: { kind: 'boolean', doc: 'Whether there is a comment; never its text.' },
    duration_seconds: { kind: 'integer', nullable: true, doc: 'From start to completion.' },
    visit_transaction_id: { kind: 'id', nullable: true, doc: 'The visit the invitation asked about.' },
    answers: {
      kind: 'rows',
      of: ANSWER,
      optional: true,
      doc: 'Only where the source asks for it: choices and numbers, never free text.',
    },
  },
} as const satisfies Record<EventName, PropertyTable>;

export type OwnProperties<E extends EventName> = PropertiesOf<(typeof OWN_PROPERTIES)[E]>;

/** All properties of an event, in the order they are written. */
export function propertiesOf(event: EventName): PropertyTable {
  return { ...PERSON, ...PLACE, ...WALLETS, ...ACCOUNT, ...OWN_PROPERTIES[event] };
}
