import type { Transaction } from '../changes/transaction.js';
import { laterLsn, type Lsn } from '../postgres/lsn.js';
import { WalStream, type WalStreamOptions } from '../replication/wal-stream.js';
import { windowMoved } from './window.js';

export interface CopyFollowerOptions {
  readonly stream: Omit<WalStreamOptions, 'temporaryCopy' | 'observer'>;
  /** The first commit given begins at or after it. */
  readonly from: Lsn;
}

/**
 * Follows a slot from a position on, over a temporary copy, up to an end that moves: as far as somebody else has come.
 * Each commit must be released before more are asked for. One attempt, as `WalStream` is.
 */
export class CopyFollower {
  readonly #stream: WalStream;
  readonly #from: Lsn;
  /** A keepalive says that all commits up to its position were sent before it. */
  #sentUpTo: Lsn;
  #takenUpTo: Lsn;
  #arriving: Promise<void> | null = null;
  #waiting: Transaction[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(options: CopyFollowerOptions) {
    this.#from = options.from;
    this.#sentUpTo = options.from;
    this.#takenUpTo = options.from;
    this.#stream = new WalStream({
      ...options.stream,
      temporaryCopy: { from: options.from },
      observer: {
        onKeepalive: (walEnd) => {
          this.#sentUpTo = laterLsn(this.#sentUpTo, walEnd);
          this.#wake();
        },
      },
    });
  }

  /** @throws ConnectorError REPLAY_WINDOW when the slot has moved past `from`; as `WalStream` does */
  async start(): Promise<void> {
    await this.#stream.start();
    // Started from before its position, a slot streams from its position without a word.
    if (this.#stream.confirmed > this.#from) throw windowMoved(this.#from, this.#stream.confirmed);
  }

  /**
   * The next commits that end at or before `to`, in order; none when all of them were given, or when the signal aborts.
   * @throws what ended the stream
   */
  async next(to: Lsn, signal: AbortSignal): Promise<readonly Transaction[]> {
    const wake = (): void => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted && !this.#ended) {
        const within = this.#waiting.filter(({ endLsn }) => endLsn <= to);
        if (within.length > 0) {
          this.#waiting = this.#waiting.slice(within.length);
          return within;
        }
        if (this.hasGivenAllUpTo(to)) return [];
        await this.#arrival();
      }
      return [];
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  /** Whether every commit that ends at or before `to` was given. */
  hasGivenAllUpTo(to: Lsn): boolean {
    const [first] = this.#waiting;
    if (first !== undefined && first.endLsn <= to) return false;
    // While a transaction arrives, a keepalive may lie past its end.
    return this.#takenUpTo >= to || (this.#sentUpTo >= to && !this.#stream.assembling);
  }

  /** What ends at or before it is not needed again by this attempt. */
  confirm(lsn: Lsn): void {
    this.#stream.confirm(lsn);
  }

  async stop(): Promise<void> {
    this.#ended = true;
    this.#wake();
    for (const transaction of this.#waiting) transaction.release();
    this.#waiting = [];
    await this.#stream.stop();
  }

  async #arrival(): Promise<void> {
    this.#arriving ??= this.#take().finally(() => {
      this.#arriving = null;
    });
    // Whoever does not wait for it any more hears of its failure with the next call.
    this.#arriving.catch(() => undefined);
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([this.#arriving, woken]);
  }

  async #take(): Promise<void> {
    const gulp = await this.#stream.next();
    if (this.#ended) for (const transaction of gulp) transaction.release();
    else this.#waiting.push(...gulp);
    const last = gulp.at(-1);
    if (last !== undefined) this.#takenUpTo = laterLsn(this.#takenUpTo, last.endLsn);
  }
}
