export interface BackoffOptions {
  /** Delay after the first failure. Default 100. */
  readonly initialMs?: number;
  /** No delay is longer. Default 30,000. */
  readonly maxMs?: number;
  readonly factor?: number;
  /** A number in [0, 1); injected so tests are exact. Default Math.random. */
  readonly random?: () => number;
}

/**
 * Exponential backoff with full-range lower jitter: each delay lies in [half, whole] of the exponential step, so many
 * processes that failed together do not come back together. `reset` on the first success.
 */
export class Backoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #factor: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(options: BackoffOptions = {}) {
    this.#initialMs = options.initialMs ?? 100;
    this.#maxMs = options.maxMs ?? 30_000;
    this.#factor = options.factor ?? 2;
    this.#random = options.random ?? Math.random;
  }

  get failures(): number {
    return this.#failures;
  }

  nextMs(): number {
    const step = Math.min(this.#maxMs, this.#initialMs * this.#factor ** this.#failures);
    this.#failures += 1;
    return Math.round(step / 2 + (step / 2) * this.#random());
  }

  /** A failure that has lasted is worth a louder line than the first. */
  get logLevel(): 'debug' | 'info' | 'warn' | 'error' {
    if (this.#failures <= 1) return 'debug';
    if (this.#failures <= 3) return 'info';
    return this.#failures <= 8 ? 'warn' : 'error';
  }

  reset(): void {
    this.#failures = 0;
  }
}
