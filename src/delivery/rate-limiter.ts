import type { Clock } from '../lifecycle/clock.js';
import { rateLimitKey, sideRateLimitKey } from '../queue/keys.js';
import { defineScript, type RedisClient } from '../queue/redis.js';

/**
 * GCRA as a schedule: a request of n events gets the first free moment and pushes the next one n/limit further on. Each
 * asker sleeps to its moment, so lateness of a timer costs no throughput and requests never bunch up. Redis' clock
 * decides, so all processes share one bucket whatever theirs say.
 */
const reserveScript = defineScript(
  'segmentReserve',
  1,
  `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local s = redis.call('HMGET', KEYS[1], 'next', 'pausedUntil')
local paused = tonumber(s[2] or '0')
local start = math.max(now, paused)
local cost = tonumber(ARGV[1])
if cost > 0 then
  start = math.max(start, tonumber(s[1] or '0'))
  redis.call('HSET', KEYS[1], 'next', string.format('%.0f', start + cost))
end
redis.call('PEXPIRE', KEYS[1], math.max(60000, math.ceil((math.max(start + cost, paused) - now) / 1000) + 60000))
return math.ceil((start - now) / 1000)
`,
);

const pauseScript = defineScript(
  'segmentPause',
  1,
  `
local time = redis.call('TIME')
local untilUs = time[1] * 1000000 + time[2] + tonumber(ARGV[1]) * 1000
if untilUs > tonumber(redis.call('HGET', KEYS[1], 'pausedUntil') or '0') then
  redis.call('HSET', KEYS[1], 'pausedUntil', string.format('%.0f', untilUs))
  redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[1]) + 60000)
end
return 1
`,
);

export interface RateLimiterOptions {
  readonly client: RedisClient;
  readonly prefix: string;
  readonly source: string;
  /** Events; null: no limit, only pauses count. */
  readonly ratePerSecond: number | null;
  /** `side`: the bucket of the side lanes alone. Default `all`: the source's. */
  readonly bucket?: 'all' | 'side';
  readonly clock: Clock;
}

/** What a lane asks before it sends. */
export interface Limiter {
  /** Null: no limit. */
  readonly ratePerSecond: number | null;
  /** Resolves with the time waited when `events` may be sent, or early when the signal aborts. */
  acquire(events: number, signal: AbortSignal): Promise<number>;
  /** Nobody sends for this source for the next `ms`, in any process. */
  pause(ms: number): Promise<void>;
}

/** A bucket of one source, shared through Redis by all its lanes in all processes. */
export class RateLimiter implements Limiter {
  readonly #options: RateLimiterOptions;
  readonly #key: string;

  constructor(options: RateLimiterOptions) {
    this.#options = options;
    const keyOf = options.bucket === 'side' ? sideRateLimitKey : rateLimitKey;
    this.#key = keyOf(options.prefix, options.source);
  }

  get ratePerSecond(): number | null {
    return this.#options.ratePerSecond;
  }

  /** Reserves `events` and returns how long to wait before sending them. */
  async reserve(events: number): Promise<number> {
    const rate = this.#options.ratePerSecond;
    const costUs = rate === null ? 0 : Math.ceil((events * 1_000_000) / rate);
    return Number(await reserveScript(this.#options.client, [this.#key], [costUs]));
  }

  /** Resolves with the time waited when `events` may be sent, or early when the signal aborts. */
  async acquire(events: number, signal: AbortSignal): Promise<number> {
    const startedMs = this.#options.clock.now();
    let waitMs = await this.reserve(events);
    while (waitMs > 0 && !signal.aborted) {
      await this.#options.clock.sleep(waitMs, signal);
      // A pause may have come while this one slept: its moment is gone then, and all that wait need new ones in turn.
      const paused =
        !signal.aborted && Number(await reserveScript(this.#options.client, [this.#key], [0])) > 0;
      waitMs = paused ? await this.reserve(events) : 0;
    }
    return this.#options.clock.now() - startedMs;
  }

  /** Nobody sends for this source for the next `ms`, in any process. A longer pause already set stays. */
  async pause(ms: number): Promise<void> {
    await pauseScript(this.#options.client, [this.#key], [Math.ceil(ms)]);
  }
}
