/**
 * Segment refuses events over 32 KB. What is given up first is what is least missed; the sixteen properties themselves
 * always stay.
 */
export interface Reduction {
  /** Leave `expirations` out of `all_wallets_info`. */
  readonly expirations: boolean;
  /** Leave wallets that guests do not see out of `all_wallets_info`. */
  readonly hidden: boolean;
  /** Leave wallets without a balance out of `all_wallets_info`. */
  readonly zero: boolean;
}

export const WHOLE: Reduction = { expirations: false, hidden: false, zero: false };

const STEPS: readonly Reduction[] = [
  { expirations: true, hidden: false, zero: false },
  { expirations: true, hidden: true, zero: false },
  { expirations: true, hidden: true, zero: true },
];

/** @see https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#max-request-size */
export const MAX_EVENT_BYTES = 32 * 1024;

/** A UTF-16 unit takes at most three bytes of UTF-8, so most events need no counting. */
export function fits(json: string): boolean {
  return json.length * 3 <= MAX_EVENT_BYTES || Buffer.byteLength(json, 'utf8') <= MAX_EVENT_BYTES;
}

export interface Sized {
  readonly json: string;
}

/** The event as `build` makes it whole, or with the fewest steps of reduction that let it fit; null when none does. */
export function shrunkToFit<T extends Sized>(whole: T, build: (reduction: Reduction) => T): T | null {
  if (fits(whole.json)) return whole;
  for (const step of STEPS) {
    const smaller = build(step);
    if (fits(smaller.json)) return smaller;
  }
  return null;
}
