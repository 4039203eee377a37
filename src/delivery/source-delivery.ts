import type { DeliverySettings } from '../config/source.js';
import type { Clock } from '../lifecycle/clock.js';
import type { DrainEnd } from '../lifecycle/shutdown.js';
import { DeadLetters } from '../queue/dead-letters.js';
import type { JobReader } from '../queue/job.js';
import { laneDepth } from '../queue/lane-queue.js';
import type { RedisClient } from '../queue/redis.js';
import { isSideLane } from '../queue/side-lanes.js';
import { JobSender } from './job-sender.js';
import { LaneWorker, type LockTiming } from './lane-worker.js';
import type { DeliveryObserver } from './observer.js';
import { RateLimiter } from './rate-limiter.js';
import type { SegmentClient } from './segment-client.js';
import { SideLimiter } from './side-limiter.js';
import { SourceGate } from './source-gate.js';

export interface SourceDeliveryOptions {
  readonly settings: DeliverySettings;
  /** Numbers of the lanes that are served. */
  readonly lanes: readonly number[];
  readonly client: RedisClient;
  readonly prefix: string;
  readonly clock: Clock;
  readonly observer: DeliveryObserver;
  /** Which of these guests nothing may be sent of. */
  readonly suppressedAmong: (guestIds: readonly string[]) => Promise<ReadonlySet<string>>;
  readonly probeIntervalMs: number;
  readonly timing: LockTiming;
  readonly readers?: ReadonlyMap<number, JobReader>;
  readonly createClient: (settings: DeliverySettings) => SegmentClient;
}

/** Delivers one source as it is configured: configured otherwise it is another one. */
export class SourceDelivery {
  readonly settings: DeliverySettings;
  readonly #options: SourceDeliveryOptions;
  readonly #gate: SourceGate;
  readonly #letters: DeadLetters;
  readonly #clients: SegmentClient[] = [];
  readonly #workers: LaneWorker[] = [];
  #closing: Promise<DrainEnd> | null = null;

  constructor(options: SourceDeliveryOptions) {
    this.#options = options;
    const { settings, client, prefix, clock, observer, probeIntervalMs, timing, readers } = options;
    this.settings = settings;
    const { name, rateLimitPerSecond, rateLimitGroup } = settings;
    const limited = Number.isFinite(rateLimitPerSecond) && rateLimitPerSecond > 0;
    const ratePerSecond = limited ? rateLimitPerSecond : null;
    // No source's name holds a slash.
    const bucket = rateLimitGroup === null ? name : `group/${rateLimitGroup}`;
    const rate = { client, prefix, source: bucket, ratePerSecond, clock };
    const limiters = { live: new RateLimiter(rate), side: new SideLimiter(rate) };
    this.#gate = new SourceGate({ source: name, clock, observer, probeIntervalMs, paused: settings.paused });
    if (settings.paused) observer.held?.(name, true);
    const onError = (error: Error): void => observer.connectionError?.(error);
    const letters = new DeadLetters(name, { client, prefix, onError });
    this.#letters = letters;
    for (const lane of options.lanes) {
      const segment = options.createClient(settings);
      this.#clients.push(segment);
      const common = { source: name, lane, clock, observer };
      const sender = new JobSender({
        ...common,
        client: segment,
        limiter: isSideLane(lane) ? limiters.side : limiters.live,
        gate: this.#gate,
        suppressedAmong: options.suppressedAmong,
      });
      const worker = { ...common, client, prefix, sender, letters, timing, probeIntervalMs };
      this.#workers.push(new LaneWorker({ ...worker, ...(readers === undefined ? {} : { readers }) }));
    }
  }

  get stopped(): SourceGate['stopped'] {
    return this.#gate.stopped;
  }

  /** @param asked whether an operator has paused it; the configuration may say so as well. */
  setPaused(asked: boolean): void {
    const paused = asked || this.settings.paused;
    if (paused === this.#gate.paused) return;
    this.#gate.setPaused(paused);
    this.#options.observer.held?.(this.settings.name, paused);
  }

  get workers(): readonly LaneWorker[] {
    return this.#workers;
  }

  /** Rejects while Redis does not answer. */
  async isEmpty(): Promise<boolean> {
    const { client, prefix, lanes } = this.#options;
    for (const lane of lanes) {
      const { jobs } = await laneDepth(client, prefix, this.settings.name, lane);
      if (jobs > 0) return false;
    }
    return true;
  }

  /** See `LaneWorker.close`. Shared when called again. */
  close(graceMs: number): Promise<DrainEnd> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<DrainEnd> {
    const ends = await Promise.all(this.#workers.map(async (worker) => worker.close(graceMs)));
    await this.#letters.close();
    for (const segment of this.#clients) await segment.close();
    return ends.includes('cut-short') ? 'cut-short' : 'drained';
  }
}
