import { RateLimiter, type Limiter, type RateLimiterOptions } from './rate-limiter.js';

/** The most the side lanes of a source together may take of its rate, so that a long replay leaves room to live events. */
const SIDE_SHARE = 0.5;

/**
 * What a side lane asks before it sends: first the side lanes' own bucket of half the rate, then the source's, in which
 * live lanes queue up too. A request holds what half the rate allows in 50 ms, so a live one waits for 25 ms of sending
 * at most.
 */
export class SideLimiter implements Limiter {
  readonly ratePerSecond: number | null;
  readonly #side: RateLimiter;
  readonly #source: RateLimiter;

  constructor(options: RateLimiterOptions) {
    this.ratePerSecond = options.ratePerSecond === null ? null : options.ratePerSecond * SIDE_SHARE;
    this.#side = new RateLimiter({ ...options, ratePerSecond: this.ratePerSecond, bucket: 'side' });
    this.#source = new RateLimiter(options);
  }

  async acquire(events: number, signal: AbortSignal): Promise<number> {
    const waitedMs = await this.#side.acquire(events, signal);
    return signal.aborted ? waitedMs : waitedMs + (await this.#source.acquire(events, signal));
  }

  async pause(ms: number): Promise<void> {
    await this.#source.pause(ms);
  }
}
