import type { Wish } from '../columns.js';
import { AMOUNT } from './kinds.js';

export const LEDGER_WISHES = {
  quantity: {
    kinds: AMOUNT,
    names: [
      [1, 'point, quantity, amount, delta, change, point delta, point change, stamp, star, value, qty'],
    ],
    not: 'balance after before running total',
  },
  balanceAfter: {
    kinds: AMOUNT,
    names: [
      [1, 'balance after, running balance, new balance, closing balance, balance, point after, total after'],
    ],
    not: 'before old opening',
  },
  balance: {
    kinds: AMOUNT,
    names: [[1, 'balance, amount, value, point, current balance, quantity']],
    not: 'lifetime opening before',
  },
} as const satisfies Record<string, Wish>;
