import type { Settled } from './sink.js';

/** Counts a transaction's calls on their way into Redis and says once when all are there. */
export class Settlement {
  readonly #settled: Settled;
  #outstanding = 1;

  /** Born with one outstanding share, the offering itself: see `offered`. */
  constructor(settled: Settled) {
    this.#settled = settled;
  }

  expect(): void {
    this.#outstanding += 1;
  }

  done(calls: number): void {
    this.#outstanding -= calls;
    if (this.#outstanding === 0) this.#settled();
  }

  /** Every call has been taken over: from now on the count says all. */
  offered(): void {
    this.done(1);
  }
}
