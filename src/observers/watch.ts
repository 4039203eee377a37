import type { CaptureObserver, CapturePositions } from '../capture/observer.js';
import { budgetsOf, pausedSources, present, queueSources, type Config } from '../config/config.js';
import type { Role } from '../config/option.js';
import type { DeliveryObserver } from '../delivery/observer.js';
import type { Clock } from '../lifecycle/clock.js';
import type { HealthState } from '../observability/health.js';
import type { Metrics } from '../observability/metrics.js';
import { unreadyReasons, type ReadinessLimits } from '../observability/readiness.js';
import { closeKnex, openKnex } from '../postgres/connection.js';
import { claimLanes } from '../queue/lanes.js';
import type { QueueObserver } from '../queue/observer.js';
import { closeRedis, connectRedis, type RedisClient } from '../queue/redis.js';
import { QueueStatusReader } from '../queue/status.js';
import type { ReplaySlotReport } from '../replay/trailing-task.js';
import { combine } from './combine.js';
import { deliveryNotes } from './delivery-notes.js';
import { FloorWatch } from './floor-watch.js';
import { readQueueGauges } from './queue-gauges.js';
import { RedisPulse } from './redis-pulse.js';
import { VitalSigns } from './vital-signs.js';

export interface WatchOptions {
  readonly config: Config;
  readonly role: Role;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly limits: ReadinessLimits;
}

/** Of the look at the floor; a look that takes longer is given up. */
const STATEMENT_TIMEOUT_MS = 3_000;
const CLOSE_GRACE_MS = 500;

/**
 * Watches how the process and its servers do, on connections of its own: what it sees becomes readiness, the gauges that are
 * read on scrape, and the notes that `paytronix-segment status` finds in Redis.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #client: RedisClient;
  readonly #reader: QueueStatusReader;
  readonly #pulse: RedisPulse;
  readonly #signs: VitalSigns;
  readonly #ending = new AbortController();
  readonly #beating: Promise<void>;
  readonly #closeDatabase: () => Promise<void>;
  #replaySlot: ReplaySlotReport | null = null;
  readonly #parked = new Set<string>();
  readonly #held = new Set<string>();
  #budgets: ReadonlyMap<string, number>;
  #pausedByFile: ReadonlySet<string>;

  readonly capture: CaptureObserver;
  readonly queue: QueueObserver;
  readonly delivery: DeliveryObserver;

  constructor(options: WatchOptions) {
    this.#options = options;
    const { config, role, clock, metrics } = options;
    const { prefix } = config.queue;
    const redis = present(config.redis, 'Redis');
    const sources = queueSources(config.sources);
    this.#budgets = budgetsOf(config.sources);
    this.#pausedByFile = pausedSources(config.sources);
    // Its errors are those of every other connection, which are counted and logged already.
    const onError = (): void => undefined;
    this.#client = connectRedis({
      settings: redis,
      use: 'producer',
      name: 'paytronix-segment-watch',
      onError,
    });
    this.#reader = new QueueStatusReader({ redis, sources, prefix, onError });
    this.#pulse = new RedisPulse(this.#client, clock);
    this.#signs = new VitalSigns(clock);
    this.capture = combine(this.#signs.capture, {
      replaySlot: (report: ReplaySlotReport) => {
        this.#replaySlot = report;
      },
      parked: (source: string, parked: boolean) => {
        if (parked) this.#parked.add(source);
        else this.#parked.delete(source);
      },
    });
    this.queue = this.#signs.queue;
    this.delivery = combine(this.#signs.delivery, deliveryNotes({ client: this.#client, prefix, clock }), {
      held: (source: string, held: boolean) => {
        if (held) this.#held.add(source);
        else this.#held.delete(source);
      },
      closed: (source: string) => void this.#held.delete(source),
    });
    if (role !== 'capture') metrics.beforeScrape(() => readQueueGauges(metrics, this.#reader, clock));
    this.#closeDatabase = role === 'deliver' ? () => Promise.resolve() : this.#watchFloor();
    this.#beating = this.#pulse.run(this.#ending.signal);
  }

  /** @param seen what the composition root knows and nobody else. */
  health(seen: {
    readonly failure: string | null;
    readonly delivery: 'starting' | 'running' | null;
    readonly positions: CapturePositions | null;
    /** Further words of what is not as it should be, and keeps nothing from working. */
    readonly more: readonly string[];
  }): HealthState {
    const { role, clock, limits } = this.#options;
    const { failure, delivery, positions, more } = seen;
    const vitals = this.#signs.vitals({
      failure,
      delivery,
      capture: role === 'deliver' ? null : { positions },
      redisAnsweredAtMs: this.#pulse.answeredAtMs,
    });
    const reasons = unreadyReasons(vitals, limits, clock.now());
    const degraded = [
      ...replaySlotWords(this.#replaySlot),
      ...[...this.#parked].map((source) => `degraded: source ${source} is parked, past its queue budget`),
      ...[...this.#held].map((source) => `degraded: source ${source} is paused`),
    ];
    return {
      live: failure === null,
      ready: reasons.length === 0,
      reasons: [...reasons, ...degraded, ...more],
      facts: {
        role,
        capture: this.#signs.captureState,
        openSinceMs: vitals.openSinceMs,
        redisAnsweredAtMs: vitals.redisAnsweredAtMs,
      },
    };
  }

  /**
   * Of all sources, before anything relies on them.
   * @throws ConnectorError LANES_CHANGED; Redis' own error while it does not answer
   */
  async claimLanes({ queue, sources }: Config): Promise<void> {
    for (const { name, lanes } of queueSources(sources)) {
      await claimLanes(this.#client, queue.prefix, name, lanes);
    }
  }

  /** Other sources are watched from now on. */
  async reconfigure(config: Config): Promise<void> {
    this.#budgets = budgetsOf(config.sources);
    this.#pausedByFile = pausedSources(config.sources);
    await this.#reader.reconfigure(queueSources(config.sources));
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#closeDatabase();
    await this.#reader.close();
    await closeRedis(this.#client);
    await this.#beating;
  }

  /** Returns what closes its connection. */
  #watchFloor(): () => Promise<void> {
    const { config, clock, metrics } = this.#options;
    const knex = openKnex({
      ...present(config.postgres, 'database'),
      applicationName: 'paytronix-segment-watch',
      poolSize: 1,
      connectTimeoutMs: STATEMENT_TIMEOUT_MS,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
    const floor = new FloorWatch({
      knex,
      slotName: config.capture.slotName,
      queue: this.#reader,
      budgets: () => this.#budgets,
      pausedByFile: () => this.#pausedByFile,
      clock,
    });
    metrics.beforeScrape(() => floor.read(metrics));
    return () => closeKnex(knex, CLOSE_GRACE_MS);
  }
}

/** The connector does its work all the same: degraded, not unready. */
function replaySlotWords(report: ReplaySlotReport | null): string[] {
  switch (report?.degraded) {
    case undefined:
    case null:
      return [];
    case 'missing':
      return ['degraded: there is no replay slot; the next start makes one'];
    case 'dropped':
      return ['degraded: the replay slot held too much WAL and was dropped; the next start makes a new one'];
    case 'lost':
      return ['degraded: the server gave up the replay slot; the next start makes a new one'];
    case 'held-back':
      return ['degraded: one long open transaction holds the replay slot back'];
  }
}
