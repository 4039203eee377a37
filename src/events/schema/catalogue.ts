import type { EventName } from '../event.js';

interface CatalogueEntry {
  /** The event's part of a messageId, and the name of its warehouse table. */
  readonly slug: string;
  readonly summary: string;
  readonly firesOn: string;
  readonly notFor: string;
  readonly key: string;
  readonly timestamp: string;
}

/** What each event means and when it fires, in the words of the documentation. */
export const CATALOGUE: Readonly<Record<EventName, CatalogueEntry>> = {
  'Loyalty Registration': {
    slug: 'loyalty_registration',
    summary: 'A guest registered a loyalty account, through any channel.',
    firesOn:
      '`loyalty.account` INSERT with `user_id`, or UPDATE that first sets `user_id` and `registered_at`, from any source but IMPORT',
    notFor:
      'profile edits, a second card of the same template, a merge survivor, tier changes, re-activation',
    key: '`account_id`',
    timestamp: '`registered_at`',
  },
  'Web Registration': {
    slug: 'web_registration',
    summary: "A guest registered on the merchant's guest website.",
    firesOn:
      'the same as Loyalty Registration, with `registration_source` GUEST_WEBSITE; both events are sent',
    notFor: 'registrations by app, till, text message or customer service',
    key: '`account_id`',
    timestamp: '`registered_at`',
  },
  'Check-In': {
    slug: 'check_in',
    summary: 'A guest announced a visit.',
    firesOn: '`loyalty.checkin` INSERT; without a store it is the corporate one',
    notFor: 'later updates; the short code is never sent',
    key: '`checkin_id`',
    timestamp: '`checkin_time`',
  },
  'Identify Customer': {
    slug: 'identify_customer',
    summary: 'A till or an online order recognised a guest.',
    firesOn:
      '`txn.transaction` INSERT of type IDENTIFY_CUSTOMER, AUTHORIZED, modifier NONE, origin POS or ONLINE_ORDER; repeats during one check have the same messageId',
    notFor: 'web login, check-in, balance inquiry',
    key: '`<store_id>-<business date yyyymmdd>-<pos_transaction_id>-<account_id>`, else `transaction_id`',
    timestamp: '`pos_transaction_at`',
  },
  'POS Activity': {
    slug: 'pos_activity',
    summary: 'A till did something with a loyalty card.',
    firesOn: '`txn.transaction` INSERT of any type, origin POS, AUTHORIZED, modifier NONE, with an account',
    notFor: 'customer service screens, gift cards without loyalty',
    key: '`transaction_id`',
    timestamp: '`pos_transaction_at`',
  },
  'Add/Redeem': {
    slug: 'add_redeem',
    summary: 'A guest earned or used points or rewards.',
    firesOn:
      '`txn.transaction` INSERT of type ADD_REDEEM or ACTIVATE, AUTHORIZED, modifier NONE, origin POS, ONLINE_ORDER, MOBILE_APP, GUEST_WEBSITE or PARTNER, with an ACCRUED or REDEEMED line on a POINT, REDEEM or MEMBER_REWARD wallet',
    notFor:
      'customer service, campaigns, rules, expiry, combine, transfer, exchange, import, lines on stored value alone',
    key: '`transaction_id`',
    timestamp: '`pos_transaction_at`',
  },
  'Recharge Value': {
    slug: 'recharge_value',
    summary: 'A guest paid stored value onto the card.',
    firesOn: '`txn.recharge` INSERT as Succeeded, or UPDATE to Succeeded',
    notFor: 'pending and failed recharges, refunds, new gift-card sales, comps',
    key: '`recharge_id`',
    timestamp: '`completed_at`',
  },
  Referral: {
    slug: 'referral',
    summary: 'A guest recommended the program to a friend.',
    firesOn: '`loyalty.referral` INSERT with status SENT; the person is the referrer',
    notFor:
      "code creation, later status moves, self-referral; the friend's e-mail is never sent, not even hashed",
    key: '`referral_id`',
    timestamp: '`created_at`',
  },
  'Survey Completion': {
    slug: 'survey_completion',
    summary: 'A guest finished a survey.',
    firesOn: '`survey.response` INSERT as COMPLETED, or UPDATE to COMPLETED',
    notFor: 'started, abandoned and disqualified responses, later edits; free text is never sent',
    key: '`response_id`',
    timestamp: '`completed_at`',
  },
};
