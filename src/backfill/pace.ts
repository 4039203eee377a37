import type { Clock } from '../lifecycle/clock.js';

/** Keeps reading under a number of rows a second. Time lost elsewhere is not made up for by a burst. */
export class Pace {
  readonly #clock: Clock;
  readonly #rowsPerSecond: number;
  #dueMs: number;

  constructor(clock: Clock, rowsPerSecond: number) {
    this.#clock = clock;
    this.#rowsPerSecond = rowsPerSecond;
    this.#dueMs = clock.now();
  }

  /** Resolves when the next page may be read, or early when the signal aborts. */
  async after(rows: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.now();
    const owedMs = (rows / this.#rowsPerSecond) * 1_000;
    // A page that took longer to read than its rows are worth owes nothing.
    this.#dueMs = Math.max(this.#dueMs + owedMs, nowMs);
    if (this.#dueMs > nowMs) await this.#clock.sleep(this.#dueMs - nowMs, signal);
  }
}
