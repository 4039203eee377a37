import type { Transaction } from '../changes/transaction.js';
import { failpoint } from '../lifecycle/failpoint.js';
import { laterLsn, type Lsn } from '../postgres/lsn.js';
import { Acker, type Ticket } from '../replication/acker.js';
import type { Progress } from './checkpoints.js';
import type { CapturePositions } from './observer.js';

/**
 * How far everything received is in Redis: the acker's floor with the commit times that belong to it, and the keepalive
 * that waits for its turn.
 */
export class StreamFloor {
  readonly #assembling: () => boolean;
  #acker: Acker | null = null;
  #confirmed: Lsn | null = null;
  /** Commit times of open transactions, for the checkpoint's row and the age of who holds the floor. */
  readonly #open = new Map<Ticket, { commitTimeUs: number; sinceMs: number }>();
  #commitTimeUs: number | null = null;
  #keepalive: Lsn | null = null;
  #deriving = false;

  /** @param assembling whether the stream holds rows that nothing here accounts for yet. */
  constructor(assembling: () => boolean) {
    this.#assembling = assembling;
  }

  /** From where the stream stands; before the first transaction is opened. */
  begin(from: Lsn, commitTimeUs: number | null): void {
    this.#acker = new Acker(from);
    this.#commitTimeUs = commitTimeUs;
  }

  get begun(): boolean {
    return this.#acker !== null;
  }

  /** Position up to which all is in Redis, and the commit time of the last transaction up to there. */
  get progress(): Progress {
    const { floor } = this.#taking;
    return { endLsn: laterLsn(floor, this.#confirmed ?? floor), commitTimeUs: this.#commitTimeUs };
  }

  /** The oldest transaction received but not in Redis yet. */
  get oldestOpen(): CapturePositions['oldestOpen'] {
    const oldest = this.#taking.oldestOpen;
    return oldest === null ? null : { endLsn: oldest.endLsn, sinceMs: this.#open.get(oldest)?.sinceMs ?? 0 };
  }

  /** The server was told. */
  confirmed(lsn: Lsn): void {
    this.#confirmed = lsn;
  }

  opened({ endLsn, commitTimeUs, receivedAtMs }: Transaction): Ticket {
    const ticket = this.#taking.open(endLsn);
    this.#open.set(ticket, { commitTimeUs, sinceMs: receivedAtMs });
    return ticket;
  }

  settled(ticket: Ticket): void {
    const floor = this.#taking.settle(ticket);
    for (const [open, { commitTimeUs }] of this.#open) {
      if (open.endLsn > floor) break;
      this.#commitTimeUs = commitTimeUs;
      this.#open.delete(open);
    }
    this.#takeKeepalive();
  }

  /** Transactions that are opened are being derived, or no longer. */
  deriving(deriving: boolean): void {
    this.#deriving = deriving;
    if (!deriving) this.#takeKeepalive();
  }

  onKeepalive(walEnd: Lsn): void {
    // While a transaction is arriving or waits, the position lies past rows that nothing here accounts for yet.
    if (this.#assembling()) return;
    this.#keepalive = laterLsn(this.#keepalive ?? walEnd, walEnd);
    this.#takeKeepalive();
  }

  /**
   * A keepalive's position waits here until everything before it has settled: then, and only while nothing is being
   * received or derived, it may be confirmed, or an idle publication would keep the server's WAL for ever.
   */
  #takeKeepalive(): void {
    const position = this.#keepalive;
    const acker = this.#acker;
    if (position === null || acker === null || acker.openCount > 0) return;
    const busy = this.#deriving || this.#assembling();
    if (acker.keepalive(position, busy)) failpoint('keepalive-accepted');
    else if (position > acker.floor) return;
    this.#keepalive = null;
  }

  get #taking(): Acker {
    if (this.#acker === null) throw new RangeError('the stream has not begun');
    return this.#acker;
  }
}
