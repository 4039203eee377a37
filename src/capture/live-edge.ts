import { Turns } from '../lifecycle/turns.js';
import type { Transaction } from '../changes/transaction.js';
import type { Lsn } from '../postgres/lsn.js';
import type { Progress } from './checkpoints.js';

/** How far the live stream was taken, and turns in which it stands still: between two of its gulps. */
export class LiveEdge {
  readonly #turns = new Turns();
  #taken: Progress;

  constructor(from: Progress) {
    this.#taken = from;
  }

  /** Everything that ends at or before it was offered, or will be by whoever is at it. */
  get taken(): Lsn {
    return this.#taken.endLsn;
  }

  /** When the last of it was committed, microseconds since 1970; null: not known. */
  get commitTimeUs(): number | null {
    return this.#taken.commitTimeUs;
  }

  /** The live stream's own turn. */
  async take(
    { endLsn, commitTimeUs }: Pick<Transaction, 'endLsn' | 'commitTimeUs'>,
    act: () => Promise<void>,
  ): Promise<void> {
    await this.#turns.run(async () => {
      await act();
      this.#taken = { endLsn, commitTimeUs };
    });
  }

  /** While this runs nothing of the live stream is offered. */
  async between<T>(act: () => Promise<T>): Promise<T> {
    return this.#turns.run(act);
  }
}
