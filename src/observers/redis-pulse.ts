import type { Clock } from '../lifecycle/clock.js';
import type { RedisClient } from '../queue/redis.js';

const INTERVAL_MS = 2_000;

/** Pings Redis, because an idle connector would not notice that it has gone, and delivery's own commands wait for it. */
export class RedisPulse {
  readonly #client: RedisClient;
  readonly #clock: Clock;
  #answeredAtMs: number;

  constructor(client: RedisClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
    this.#answeredAtMs = clock.now();
  }

  /** When it last answered, milliseconds since 1970; at first, when the process began to ask. */
  get answeredAtMs(): number {
    return this.#answeredAtMs;
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#client.ping();
        this.#answeredAtMs = this.#clock.now();
      } catch {
        // Away: the time of the last answer says so.
      }
      await this.#clock.sleep(INTERVAL_MS, signal);
    }
  }
}
