import type { RedisSettings } from '../config/config.js';
import type { DeliverySettings } from '../config/source.js';
import { ConnectorError, toError } from '../errors/connector-error.js';
import { Backoff } from '../lifecycle/backoff.js';
import { systemClock, type Clock } from '../lifecycle/clock.js';
import type { DrainEnd } from '../lifecycle/shutdown.js';
import { DeadLetters } from '../queue/dead-letters.js';
import type { JobReader } from '../queue/job.js';
import { DEFAULT_PREFIX } from '../queue/keys.js';
import { claimLanes } from '../queue/lanes.js';
import { closeRedis, connectRedis, cutRedis, untilReady, type RedisClient } from '../queue/redis.js';
import { isSideLane, SIDE_LANES, type SideLane } from '../queue/side-lanes.js';
import { PublishedGuests } from '../queue/listed-guests.js';
import { SuppressionCheck } from '../queue/suppression-check.js';
import type { ListedGuests } from '../suppression/listed-guests.js';
import { BatchClient } from './batch-client.js';
import { JobSender } from './job-sender.js';
import { DEFAULT_LOCK_TIMING, LaneWorker, type LockTiming } from './lane-worker.js';
import type { DeliveryObserver } from './observer.js';
import { RateLimiter } from './rate-limiter.js';
import { SdkClient } from './sdk-client.js';
import type { SegmentClient } from './segment-client.js';
import { SideLimiter } from './side-limiter.js';
import { SourceGate } from './source-gate.js';

export interface DeliveryOptions {
  readonly sources: readonly DeliverySettings[];
  readonly redis: RedisSettings;
  /** Serve this side lane alone: a command that fills it may find no connector running. Default: every lane. */
  readonly onlyLane?: SideLane;
  /** Before every key; the same as capture's. Default `paytronix`. */
  readonly prefix?: string;
  /**
   * What this process reads of the suppression list itself; while it has read nothing, delivery begins only once Redis holds the
   * list that capture publishes. Default: Redis alone says who is listed.
   */
  readonly listed?: ListedGuests;
  /** Begin only once Redis holds a list: there is one, and it is more than this process can read. Default false. */
  readonly needsPublishedList?: boolean;
  readonly observer?: DeliveryObserver;
  /** How often a source that refuses everything, or a lane that stands still, is tried. Default 60,000. */
  readonly probeIntervalMs?: number;
  readonly timing?: LockTiming;
  /** By version of the job format; another release has others. Default: this one's. */
  readonly readers?: ReadonlyMap<number, JobReader>;
  /** Default: by the source's `client` and `oauth`. */
  readonly createClient?: (settings: DeliverySettings) => SegmentClient;
  readonly clock?: Clock;
}

/** Everything after the queue, for one process; any number of processes share the lanes. */
export interface Delivery {
  /**
   * Waits for Redis, then starts a worker per lane. Shared when called again.
   * @throws ConnectorError LANES_CHANGED
   */
  start(): Promise<void>;
  /**
   * Takes no further jobs, lets requests in flight finish within the grace, and gives the jobs in hand back to the heads
   * of their lanes. Ends within the grace and three seconds whatever Redis and Segment do; a job that could not be given
   * back returns to its head when its lock expires. Shared when called again.
   * @returns `cut-short`: a request was cut, so its calls may be sent again.
   */
  close(options: { readonly graceMs: number }): Promise<DrainEnd>;
  /** Sources that stand still, and why. */
  stopped(): readonly { readonly source: string; readonly code: string; readonly detail: string }[];
}

export function createDelivery(options: DeliveryOptions): Delivery {
  return new QueueDelivery(options);
}

/** The documented batch API, or Segment's SDK where it is asked for or the source requires OAuth. */
export function createClient(settings: DeliverySettings): SegmentClient {
  const { writeKey, host, requestTimeoutMs, oauth } = settings;
  if (settings.client === 'sdk' || oauth !== null) {
    return new SdkClient({ writeKey, host, requestTimeoutMs, oauth });
  }
  return new BatchClient({ writeKey, host, requestTimeoutMs });
}

interface Source {
  readonly gate: SourceGate;
  readonly letters: DeadLetters;
  readonly clients: SegmentClient[];
  readonly workers: LaneWorker[];
}

/** After the grace and the cut of requests, to give the jobs back. Then Redis itself must be away. */
const FORCE_AFTER = { share: 0.25, leastMs: 1_000, mostMs: 3_000 };

class QueueDelivery implements Delivery {
  readonly #options: DeliveryOptions;
  readonly #clock: Clock;
  readonly #observer: DeliveryObserver;
  readonly #prefix: string;
  readonly #sources = new Map<string, Source>();
  readonly #ending = new AbortController();
  #client: RedisClient | null = null;
  #starting: Promise<void> | null = null;
  #closing: Promise<DrainEnd> | null = null;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#observer = options.observer ?? {};
    this.#prefix = options.prefix ?? DEFAULT_PREFIX;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  close(options: { readonly graceMs: number }): Promise<DrainEnd> {
    this.#closing ??= this.#close(options.graceMs);
    return this.#closing;
  }

  stopped(): readonly { readonly source: string; readonly code: string; readonly detail: string }[] {
    return [...this.#sources].flatMap(([source, { gate }]) =>
      gate.stopped === null ? [] : [{ source, ...gate.stopped }],
    );
  }

  async #start(): Promise<void> {
    const client = connectRedis({
      settings: this.#options.redis,
      use: 'worker',
      name: 'paytronix-segment-deliver',
      onError: (error) => this.#observer.connectionError?.(error),
    });
    this.#client = client;
    await untilReady(client, this.#ending.signal);
    const published = new PublishedGuests(client, this.#prefix);
    for (const settings of this.#options.sources) {
      if (this.#options.onlyLane === undefined) {
        await this.#patiently(async () => claimLanes(client, this.#prefix, settings.name, settings.lanes));
      }
      const check = this.#suppressionCheck(client, settings.name, published);
      const waiting = (): void => this.#observer.awaitsList?.(settings.name);
      await this.#patiently(async () => check.untilKnown(this.#clock, this.#ending.signal, waiting));
      this.#sources.set(settings.name, this.#openSource(client, settings, check));
    }
    for (const worker of this.#workers()) {
      await this.#patiently(async () => worker.start());
    }
  }

  /** A Redis at its memory limit answers and refuses: delivery begins once there is room, instead of not at all. */
  async #patiently(act: () => Promise<void>): Promise<void> {
    const backoff = new Backoff({ initialMs: 100, maxMs: 5_000 });
    while (!this.#ending.signal.aborted) {
      try {
        await act();
        return;
      } catch (error) {
        if (error instanceof ConnectorError) throw error;
        this.#observer.connectionError?.(toError(error));
        await this.#clock.sleep(backoff.nextMs(), this.#ending.signal);
      }
    }
  }

  #suppressionCheck(client: RedisClient, source: string, published: PublishedGuests): SuppressionCheck {
    const { listed, needsPublishedList: needsPublished = false } = this.#options;
    const options = { client, prefix: this.#prefix, source, published, needsPublished };
    return new SuppressionCheck(listed === undefined ? options : { ...options, listed });
  }

  #openSource(client: RedisClient, settings: DeliverySettings, check: SuppressionCheck): Source {
    const { name, rateLimitPerSecond, rateLimitGroup } = settings;
    const clock = this.#clock;
    const observer = this.#observer;
    const prefix = this.#prefix;
    const probeIntervalMs = this.#options.probeIntervalMs ?? 60_000;
    const limited = Number.isFinite(rateLimitPerSecond) && rateLimitPerSecond > 0;
    const ratePerSecond = limited ? rateLimitPerSecond : null;
    // No source's name holds a slash.
    const bucket = rateLimitGroup === null ? name : `group/${rateLimitGroup}`;
    const rate = { client, prefix, source: bucket, ratePerSecond, clock };
    const limiters = { live: new RateLimiter(rate), side: new SideLimiter(rate) };
    const gate = new SourceGate({ source: name, clock, observer, probeIntervalMs });
    const onError = (error: Error): void => observer.connectionError?.(error);
    const letters = new DeadLetters(name, { client, prefix, onError });
    const timing = this.#options.timing ?? DEFAULT_LOCK_TIMING;
    const readers = this.#options.readers === undefined ? {} : { readers: this.#options.readers };
    const source: Source = { gate, letters, clients: [], workers: [] };
    for (const lane of this.#lanesOf(settings)) {
      const segment = (this.#options.createClient ?? createClient)(settings);
      source.clients.push(segment);
      const common = { source: name, lane, clock, observer };
      const sender = new JobSender({
        ...common,
        client: segment,
        limiter: isSideLane(lane) ? limiters.side : limiters.live,
        gate,
        suppressedAmong: async (guestIds) => check.among(guestIds),
      });
      source.workers.push(
        new LaneWorker({ ...common, client, prefix, sender, letters, timing, probeIntervalMs, ...readers }),
      );
    }
    return source;
  }

  /** A command's lane alone, or the live ones and every side lane. */
  #lanesOf({ lanes }: DeliverySettings): readonly number[] {
    const { onlyLane } = this.#options;
    return onlyLane === undefined ? [...Array(lanes).keys(), ...SIDE_LANES] : [onlyLane];
  }

  async #close(graceMs: number): Promise<DrainEnd> {
    this.#ending.abort(new Error('delivery is closing'));
    const client = this.#client;
    const { share, leastMs, mostMs } = FORCE_AFTER;
    const forceMs = graceMs + Math.min(mostMs, Math.max(leastMs, graceMs * share));
    // Without Redis nothing can be given back: the locks expire instead. Cutting the connections ends what waits for it.
    const force = setTimeout(() => {
      if (client !== null) cutRedis(client);
      for (const worker of this.#workers()) worker.cut();
    }, forceMs);
    await this.#starting?.catch(() => undefined);
    const ends = await Promise.all(this.#workers().map(async (worker) => worker.close(graceMs)));
    clearTimeout(force);
    for (const { letters, clients } of this.#sources.values()) {
      await letters.close();
      for (const segment of clients) await segment.close();
    }
    if (client !== null) await closeRedis(client);
    return ends.includes('cut-short') ? 'cut-short' : 'drained';
  }

  #workers(): readonly LaneWorker[] {
    return [...this.#sources.values()].flatMap(({ workers }) => workers);
  }
}
