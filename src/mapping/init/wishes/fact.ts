import type { Wish } from '../columns.js';
import { TEXT, CODE, FLAG, AMOUNT, MOMENT } from './kinds.js';

const NOT_THE_ACT =
  'updated update modified deleted shipped ship required due return returned expire expires expiry expiration cancelled canceled ' +
  'delivered delivery end ended birth expected out approved valid until last promised pickup refunded hire';

export const FACT_WISHES = {
  /** When the guest acted. */
  actedAt: {
    kinds: MOMENT,
    names: [
      [
        1,
        'sold at, sale date, sale time, sold on, ordered at, order date, order time, placed at, purchased at, purchase date',
      ],
      [
        1,
        'rented at, rental date, transaction date, transaction time, txn date, txn time, tran date, booked at, booking date',
      ],
      [
        1,
        'booked on, reserved at, reserved on, reservation date, invoice date, bill date, receipt date, issued at, paid at',
      ],
      [
        1,
        'payment date, paid on, reload date, reloaded at, loaded at, occurred at, happened at, event time, made at',
      ],
      [1, 'submitted at, answered at, answered on, response date, taken at, taken on, entered at'],
      [
        0.95,
        'date, time, datetime, timestamp, at, ts, when, sold, ordered, purchased, rented, paid, booked, placed',
      ],
      [0.75, 'completed at, closed at, completed, closed, opened at, opened, opened on'],
    ],
    not: `${NOT_THE_ACT} check checked start arrival from to created`,
  },
  checkedInAt: {
    kinds: MOMENT,
    names: [
      [
        1,
        'checked in at, check in at, checkin at, checkin time, check in time, checkin date, checked in, check in, checkin',
      ],
      [
        1,
        'visited at, visit date, visit time, visited on, scanned at, swiped at, arrived at, attended at, arrival time, entered at',
      ],
      [0.9, 'date, time, datetime, timestamp, at, ts, entry time, time in, start time, started at'],
    ],
    not: NOT_THE_ACT,
  },
  recordedAt: {
    kinds: MOMENT,
    names: [
      [
        1,
        'created at, created, create date, created on, creation date, date created, create time, created time',
      ],
      [1, 'inserted at, recorded at, posted at, received at, added at, insert date, entry date, logged at'],
    ],
    not: NOT_THE_ACT,
  },
  amount: {
    kinds: AMOUNT,
    names: [
      [
        1,
        'grand total, total amount, total, order total, total price, total cent, amount total, total gross',
      ],
      [
        0.95,
        'amount, amount cent, gross amount, total paid, amount paid, total due, amount due, amount spent, total spent',
      ],
      [
        0.85,
        'price, price cent, net total, net amount, value, sum, cent, fare, gross, charge, paid, spent, cost',
      ],
    ],
    not: 'tax vat discount tip shipping freight unit refund count quantity point item sub fee rate number bonus per balance',
  },
  subtotal: {
    kinds: AMOUNT,
    names: [[1, 'subtotal, sub total, subtotal cent, net total, net amount']],
    not: 'item unit',
  },
  discount: {
    kinds: AMOUNT,
    names: [[1, 'discount, discount total, discount amount, discount cent, total discount']],
    not: 'percent rate',
  },
  bonus: { kinds: AMOUNT, names: [[1, 'bonus, bonus amount, bonus cent']], not: 'point' },
  currency: { kinds: TEXT, names: [[1, 'currency, currency code, ccy']] },
  method: {
    kinds: TEXT,
    names: [
      [
        1,
        'method, payment method, payment type, tender, tender type, pay type, payment mode, pay method, payment code, pay code, tender code',
      ],
    ],
  },
  cardType: { kinds: TEXT, names: [[1, 'card type, card brand']] },
  channel: {
    kinds: CODE,
    names: [
      [1, 'channel, order channel, sale channel, order source, booking source, booking channel'],
      [0.8, 'source, origin, platform'],
    ],
  },
  kind: {
    kinds: CODE,
    names: [
      [
        1,
        'kind, type, transaction type, sale type, kind code, type code, tran type, tran code, entry type, entry kind',
      ],
    ],
    not: 'payment order card room ticket currency',
  },
  status: {
    kinds: CODE,
    names: [
      [1, 'status, state, order status, payment status, status code, state code, order state, payment state'],
    ],
  },
  voided: { kinds: FLAG, names: [[1, 'void, is void, voided, is voided, void flag']] },
  training: { kinds: FLAG, names: [[1, 'training, is training, training mode, is test, test, test mode']] },
  offline: { kinds: FLAG, names: [[1, 'offline, is offline']] },
  terminal: {
    kinds: CODE,
    names: [
      [
        1,
        'terminal, terminal id, terminal no, register, register id, register no, till, till no, pos, pos id, lane, workstation',
      ],
    ],
  },
  operator: {
    kinds: CODE,
    names: [
      [
        1,
        'operator, operator id, cashier, cashier id, server, server id, employee id, staff id, clerk, clerk id, waiter id',
      ],
    ],
  },
  receipt: {
    kinds: CODE,
    names: [
      [
        1,
        'receipt number, receipt no, check number, check no, ticket number, ticket no, pos transaction id, receipt, slip no',
      ],
      [
        0.9,
        'order number, order no, invoice number, invoice no, bill number, bill no, confirmation number, confirmation code',
      ],
      [0.8, 'reference, booking reference, booking code, reference number, order code'],
    ],
  },
  original: {
    kinds: ['int', 'text', 'uuid'],
    names: [
      [
        1,
        'original transaction id, original sale id, original order id, original id, refund of, reversal of, void of, original sale no',
      ],
    ],
  },
} as const satisfies Record<string, Wish>;
