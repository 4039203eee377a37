import type { Wish } from '../columns.js';
import { TEXT, CODE, FLAG, AMOUNT, MOMENT } from './kinds.js';

export const GUEST_WISHES = {
  firstName: {
    kinds: TEXT,
    names: [[1, 'first name, given name, forename, fname, first, given']],
    not: 'last',
  },
  lastName: {
    kinds: TEXT,
    names: [[1, 'last name, family name, surname, lname, last, family']],
    not: 'first',
  },
  wholeName: {
    kinds: TEXT,
    names: [[1, 'full name, name, contact name, display name, holder name']],
    not: 'user login nick first last middle file company business maiden family given domain host emergency parent',
  },
  email: { kinds: TEXT, names: [[1, 'email, email address, mail, e mail']] },
  phone: {
    kinds: TEXT,
    names: [[1, 'phone, phone number, mobile, mobile phone, cell, tel, telephone, mobile number']],
  },
  emailOptIn: {
    kinds: FLAG,
    names: [
      [1, 'email opt in, email consent, email subscribed, email marketing, accept email, receive email'],
      [0.9, 'opt in, marketing opt in, newsletter, newsletter opt in, accept marketing, marketing consent'],
      [0.8, 'subscribed, mailing, consent, marketing'],
    ],
    not: 'sms text phone push out unsubscribed',
  },
  emailOptOut: {
    kinds: ['bool', 'int'],
    names: [[1, 'email opt out, opt out, unsubscribed, do not email, no email, email unsubscribed']],
    not: 'sms text phone push',
  },
  textOptIn: {
    kinds: FLAG,
    names: [
      [
        1,
        'sms opt in, text opt in, sms consent, text consent, sms subscribed, accept sms, phone opt in, sms',
      ],
    ],
    not: 'out number',
  },
  registeredAt: {
    kinds: MOMENT,
    names: [
      [
        1,
        'registered at, registered on, registration date, register date, registered, date registered, registration time',
      ],
      [
        0.95,
        'joined at, joined, join date, joined on, date joined, joining date, member since, signed up at, signup at',
      ],
      [0.95, 'signup date, sign up date, signup, enrolled at, enroll date, enrolled, enrollment date, since'],
      [
        0.7,
        'created at, created, create date, created on, creation date, date created, create time, created time',
      ],
      [0.7, 'inserted at, added at, date added, opened at, insert date, entry date'],
    ],
    not: 'updated card password email opt last',
  },
  source: {
    kinds: TEXT,
    names: [
      [
        1,
        'registration source, signup source, registration channel, signup channel, join channel, enrollment source',
      ],
      [0.7, 'source, channel'],
    ],
  },
  cardNumber: {
    kinds: CODE,
    names: [
      [1, 'card number, card no, card num, card nr, card code, loyalty card, printed card number, card'],
      [0.8, 'loyalty number, loyalty no, barcode, card barcode'],
    ],
    not: 'credit payment cc debit bank identity national last expiry',
  },
  points: {
    kinds: AMOUNT,
    names: [
      [1, 'point, point balance, balance point, loyalty point, reward point, current point, available point'],
      [0.9, 'star, stamp, mile, star balance, stamp balance'],
    ],
    not: 'lifetime redeemed earned expired spent ytd year total pending entry reorder percent',
  },
  lifetimePoints: {
    kinds: AMOUNT,
    names: [[1, 'lifetime point, point earned, lifetime earned, total point, total earned, earned point']],
  },
  storedValue: {
    kinds: AMOUNT,
    names: [
      [
        1,
        'stored value, gift balance, card balance, wallet balance, store credit, credit balance, gift card balance',
      ],
      [0.8, 'balance'],
    ],
    not: 'point star stamp mile due owed limit opening loan outstanding loyalty reward',
  },
  tier: {
    kinds: CODE,
    names: [[1, 'tier, loyalty tier, loyalty level, membership level, tier code, level, member level']],
    not: 'access security permission skill fitness',
  },
  status: {
    kinds: CODE,
    names: [
      [1, 'status, member status, account status, customer status, status code, member state, account state'],
    ],
    not: 'marital order payment',
  },
  active: { kinds: FLAG, names: [[1, 'active, is active, enabled, is enabled, activebool, active flag']] },
  deleted: {
    kinds: ['timestamptz', 'timestamp', 'date', 'bool'],
    names: [
      [
        1,
        'deleted at, deleted, deleted on, is deleted, erased at, anonymized at, anonymised at, date deleted',
      ],
    ],
  },
  role: { kinds: CODE, names: [[1, 'role, user role, user type, account type, kind, type']] },
} as const satisfies Record<string, Wish>;
