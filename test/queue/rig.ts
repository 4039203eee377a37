import { DeadLetters } from '../../src/queue/dead-letters.js';
import { createEventSink, type EventSinkOptions, type QueueSink } from '../../src/queue/event-sink.js';
import { decodeJob, type JobData, type QueuedCall } from '../../src/queue/job.js';
import { DEFAULT_PREFIX, jobKeyPrefix, laneQueueName } from '../../src/queue/keys.js';
import { closeRedis, connectRedis, type RedisClient } from '../../src/queue/redis.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import type { PrivateRedisOptions } from '../../src/demo/private-redis.js';
import { testRedis, type TestRedis } from '../support/redis.js';

/** A Redis of its own, sinks on it, and a look at what the lanes hold. Closes everything it opened. */
export class QueueRig implements AsyncDisposable {
  readonly redis: TestRedis;
  readonly client: RedisClient;
  readonly #closers: (() => Promise<unknown>)[] = [];

  private constructor(redis: TestRedis) {
    this.redis = redis;
    this.client = connectRedis({ settings: this.settings, use: 'worker', onError: () => undefined });
  }

  static async open(options: PrivateRedisOptions = {}): Promise<QueueRig> {
    return new QueueRig(await testRedis(options));
  }

  get settings(): { url: string; tls: null } {
    return { url: this.redis.url, tls: null };
  }

  async sink(options: Partial<EventSinkOptions> = {}): Promise<QueueSink> {
    const sink = createEventSink({
      redis: this.settings,
      sources: [{ name: 'default', lanes: 1 }],
      pollMs: 20,
      commandTimeoutMs: 2_000,
      ...options,
    });
    this.onClose(async () => sink.close());
    await sink.start();
    return sink;
  }

  letters(source = 'default'): DeadLetters {
    const letters = new DeadLetters(source, {
      client: this.client,
      prefix: DEFAULT_PREFIX,
      onError: () => undefined,
    });
    this.onClose(async () => letters.close());
    return letters;
  }

  onClose(close: () => Promise<unknown>): void {
    this.#closers.unshift(close);
  }

  /** The jobs waiting in a lane, head first. */
  async jobs(
    lane = 0,
    source = 'default',
    queuePrefix = DEFAULT_PREFIX,
  ): Promise<{ data: JobData; calls: readonly QueuedCall[] }[]> {
    const prefix = jobKeyPrefix(queuePrefix, laneQueueName(source, lane));
    const ids = (await this.client.lrange(`${prefix}wait`, 0, -1)).reverse();
    const jobs: { data: JobData; calls: readonly QueuedCall[] }[] = [];
    for (const id of ids) {
      const decoded = decodeJob(JSON.parse((await this.client.hget(prefix + id, 'data')) ?? 'null'));
      if (decoded.tag !== 'job') throw new Error(`job ${id} is ${decoded.tag}`);
      jobs.push(decoded);
    }
    return jobs;
  }

  async messageIds(lane = 0, source = 'default', prefix = DEFAULT_PREFIX): Promise<string[]> {
    return (await this.jobs(lane, source, prefix)).flatMap(({ calls }) =>
      calls.map((call) => call.messageId),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers) await close();
    await closeRedis(this.client);
    await this.redis.dispose();
  }
}

/** Resolves when `condition` holds. @throws Error after `timeoutMs` */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 40_000,
): Promise<void> {
  const deadline = systemClock.now() + timeoutMs;
  while (!(await condition())) {
    if (systemClock.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await systemClock.sleep(5);
  }
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
