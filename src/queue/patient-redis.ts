import type { RedisSettings } from '../config/config.js';
import { ConnectorError, toError } from '../errors/connector-error.js';
import { Backoff } from '../lifecycle/backoff.js';
import type { Clock } from '../lifecycle/clock.js';
import type { QueueObserver } from './observer.js';
import { closeRedis, connectRedis, cutRedis, untilReady, type RedisClient } from './redis.js';

export interface PatientRedisOptions {
  readonly redis: RedisSettings;
  readonly commandTimeoutMs: number;
  readonly clock: Clock;
  readonly observer: QueueObserver;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** A connection that takes longer is waited for; every start takes some milliseconds. */
const LATE_MS = 1_000;

/** A producer's connection, and steps on it that are repeated for as long as Redis is away. */
export class PatientRedis {
  readonly #options: PatientRedisOptions;
  #client: RedisClient | null = null;
  #lastProblem: Error | null = null;

  constructor(options: PatientRedisOptions) {
    this.#options = options;
  }

  /** @throws RangeError before `open` */
  get client(): RedisClient {
    if (this.#client === null) throw new RangeError('not started');
    return this.#client;
  }

  /** Connects, and waits for Redis as long as it takes. */
  async open(): Promise<RedisClient> {
    const { redis, commandTimeoutMs, observer } = this.#options;
    const client = connectRedis({
      settings: redis,
      use: 'producer',
      name: 'paytronix-segment-capture',
      onError: (error) => observer.connectionError?.(error),
      commandTimeoutMs,
    });
    this.#client = client;
    await this.run(async () => this.#connected(client));
    return client;
  }

  async #connected(client: RedisClient): Promise<void> {
    const { observer, signal } = this.#options;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      observer.waiting?.('redis_unavailable', null, null);
    }, LATE_MS);
    try {
      await untilReady(client, signal);
    } finally {
      clearTimeout(timer);
    }
    if (late) observer.resumed?.('redis_unavailable', null);
  }

  /** Runs until Redis answers; errors that carry a decision pass. @throws ConnectorError QUEUE_CLOSED when ended */
  async run<T>(act: (client: RedisClient) => Promise<T>): Promise<T> {
    const { clock, observer, signal } = this.#options;
    const backoff = new Backoff({ maxMs: 5_000 });
    for (;;) {
      const client = this.client;
      try {
        const result = await act(client);
        if (backoff.failures > 0) observer.resumed?.('redis_unavailable', null);
        return result;
      } catch (error) {
        if (error instanceof ConnectorError) throw error;
        if (signal.aborted) throw this.closedError();
        this.noteProblem(toError(error));
        observer.waiting?.('redis_unavailable', null, toError(error));
        await clock.sleep(backoff.nextMs(), signal);
      }
    }
  }

  /** Kept as the cause of what is thrown when waiting for Redis ends without it. */
  noteProblem(error: Error): void {
    this.#lastProblem = error;
  }

  closedError(): ConnectorError {
    const options = this.#lastProblem === null ? {} : { cause: this.#lastProblem };
    return new ConnectorError('QUEUE_CLOSED', 'the queue was closed before everything was in redis', options);
  }

  async close(): Promise<void> {
    if (this.#client !== null) await closeRedis(this.#client);
  }

  /** Whoever waits for an answer is told that none will come. */
  cut(): void {
    if (this.#client !== null) cutRedis(this.#client);
  }
}
