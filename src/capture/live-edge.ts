import { Turns } from '../lifecycle/turns.js';
import type { Lsn } from '../postgres/lsn.js';

/** How far the live stream was taken, and turns in which it stands still: between two of its gulps. */
export class LiveEdge {
  readonly #turns = new Turns();
  #taken: Lsn;

  constructor(from: Lsn) {
    this.#taken = from;
  }

  /** Everything that ends at or before it was offered, or will be by whoever is at it. */
  get taken(): Lsn {
    return this.#taken;
  }

  /** The live stream's own turn. */
  async take(upTo: Lsn, act: () => Promise<void>): Promise<void> {
    await this.#turns.run(async () => {
      await act();
      this.#taken = upTo;
    });
  }

  /** While this runs nothing of the live stream is offered. */
  async between<T>(act: () => Promise<T>): Promise<T> {
    return this.#turns.run(act);
  }
}
