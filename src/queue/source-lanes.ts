import type { Clock } from '../lifecycle/clock.js';
import { Admission } from './admission.js';
import { DeadLetters } from './dead-letters.js';
import { LaneProducer } from './lane-producer.js';
import { LaneQueue } from './lane-queue.js';
import { laneOf } from './lanes.js';
import type { MemoryGuard } from './memory-guard.js';
import type { LingerSettings } from './nagle.js';
import type { QueueObserver } from './observer.js';
import type { RedisClient } from './redis.js';

/** What a sink holds open for one source. */
export interface SourceLanes {
  readonly name: string;
  readonly lanes: readonly LaneProducer[];
  readonly queues: readonly LaneQueue[];
  readonly letters: DeadLetters;
}

export interface SourceLanesOptions {
  readonly name: string;
  /** Numbers of the lanes. */
  readonly lanes: readonly number[];
  readonly client: RedisClient;
  readonly prefix: string;
  readonly clock: Clock;
  readonly observer: QueueObserver;
  readonly signal: AbortSignal;
  readonly linger: LingerSettings;
  readonly pollMs: number;
  readonly queueBudgetBytes: number;
  readonly guard: () => MemoryGuard | null;
  readonly onQueued: (jsonBytes: number) => void;
  readonly onFatal: (error: Error) => void;
}

/** Opens a source's queues on a connection that is ready; the lanes must still be taken. */
export function openSource(options: SourceLanesOptions): SourceLanes {
  const { name, client, prefix, clock, observer, signal, linger, onQueued, onFatal } = options;
  const onError = (error: Error): void => observer.connectionError?.(error);
  const queueOptions = { client, prefix, onError };
  const lanes: LaneProducer[] = [];
  const admission = new Admission({ ...options, source: name, lanes });
  const mayAdd = async (lane: LaneProducer): Promise<void> => admission.mayAdd(lane);
  const common = { prefix, source: name, client, clock, linger, observer, signal, mayAdd, onQueued, onFatal };
  const queues: LaneQueue[] = [];
  for (const lane of options.lanes) {
    const queue = new LaneQueue(name, lane, queueOptions);
    queues.push(queue);
    lanes.push(new LaneProducer({ ...common, lane, queue }));
  }
  return { name, lanes, queues, letters: new DeadLetters(name, queueOptions) };
}

export function laneFor(source: SourceLanes, accountKey: string): LaneProducer {
  const lane = source.lanes[laneOf(accountKey, source.lanes.length)];
  if (lane === undefined) throw new RangeError('a source has at least one lane');
  return lane;
}
