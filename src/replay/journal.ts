import type { Transaction } from '../changes/transaction.js';
import type { Lsn } from '../postgres/lsn.js';
import { Acker, type Ticket } from '../replication/acker.js';
import type { Counts } from './run-store.js';
import { addTally, type Tally } from './selection.js';

/**
 * How far a run has come: everything up to the position is in Redis, and the counts are of exactly that much, so that
 * a run resumed there counts nothing twice.
 */
export class RunJournal {
  readonly #acker: Acker;
  readonly #open = new Map<Ticket, { readonly inRange: boolean; readonly tally: Tally }>();
  readonly #byEnd = new Map<Lsn, Tally>();
  readonly #calls: Tally;
  #commits: number;

  constructor(position: Lsn, done: Counts) {
    this.#acker = new Acker(position);
    this.#commits = done.commits;
    this.#calls = new Map(Object.entries(done.calls));
  }

  get position(): Lsn {
    return this.#acker.floor;
  }

  get done(): Counts {
    return { commits: this.#commits, calls: Object.fromEntries(this.#calls) };
  }

  /** A commit has come; returns what to call when it has settled. */
  opened({ endLsn }: Transaction, inRange: boolean): () => void {
    const ticket = this.#acker.open(endLsn);
    const tally: Tally = new Map();
    this.#open.set(ticket, { inRange, tally });
    this.#byEnd.set(endLsn, tally);
    return () => this.#settled(ticket);
  }

  /** Calls of the commit that ends there were queued. */
  queued(endLsn: Lsn, tally: Tally): void {
    const held = this.#byEnd.get(endLsn);
    if (held !== undefined) addTally(held, tally);
  }

  #settled(ticket: Ticket): void {
    const floor = this.#acker.settle(ticket);
    for (const [open, { inRange, tally }] of this.#open) {
      if (open.endLsn > floor) break;
      if (inRange) this.#commits += 1;
      addTally(this.#calls, tally);
      this.#open.delete(open);
      this.#byEnd.delete(open.endLsn);
    }
  }
}
