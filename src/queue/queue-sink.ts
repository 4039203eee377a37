import type { RedisSettings } from '../config/config.js';
import type { Clock } from '../lifecycle/clock.js';
import type { Lsn } from '../postgres/lsn.js';
import type { GuestSet } from '../suppression/guest-set.js';
import type { ListedGuests } from '../suppression/listed-guests.js';
import type { LaneName } from './keys.js';
import type { LingerSettings } from './nagle.js';
import type { QueueObserver } from './observer.js';
import type { SideLane } from './side-lanes.js';
import type { EventSink } from './sink.js';
import type { SourceBeginning, Standing } from './source-lanes.js';

export interface EventSinkOptions {
  readonly redis: RedisSettings;
  readonly sources: readonly SinkSource[];
  /** Everything goes into this lane instead, and no mark skips anything: see `createSideSink`. Default: the live lanes. */
  readonly sideLane?: SideLane;
  /** Before every key. Default `paytronix`. */
  readonly prefix?: string;
  /** Bytes of JSON buffered over all lanes before `offer` waits. Default 16 MiB. */
  readonly bufferBytes?: number;
  /** Compressed bytes a source that does not say so itself may have waiting in Redis. Default 1 GiB. */
  readonly queueBudgetBytes?: number;
  /**
   * With it, a source past its budget is parked as soon as it holds up another one; without it everybody waits for it. What
   * had settled when this is called is queued for the source; what follows may pass it by once this resolves, so by then it
   * must be durable where the source stands.
   */
  readonly park?: (source: string) => Promise<void>;
  /** Default 10 ms per waiting job, at most 5,000 ms. */
  readonly linger?: LingerSettings;
  /** How often memory and, while waiting, the budget are looked at. Default 500. */
  readonly pollMs?: number;
  /** How often Redis is asked whether it still holds what it confirmed, busy or idle. Default 2,000. */
  readonly laneCheckMs?: number;
  /** Default 5,000. */
  readonly commandTimeoutMs?: number;
  /** Nothing of these guests is queued: it is counted as suppressed. Read before the first `offer`. Default: nobody. */
  readonly listed?: ListedGuests;
  readonly observer?: QueueObserver;
  readonly clock?: Clock;
}

export interface SinkSource {
  readonly name: string;
  readonly lanes: number;
  /** Default: `queueBudgetBytes`. */
  readonly budgetBytes?: number;
}

/** How a source stands: whether the live stream's calls are queued for it, and how much waits in Redis. */
export interface SourceLoad {
  readonly standing: Standing;
  /** Compressed, as far as is known. */
  readonly waitingBytes: number;
  readonly budgetBytes: number;
}

/**
 * What a parked source misses goes in here, in commit order, from any position at or before the one it was parked at: calls
 * that are queued already are skipped. Only this source's calls wait for its budget then.
 */
export interface CatchUpSink extends EventSink {
  /**
   * The source takes part in the live stream again. Only between two of its transactions, and when all that it brought was
   * offered here.
   */
  join(): void;
  /** Ends it: the source is parked again. What is not in Redis never settles. */
  giveUp(): void;
}

/** What a lane holds, in a form a checkpoint can keep: seq of its last job and mark text of the last call. */
export interface LaneMark {
  readonly seq: number;
  readonly mark: string | null;
  /** Name of the lane's history in Redis, and the epoch it was in; see lane-state.ts. Absent: of an older release. */
  readonly history?: string;
  readonly epoch?: number;
}

/** What a lane has delivered, as far as Redis knows. */
export interface LaneDelivered {
  readonly seq: number;
  /** Position text of the last transaction of its last delivered job; null: none yet. */
  readonly position: string | null;
}
export type DeliveredLanes = Readonly<Record<LaneName, LaneDelivered>>;
export type LaneSnapshot = Readonly<Record<LaneName, LaneMark>>;

/** The sink that queues into Redis. `start` first; `close` gives up what is not queued yet (the WAL still has it). */
export interface QueueSink extends EventSink {
  /**
   * Connects (waits for Redis as long as it takes), takes the lanes over. Shared when called again.
   * @param options.trustMarksUpTo after a failover: marks beyond it are of the old history and skip nothing.
   * @throws ConnectorError LANES_CHANGED
   */
  start(options?: { readonly trustMarksUpTo?: Lsn | null }): Promise<void>;
  /** Resolves when Redis holds that nothing more may be sent of these guests, queued or not. */
  suppress(guestIds: readonly string[]): Promise<void>;
  /**
   * Resolves when Redis holds that these are the listed guests of the sink's sources, instead of whoever was before. Waits
   * while Redis is away. False: it held that already.
   */
  publishListed(guests: GuestSet): Promise<boolean>;
  /** Sources that Redis says are paused, and since when; none where it does not know. Rejects while Redis does not answer. */
  paused(): Promise<ReadonlyMap<string, number>>;
  /** @param sinceMs null: it is not paused. */
  setPaused(source: string, sinceMs: number | null): Promise<void>;
  /** Of what Redis has confirmed. */
  laneSnapshot(): LaneSnapshot;
  /**
   * After `start`: does Redis hold at least what a stored checkpoint says was queued in the lanes that are open here?
   * @throws ConnectorError QUEUE_LOST naming the lane and the positions.
   */
  compareWithCheckpoint(stored: LaneSnapshot): Promise<void>;
  /** What is delivered in each lane. Rejects while Redis does not answer. */
  delivered(): Promise<DeliveredLanes>;
  /**
   * Before the first `offer`: begins every lane anew behind what it has delivered. Jobs that are left over count no more;
   * all of them, and whatever is gone, must be offered again. Until a checkpoint knows the new histories,
   * `compareWithCheckpoint` says that jobs are lost.
   */
  renew(stored: LaneSnapshot): Promise<void>;
  /** After `start`, before the first `offer`: where a source begins. Default: with everything that is offered. */
  beginAt(source: string, at: SourceBeginning): void;
  /** After `start`: takes the lanes of one more source over. @throws ConnectorError LANES_CHANGED */
  open(source: SinkSource): Promise<void>;
  setBudget(source: string, budgetBytes: number): void;
  /**
   * Queues what was offered for a source if that can be done at once, and takes nothing further for it: what is still offered
   * settles unheard. Resolves with how many calls could not be queued, and settled all the same.
   */
  release(source: string): Promise<number>;
  /** After `release`, when nothing more will be offered for the source: its lanes are nobody's. */
  forget(source: string): Promise<void>;
  /** Names of the sources, each with how it stands. */
  loads(): ReadonlyMap<string, SourceLoad>;
  /** Resolves when nothing of the parked source is on its way any more. @throws RangeError when it is not parked */
  catchUp(source: string): Promise<CatchUpSink>;
  /** Guests that Redis knows to be suppressed. */
  suppressedCount(): Promise<number>;
  /** Why nothing more can be queued; null while it can. */
  readonly failure: Error | null;
  close(): Promise<void>;
}
