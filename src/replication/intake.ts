import type { AssembledTransaction } from './assembled-transaction.js';

export interface IntakeOptions {
  readonly maxBufferedBytes: number;
  readonly maxGulpTransactions: number;
  readonly maxGulpBytes: number;
  /** Reading must stop, or may go on. */
  readonly onPausedChange: (paused: boolean) => void;
}

/**
 * Committed transactions between the socket and the consumer, and the memory they hold until they are released. Reading
 * pauses above the limit and goes on below half of it: per gulp, not per message.
 */
export class Intake {
  readonly #options: IntakeOptions;
  #waiting: AssembledTransaction[] = [];
  #taken = 0;
  #unreleased = 0;
  #heldBytes = 0;
  #paused = false;
  #wake: (() => void) | null = null;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Transactions committed and not released, taken or not. */
  get unreleased(): number {
    return this.#unreleased;
  }

  get paused(): boolean {
    return this.#paused;
  }

  add(transaction: AssembledTransaction): void {
    this.#waiting.push(transaction);
    this.#unreleased += 1;
    this.#heldBytes += transaction.memoryBytes;
    if (!this.#paused && this.#heldBytes > this.#options.maxBufferedBytes) this.#setPaused(true);
    this.wake();
  }

  released(transaction: AssembledTransaction): void {
    this.#unreleased -= 1;
    this.#heldBytes -= transaction.memoryBytes;
    if (this.#paused && this.#heldBytes * 2 <= this.#options.maxBufferedBytes) this.#setPaused(false);
  }

  /** What waits, in commit order, up to the limits of a gulp; at least one if any waits. */
  take(): readonly AssembledTransaction[] {
    const { maxGulpTransactions, maxGulpBytes } = this.#options;
    const from = this.#taken;
    let to = from;
    for (let bytes = 0; to < this.#waiting.length && to - from < maxGulpTransactions; to++) {
      bytes += (this.#waiting[to] as AssembledTransaction).memoryBytes;
      if (bytes > maxGulpBytes && to > from) break;
    }
    const gulp = this.#waiting.slice(from, to);
    this.#taken = to;
    // Cutting the array at every gulp is quadratic when a backlog is taken in small ones.
    if (to === this.#waiting.length || to > 4_096) {
      this.#waiting = this.#waiting.slice(to);
      this.#taken = 0;
    }
    return gulp;
  }

  /** Resolves at the next `add` or `wake`. @throws when somebody waits already. */
  arrival(): Promise<void> {
    if (this.#wake !== null) throw new Error('one consumer at a time');
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  /** Releases what nobody took. */
  discard(): void {
    const untaken = this.#waiting.slice(this.#taken);
    this.#waiting = [];
    this.#taken = 0;
    for (const transaction of untaken) transaction.release();
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#options.onPausedChange(paused);
  }
}
