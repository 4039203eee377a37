import { isDeepStrictEqual } from 'node:util';
import type { RedisSettings } from '../config/config.js';
import type { DeliverySettings } from '../config/source.js';
import { ConnectorError, toError } from '../errors/connector-error.js';
import { Backoff } from '../lifecycle/backoff.js';
import { systemClock, type Clock } from '../lifecycle/clock.js';
import type { DrainEnd } from '../lifecycle/shutdown.js';
import { Turns } from '../lifecycle/turns.js';
import type { JobReader } from '../queue/job.js';
import { DEFAULT_PREFIX } from '../queue/keys.js';
import { claimLanes } from '../queue/lanes.js';
import { closeRedis, connectRedis, cutRedis, untilReady, type RedisClient } from '../queue/redis.js';
import { SIDE_LANES, type SideLane } from '../queue/side-lanes.js';
import { readPaused } from '../queue/paused.js';
import { PublishedGuests } from '../queue/listed-guests.js';
import { SuppressionCheck } from '../queue/suppression-check.js';
import type { ListedGuests } from '../suppression/listed-guests.js';
import { BatchClient } from './batch-client.js';
import { DEFAULT_LOCK_TIMING, type LaneWorker, type LockTiming } from './lane-worker.js';
import type { DeliveryObserver } from './observer.js';
import { SdkClient } from './sdk-client.js';
import type { SegmentClient } from './segment-client.js';
import { SourceDelivery } from './source-delivery.js';

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
  /**
   * Sources are configured otherwise from now on: one that is new is begun, one that is changed ends what it has in hand and
   * begins anew, one that is removed is ended when nothing of it is queued any more. No other is touched.
   * @throws ConnectorError LANES_CHANGED
   */
  reconfigure(sources: readonly DeliverySettings[]): Promise<void>;
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

/** How soon a source that is paused elsewhere is here. */
const PAUSED_LOOK_MS = 1_000;
/** Beside what a request may take: to write down what became of it. */
const REQUEST_MARGIN_MS = 2_000;
/** How often it is looked whether a removed source has nothing queued any more. */
const EMPTY_LOOK_MS = 1_000;
/** After the grace and the cut of requests, to give the jobs back. Then Redis itself must be away. */
const FORCE_AFTER = { share: 0.25, leastMs: 1_000, mostMs: 3_000 };

class QueueDelivery implements Delivery {
  readonly #options: DeliveryOptions;
  readonly #clock: Clock;
  readonly #observer: DeliveryObserver;
  readonly #prefix: string;
  readonly #sources = new Map<string, SourceDelivery>();
  /** Removed, and not empty yet. */
  readonly #leaving = new Map<string, SourceDelivery>();
  readonly #turns = new Turns();
  readonly #ending = new AbortController();
  #client: RedisClient | null = null;
  #published: PublishedGuests | null = null;
  #paused: ReadonlySet<string> = new Set();
  #watching: Promise<void> | null = null;
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

  reconfigure(sources: readonly DeliverySettings[]): Promise<void> {
    return this.#turns.run(async () => this.#reconfigure(sources));
  }

  stopped(): readonly { readonly source: string; readonly code: string; readonly detail: string }[] {
    return [...this.#sources].flatMap(([source, { stopped }]) =>
      stopped === null ? [] : [{ source, ...stopped }],
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
    // Not before it is known: what a paused source would be sent cannot be taken back.
    await this.#patiently(async () => this.#learnPauses(client));
    this.#watching = this.#watchPauses();
    for (const settings of this.#options.sources) await this.#open(settings);
  }

  async #watchPauses(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      await this.#clock.sleep(PAUSED_LOOK_MS, this.#ending.signal);
      await this.#lookAtPauses();
    }
  }

  /** A Redis that does not answer, or was emptied, says nothing: what was known holds. */
  async #lookAtPauses(): Promise<void> {
    const client = this.#client;
    if (client === null || this.#ending.signal.aborted) return;
    try {
      await this.#learnPauses(client);
    } catch {
      // Whoever delivers notices that Redis is away, and says so.
    }
  }

  async #learnPauses(client: RedisClient): Promise<void> {
    const paused = await readPaused(client, this.#prefix);
    if (paused === null) return;
    this.#paused = new Set(paused.keys());
    for (const [name, source] of [...this.#sources, ...this.#leaving])
      source.setPaused(this.#paused.has(name));
  }

  async #reconfigure(wanted: readonly DeliverySettings[]): Promise<void> {
    await this.#starting;
    const names = new Set(wanted.map(({ name }) => name));
    for (const [name, source] of this.#sources) {
      if (names.has(name)) continue;
      this.#sources.delete(name);
      this.#endWhenEmpty(source).catch((error: unknown) => this.#observer.connectionError?.(toError(error)));
    }
    await Promise.all(
      wanted.map(async (settings) => {
        const { name } = settings;
        const held = this.#sources.get(name) ?? this.#leaving.get(name);
        if (held !== undefined && this.#sources.has(name) && isDeepStrictEqual(held.settings, settings))
          return;
        this.#leaving.delete(name);
        if (held !== undefined) await this.#end(held);
        await this.#open(settings);
      }),
    );
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

  #suppressionCheck(client: RedisClient, source: string): SuppressionCheck {
    const { listed, needsPublishedList: needsPublished = false } = this.#options;
    this.#published ??= new PublishedGuests(client, this.#prefix);
    const options = { client, prefix: this.#prefix, source, published: this.#published, needsPublished };
    return new SuppressionCheck(listed === undefined ? options : { ...options, listed });
  }

  async #open(settings: DeliverySettings): Promise<void> {
    const client = this.#client;
    if (client === null) throw new RangeError('delivery was not started');
    const { onlyLane, createClient: given, readers } = this.#options;
    if (onlyLane === undefined) {
      await this.#patiently(async () => claimLanes(client, this.#prefix, settings.name, settings.lanes));
    }
    const check = this.#suppressionCheck(client, settings.name);
    const waiting = (): void => this.#observer.awaitsList?.(settings.name);
    await this.#patiently(async () => check.untilKnown(this.#clock, this.#ending.signal, waiting));
    if (this.#ending.signal.aborted) return;
    const source = new SourceDelivery({
      settings,
      suppressedAmong: async (guestIds) => check.among(guestIds),
      lanes: this.#lanesOf(settings),
      client,
      prefix: this.#prefix,
      clock: this.#clock,
      observer: this.#observer,
      probeIntervalMs: this.#options.probeIntervalMs ?? 60_000,
      timing: this.#options.timing ?? DEFAULT_LOCK_TIMING,
      createClient: given ?? createClient,
      ...(readers === undefined ? {} : { readers }),
    });
    source.setPaused(this.#paused.has(settings.name));
    this.#sources.set(settings.name, source);
    for (const worker of source.workers) await this.#patiently(async () => worker.start());
  }

  /** Ends it within the time that a request may take, so that none is cut whose arrival would not be known. */
  async #end(source: SourceDelivery): Promise<void> {
    await source.close(source.settings.requestTimeoutMs + REQUEST_MARGIN_MS);
    this.#observer.closed?.(source.settings.name);
  }

  /** What is queued of a source that was removed goes on being delivered, for as long as this process runs. */
  async #endWhenEmpty(source: SourceDelivery): Promise<void> {
    const { name } = source.settings;
    const { signal } = this.#ending;
    this.#leaving.set(name, source);
    while (!signal.aborted && this.#leaving.get(name) === source) {
      const isEmpty = await source.isEmpty().catch(() => false);
      if (isEmpty) {
        this.#leaving.delete(name);
        await this.#end(source);
        return;
      }
      await this.#clock.sleep(EMPTY_LOOK_MS, signal);
    }
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
    const closing = Promise.all(this.#all().map(async (source) => source.close(graceMs)));
    const [ends] = await Promise.all([closing, this.#watching]);
    clearTimeout(force);
    if (client !== null) await closeRedis(client);
    return ends.includes('cut-short') ? 'cut-short' : 'drained';
  }

  #all(): readonly SourceDelivery[] {
    return [...this.#sources.values(), ...this.#leaving.values()];
  }

  #workers(): readonly LaneWorker[] {
    return this.#all().flatMap(({ workers }) => workers);
  }
}
