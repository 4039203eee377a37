import type { Transaction } from '../changes/transaction.js';
import type { Clock } from '../lifecycle/clock.js';
import { EitherSignal } from '../lifecycle/either-signal.js';
import { untilAborted } from '../lifecycle/until-aborted.js';
import type { CatchUpSink } from '../queue/queue-sink.js';
import type { Ticket } from '../replication/acker.js';
import type { CopyFollower } from '../replay/copy-follower.js';
import type { TransactionSettled } from './derivation.js';
import type { LiveEdge } from './live-edge.js';
import type { Parked, ParkedSources } from './parked-sources.js';
import { StreamFloor } from './stream-floor.js';

export interface CatchUpOptions {
  readonly parked: Parked;
  readonly sources: ParkedSources;
  /** Started from where the source has everything. */
  readonly follower: CopyFollower;
  readonly sink: CatchUpSink;
  readonly derive: (transactions: readonly Transaction[], settled: TransactionSettled) => Promise<void>;
  readonly edge: LiveEdge;
  /** Whether the source may have more waiting than it has. */
  readonly hasRoom: () => boolean;
  readonly clock: Clock;
  /** Ends it, where it is: the rest is brought another time. Once the source has joined, only the session's end does. */
  readonly signal: AbortSignal;
}

/** What the source has is written down this often. */
const NOTE_EVERY_MS = 1_000;
/** Between two tries to join the live stream. */
const JOIN_EVERY_MS = 100;
/** How long the live stream may be held up by one try. */
const JOIN_WITHIN_MS = 1_000;

/**
 * Brings one parked source what it missed, from the WAL, until it has come as far as the live stream; there it joins, between
 * two gulps, so that its lanes hold every call once and in order.
 *
 * following ──all that the live stream has taken is queued──▶ joining ──the rest, while the live stream stands still──▶ live
 */
export class CatchUp {
  readonly #options: CatchUpOptions;
  readonly #floor = new StreamFloor(() => true);
  #notedAtMs: number;
  #hasJoined = false;

  constructor(options: CatchUpOptions) {
    this.#options = options;
    this.#notedAtMs = options.clock.now();
    this.#floor.begin(options.parked.upTo, options.parked.commitTimeUs);
  }

  /** Whether the source was moved past what is being brought: its WAL is to be let go of. */
  get isOvertaken(): boolean {
    return this.#options.parked.upTo > this.#floor.progress.endLsn;
  }

  get hasJoined(): boolean {
    return this.#hasJoined;
  }

  /** True: the source takes part in the live stream again. False: the signal came first. */
  async run(): Promise<boolean> {
    const { signal, sink, sources, parked } = this.#options;
    try {
      while (!signal.aborted) {
        await this.#follow();
        if (await this.#joined()) {
          // Only then: until its row says otherwise, the next process brings it what Redis does not hold.
          await untilAborted(signal, sink.flush());
          if (!signal.aborted) await sources.unpark(parked);
          return true;
        }
      }
      return false;
    } finally {
      sink.giveUp();
      if (!this.#hasJoined && !this.isOvertaken) await this.#note();
    }
  }

  /** Until everything that the live stream has taken is queued. */
  async #follow(): Promise<void> {
    const { follower, edge, clock, signal, sink, hasRoom } = this.#options;
    while (!signal.aborted) {
      const gulp = await follower.next(edge.taken, signal);
      await this.#take(gulp);
      if (clock.now() - this.#notedAtMs >= NOTE_EVERY_MS) await this.#note();
      if (gulp.length > 0 || !follower.hasGivenAllUpTo(edge.taken)) continue;
      // So that little is left to be offered while the live stream waits.
      await untilAborted(signal, sink.flush());
      if (signal.aborted || hasRoom()) return;
      await clock.sleep(JOIN_EVERY_MS, signal);
    }
  }

  async #joined(): Promise<boolean> {
    const { follower, edge, clock, signal, sink } = this.#options;
    if (signal.aborted) return false;
    const joined = await edge.between(async () => {
      using either = new EitherSignal(signal, AbortSignal.timeout(JOIN_WITHIN_MS));
      const over = either.signal;
      while (!follower.hasGivenAllUpTo(edge.taken)) {
        if (over.aborted) return false;
        await this.#take(await follower.next(edge.taken, over));
      }
      if (signal.aborted) return false;
      sink.join();
      this.#hasJoined = true;
      return true;
    });
    if (!joined) await clock.sleep(JOIN_EVERY_MS, signal);
    return joined;
  }

  async #take(gulp: readonly Transaction[]): Promise<void> {
    const last = gulp.at(-1);
    if (last === undefined) return;
    const tickets = new Map(gulp.map((transaction) => [transaction, this.#floor.opened(transaction)]));
    await this.#options.derive(gulp, (transaction) =>
      this.#floor.settled(tickets.get(transaction) as Ticket),
    );
    this.#options.follower.confirm(last.endLsn);
  }

  async #note(): Promise<void> {
    const { clock, parked, sources } = this.#options;
    this.#notedAtMs = clock.now();
    const { endLsn, commitTimeUs } = this.#floor.progress;
    if (endLsn > parked.upTo) await sources.move(parked, { upTo: endLsn, commitTimeUs });
  }
}
