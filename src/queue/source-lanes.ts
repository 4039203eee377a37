import type { Derived } from '../events/event.js';
import type { Clock } from '../lifecycle/clock.js';
import type { Lsn } from '../postgres/lsn.js';
import { isListed, type ListedGuests } from '../suppression/listed-guests.js';
import { Admission } from './admission.js';
import type { CallOrigin } from './batch.js';
import { DeadLetters } from './dead-letters.js';
import { LaneProducer } from './lane-producer.js';
import { LaneQueue } from './lane-queue.js';
import { laneOf } from './lanes.js';
import type { LetterWriter } from './letter-writer.js';
import type { MemoryGuard } from './memory-guard.js';
import type { LingerSettings } from './nagle.js';
import type { QueueObserver } from './observer.js';
import type { OfferAccount } from './offer-account.js';
import type { RedisClient } from './redis.js';

export interface SourceLanesOptions {
  readonly name: string;
  /** Numbers of the lanes. */
  readonly lanes: readonly number[];
  /** Compressed bytes that may wait in Redis, at first. */
  readonly budgetBytes: number;
  /** Whose room its calls take while it takes part in the live stream. */
  readonly account: OfferAccount;
  readonly writer: LetterWriter;
  /** See `EventSinkOptions.listed`. */
  readonly listed?: ListedGuests;
  readonly client: RedisClient;
  readonly prefix: string;
  readonly clock: Clock;
  readonly observer: QueueObserver;
  readonly signal: AbortSignal;
  readonly linger: LingerSettings;
  readonly pollMs: number;
  readonly guard: () => MemoryGuard | null;
  /** Null: it never leaves the live stream, which waits for it instead. */
  readonly parking: SourceParking | null;
  readonly onFatal: (error: Error) => void;
}

export interface SourceParking {
  /** Whether anybody is held up by this source. */
  readonly wanted: (source: SourceLanes) => boolean;
  /** See `EventSinkOptions.park`. */
  readonly park: (source: string) => Promise<void>;
}

export interface SourceBeginning {
  /** Transactions that end at or before it are none of the source's affair; null: all are. */
  readonly after: Lsn | null;
  /** An earlier process left it so. */
  readonly parked: boolean;
}

const RELEASE_LOOK_MS = 10;

/**
 * - `live`: the live stream's calls go into its lanes.
 * - `parked`: the live stream passes it by; what it misses is brought later, from further back.
 * - `catching-up`: that is being brought, and the live stream still passes it by.
 * - `released`: nothing more is queued for it.
 */
export type Standing = 'live' | 'parked' | 'catching-up' | 'released';

/**
 * What a sink holds open for one source.
 *
 * live ──over its budget, and others are not──▶ parked ──catchUp──▶ catching-up ──join──▶ live
 *                                                 ▲─────────giveUp────────┘
 */
export class SourceLanes {
  readonly name: string;
  readonly lanes: readonly LaneProducer[];
  readonly letters: DeadLetters;
  readonly #options: SourceLanesOptions;
  readonly #queues: readonly LaneQueue[];
  #standing: Standing = 'live';
  budgetBytes: number;
  #account: OfferAccount;
  #after: Lsn | null = null;
  /** Until it is durable that the source is parked, nothing that passes it by may count as settled. */
  #parked: Promise<void> | null = null;

  /** On a connection that is ready; the lanes must still be taken. */
  constructor(options: SourceLanesOptions) {
    this.#options = options;
    const { name, client, prefix, clock, observer, signal, linger, parking, onFatal } = options;
    this.name = name;
    this.budgetBytes = options.budgetBytes;
    this.#account = options.account;
    const onError = (error: Error): void => observer.connectionError?.(error);
    const queueOptions = { client, prefix, onError };
    this.letters = new DeadLetters(name, queueOptions);
    const admission = new Admission({
      ...options,
      source: name,
      lanes: () => this.lanes,
      overBudget: () => this.overBudget,
      park: () => {
        if (parking !== null && this.#standing === 'live' && parking.wanted(this)) this.#park(parking);
      },
      holdsCapture: () => this.#standing === 'live',
    });
    const mayAdd = async (lane: LaneProducer): Promise<void> => admission.mayAdd(lane);
    const onQueued = (jsonBytes: number): void => this.#account.released(jsonBytes);
    const common = {
      prefix,
      source: name,
      client,
      clock,
      linger,
      observer,
      signal,
      mayAdd,
      onQueued,
      onFatal,
    };
    this.#queues = options.lanes.map((lane) => new LaneQueue(name, lane, queueOptions));
    this.lanes = this.#queues.map(
      (queue, index) => new LaneProducer({ ...common, queue, lane: options.lanes[index] ?? 0 }),
    );
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Compressed bytes queued and, as far as known, not delivered. */
  get waitingBytes(): number {
    return this.lanes.reduce((sum, lane) => sum + lane.bytesWaiting, 0);
  }

  get overBudget(): boolean {
    return this.waitingBytes > this.budgetBytes;
  }

  /** When it was last seen that more is delivered than before; 0: not yet. */
  get deliveredAtMs(): number {
    return Math.max(...this.lanes.map((lane) => lane.deliveredAtMs ?? 0));
  }

  get isIdle(): boolean {
    return this.lanes.every(({ jobsWaiting }) => jobsWaiting === 0);
  }

  /** Resolves when it is durable that the source is parked; at once when it is not. */
  async untilParked(): Promise<void> {
    await this.#parked;
  }

  /** Takes a call into the lane of its account. Call `kick` afterwards. */
  take(call: Derived, origin: CallOrigin): void {
    const { writer, listed } = this.#options;
    if (isListed(listed, call.guestId)) {
      this.#account.buffered(this.#laneFor(call.accountKey).passOver(call, origin));
      return;
    }
    const bytes =
      call.tag === 'rejected'
        ? writer.push({ event: call, origin, source: this.name, letters: this.letters })
        : this.#laneFor(call.accountKey).offer(call, origin);
    // The writer gives room back where every source's letters take it.
    (call.tag === 'rejected' ? this.#options.account : this.#account).buffered(bytes);
  }

  kick(urgent: boolean): void {
    for (const lane of this.lanes) lane.kick(urgent);
    this.#options.writer.kick();
  }

  /** Where it begins; before the first call. */
  beginAt({ after, parked }: SourceBeginning): void {
    this.#after = after;
    this.#standing = parked ? 'parked' : 'live';
  }

  /** What ends there is none of its affair: it lies before the source's beginning. */
  precedes(endLsn: Lsn): boolean {
    return this.#after !== null && endLsn <= this.#after;
  }

  /** What is taken from now on begins further back, and takes room elsewhere. Resolves when nothing is on its way. */
  async catchUp(account: OfferAccount): Promise<void> {
    if (this.#standing !== 'parked') throw new RangeError(`source ${this.name} is ${this.#standing}`);
    await this.#parked;
    for (const lane of this.lanes) await lane.idle();
    for (const lane of this.lanes) lane.beginFurtherBack();
    this.#account = account;
    this.#standing = 'catching-up';
  }

  /** Everything that the live stream has brought so far was taken. */
  join(): void {
    if (this.#standing !== 'catching-up') return;
    this.#account.handOver(this.#options.account);
    this.#account = this.#options.account;
    this.#standing = 'live';
  }

  /** Parked again: what is buffered is not queued, and never settles. */
  giveUp(): void {
    if (this.#standing !== 'catching-up') return;
    this.#discard();
    this.#standing = 'parked';
  }

  /**
   * Queues what was taken if that can be done at once, and takes nothing further: what comes is passed by, and nobody waits
   * for what could not be queued. Resolves with how many calls that was.
   */
  async release(withinMs: number): Promise<number> {
    const { clock, signal } = this.#options;
    const lateMs = clock.now() + withinMs;
    if (this.#standing === 'live') {
      while (this.lanes.some((lane) => lane.hasBuffered) && clock.now() < lateMs && !signal.aborted) {
        this.kick(true);
        await clock.sleep(RELEASE_LOOK_MS, signal);
      }
    }
    const given = this.#discard();
    this.#standing = 'released';
    for (const { settlement, calls } of given) settlement.done(calls);
    return given.reduce((sum, { calls }) => sum + calls, 0);
  }

  /** Lets go of the connection's queues, once nothing is on its way. */
  async close(): Promise<void> {
    for (const lane of this.lanes) await lane.idle();
    for (const queue of this.#queues) await queue.close();
    await this.letters.close();
  }

  #park({ park }: SourceParking): void {
    const given = this.#discard();
    this.#standing = 'parked';
    this.#parked = park(this.name).then(() => {
      for (const { settlement, calls } of given) settlement.done(calls);
    });
    this.#parked.catch(this.#options.onFatal);
  }

  #discard(): readonly { readonly settlement: CallOrigin['settlement']; readonly calls: number }[] {
    const batches = this.lanes.flatMap((lane) => lane.discard());
    this.#account.released(batches.reduce((sum, { jsonBytes }) => sum + jsonBytes, 0));
    return batches.flatMap(({ shares }) => shares);
  }

  #laneFor(accountKey: string): LaneProducer {
    const lane = this.lanes[laneOf(accountKey, this.lanes.length)];
    if (lane === undefined) throw new RangeError('a source has at least one lane');
    return lane;
  }
}
