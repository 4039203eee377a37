/** Where ids begin that JavaScript's numbers cannot hold: 2^53 + 1. */
const BEYOND_SAFE_INTEGERS = 9_007_199_254_740_993n;

const FIRST_IDS = {
  guest: 1_000_001n,
  account: 998_001n,
  card: 70_001n,
  transaction: 5_501_000_001n,
  check: 41_000_001n,
  checkin: 77_001n,
  referral: 31_001n,
  recharge: 90_001n,
  invitation: 88_001n,
  response: 61_001n,
} as const;
export type IdKind = keyof typeof FIRST_IDS;

/** Every so many ids of a kind lie beyond 2^53: reading any of them as a number gives a neighbour's. */
const BIG_EVERY = 7n;

/**
 * Primary keys in rising order, as decimal text. `base` is added to every id, so that several runs can share one
 * database.
 */
export class Ids {
  readonly #base: bigint;
  readonly #counts = new Map<IdKind, bigint>();
  #cardNumber = 0n;

  constructor(base = 0n) {
    this.#base = base;
  }

  next(kind: IdKind): string {
    const count = this.#counts.get(kind) ?? 0n;
    this.#counts.set(kind, count + 1n);
    // Ledger ids stay in one range: within a commit the later header has the higher id.
    const big = kind !== 'transaction' && count % BIG_EVERY === BIG_EVERY - 1n;
    return String((big ? BEYOND_SAFE_INTEGERS : FIRST_IDS[kind]) + this.#base + count);
  }

  /** A ledger id beyond 2^53, for headers that come from another system's numbering. */
  nextForeignTransaction(): string {
    const count = this.#counts.get('transaction') ?? 0n;
    this.#counts.set('transaction', count + 1n);
    return String(BEYOND_SAFE_INTEGERS + this.#base + count);
  }

  /** 16 digits, every fifth with leading zeros: a card number is text. */
  nextCardNumber(): string {
    this.#cardNumber += 1n;
    const serial = (this.#base + this.#cardNumber * 37n) % 10_000_000_000n;
    const prefix = this.#cardNumber % 5n === 0n ? '000042' : '600030';
    return prefix + String(serial).padStart(10, '0');
  }
}
