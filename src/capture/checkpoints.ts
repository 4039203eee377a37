import { laterLsn, type Lsn } from '../postgres/lsn.js';
import { checkpointDue } from '../replication/checkpoint-pacing.js';
import type { Clock } from '../lifecycle/clock.js';

/** What a checkpoint says beside its position. */
export interface Progress {
  readonly endLsn: Lsn;
  readonly commitTimeUs: number | null;
}

export interface CheckpointsOptions {
  readonly clock: Clock;
  /** Position up to which all is in Redis, and the commit time of the last transaction up to there. */
  readonly floor: () => Progress;
  /** Commits the row. Resolves when it is on disk. */
  readonly write: (progress: Progress) => Promise<void>;
  /** Confirms a position to the server; called only with positions whose row is committed. */
  readonly confirm: (lsn: Lsn) => void;
  /** What the table held at the start. */
  readonly stored: Lsn;
  /** How often to look whether a row is due. Default 100. */
  readonly intervalMs?: number;
}

/**
 * Moves the checkpoint after the floor: row first, confirmation second, so that after any crash the slot is never ahead
 * of the checkpoint.
 */
export class Checkpoints {
  readonly #options: CheckpointsOptions;
  #written: { lsn: Lsn; atMs: number } | null = null;
  #transactionsSettled = false;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
  }

  /** A transaction has settled since the last row: its position is worth a row within the second. */
  transactionSettled(): void {
    this.#transactionsSettled = true;
  }

  /** Writes rows as they fall due until the signal aborts. @throws what writing a row throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs = 100 } = this.#options;
    while (!signal.aborted) {
      const due = checkpointDue({
        written: this.#written,
        floor: this.#options.floor().endLsn,
        transactionsSettled: this.#transactionsSettled,
        nowMs: clock.now(),
      });
      if (due.tag === 'write') await this.writeNow();
      else await clock.sleep(due.tag === 'wait' ? Math.min(due.waitMs, intervalMs) : intervalMs, signal);
    }
  }

  /**
   * Writes the row whatever the pacing says: at the end of a session.
   * @param options.always also when the position has not moved. Default false.
   */
  async writeNow(options: { readonly always?: boolean } = {}): Promise<void> {
    const { clock, floor, write, confirm, stored } = this.#options;
    const progress = floor();
    this.#transactionsSettled = false;
    // A server that forgot confirmations sends again from before the checkpoint: the row never goes back.
    const moved = progress.endLsn > laterLsn(stored, this.#written?.lsn ?? stored);
    if (moved || (options.always === true && progress.endLsn === stored)) {
      await write(progress);
      confirm(progress.endLsn);
    } else if (progress.endLsn <= stored) {
      confirm(progress.endLsn);
    }
    this.#written = { lsn: progress.endLsn, atMs: clock.now() };
  }
}
