import { Queue } from 'bullmq';
import type { JobData } from './job.js';
import { jobKeyPrefix, laneQueueName, laneStateKey } from './keys.js';
import type { LaneKeys } from './lane-state.js';
import { defineScript, type RedisClient } from './redis.js';

/** BullMQ's event stream, which nothing here reads: kept short, by default it grows to 10,000 entries a queue. */
const EVENT_STREAM_LENGTH = 100;

export interface QueueOptions {
  readonly client: RedisClient;
  readonly prefix: string;
  readonly onError: (error: Error) => void;
}

export function openQueue<Data>(name: string, options: QueueOptions): Queue<Data> {
  const queue = new Queue<Data>(name, {
    connection: options.client,
    prefix: options.prefix,
    skipVersionCheck: true,
    skipWaitingForReady: true,
    streams: { events: { maxLen: EVENT_STREAM_LENGTH } },
  });
  queue.on('error', options.onError);
  return queue;
}

/** The producer's side of one lane's queue. */
export class LaneQueue {
  readonly keys: LaneKeys;
  readonly #queue: Queue<JobData>;

  constructor(source: string, lane: number, options: QueueOptions) {
    const name = laneQueueName(source, lane);
    this.#queue = openQueue<JobData>(name, options);
    this.keys = {
      state: laneStateKey(options.prefix, source, lane),
      jobPrefix: jobKeyPrefix(options.prefix, name),
    };
  }

  /** Adds at the tail. A job of this id that is there already stays as it is, so a repeated add changes nothing. */
  async add(jobId: string, data: JobData): Promise<void> {
    await this.#queue.add('batch', data, { jobId, removeOnComplete: true });
  }

  /** One job at a time over all processes: without it two workers would tear the order apart. */
  async limitToOne(): Promise<void> {
    await this.#queue.setGlobalConcurrency(1);
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }
}

export interface LaneDepth {
  /** Jobs waiting and in hand. */
  readonly jobs: number;
  /** When the oldest of them was added, milliseconds since 1970; null without jobs. */
  readonly oldestAtMs: number | null;
  /** A deliver process holds the lock of the job in hand. */
  readonly inHand: boolean;
}

const depthScript = defineScript(
  'segmentLaneDepth',
  2,
  `
local waiting, active = redis.call('LLEN', KEYS[1]), redis.call('LLEN', KEYS[2])
local taken = redis.call('LINDEX', KEYS[2], -1)
local id = taken or redis.call('LINDEX', KEYS[1], -1)
local at = id and redis.call('HGET', ARGV[1] .. id, 'timestamp')
return {waiting + active, at or '', taken and redis.call('EXISTS', ARGV[1] .. taken .. ':lock') or 0}
`,
);

/** Depth and age of one lane, without reading any job's body. */
export async function laneDepth(
  client: RedisClient,
  prefix: string,
  source: string,
  lane: number,
): Promise<LaneDepth> {
  const jobPrefix = jobKeyPrefix(prefix, laneQueueName(source, lane));
  const keys = [`${jobPrefix}wait`, `${jobPrefix}active`];
  const [jobs, at, held] = (await depthScript(client, keys, [jobPrefix])) as [number, string, number];
  return { jobs, oldestAtMs: at === '' ? null : Number(at), inHand: held === 1 };
}
