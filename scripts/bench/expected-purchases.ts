import type { Expected, Place } from './judge.js';

export const FIRST_MERCHANT = 777_777;
/** Accounts, guests and cards are numbered from here; a guest has the number of the account. */
export const FIRST_ACCOUNT = 1_000_000;
export const FIRST_TRANSACTION = 5_500_000_000;

/** Purchases that were written: numbers `from` up to, not including, `to`; see purchases.ts. */
export interface PurchaseSpan {
  readonly from: number;
  readonly to: number;
  readonly accounts: number;
  /** Accounts between two purchases in a row; odd. Default 1. */
  readonly stride?: number;
}

const MESSAGE_ID = /^px-\d+-(pos_activity|add_redeem)-(\d+)$/;
/** Calls of one purchase, in the order of their rank. */
const CALLS = ['pos_activity', 'add_redeem'] as const;

export const CALLS_A_PURCHASE = CALLS.length;

/** What a span of purchases implies: two calls each, in the order of the commits for every account. */
export function expectedOf(span: PurchaseSpan): Expected {
  return {
    count: (span.to - span.from) * CALLS_A_PURCHASE,
    placeOf: (messageId): Place | null => {
      const [, call, transaction] = MESSAGE_ID.exec(messageId) ?? [];
      const purchase = Number(transaction) - FIRST_TRANSACTION;
      if (!(purchase >= span.from && purchase < span.to)) return null;
      const part = CALLS.findIndex((name) => name === call);
      return {
        key: accountOf(purchase, span),
        place: (purchase - span.from) * CALLS_A_PURCHASE + part,
      };
    },
  };
}

/** The last purchase of every lane, as a transaction id each, if lanes are told by `laneOf`. */
export function lastOfLanes(
  span: PurchaseSpan,
  lanes: number,
  laneOf: (accountKey: string, lanes: number) => number,
): ReadonlyMap<number, string> {
  const last = new Map<number, string>();
  for (let purchase = span.to - 1; purchase >= span.from && last.size < lanes; purchase -= 1) {
    const lane = laneOf(`${FIRST_MERCHANT}:${FIRST_ACCOUNT + accountOf(purchase, span)}`, lanes);
    if (!last.has(lane)) last.set(lane, String(FIRST_TRANSACTION + purchase));
  }
  return last;
}

/** Number of the account that makes a purchase, from 0. */
function accountOf(purchase: number, { accounts, stride = 1 }: PurchaseSpan): number {
  return (purchase * stride) % accounts;
}
