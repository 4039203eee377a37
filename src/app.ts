import { captureService, type CaptureService } from './capture/service.js';
import type { CaptureObserver } from './capture/observer.js';
import { present, type Config } from './config/config.js';
import type { Role } from './config/option.js';
import type { DeliverySettings } from './config/source.js';
import { createDelivery, type Delivery } from './delivery/delivery.js';
import type { DeliveryObserver } from './delivery/observer.js';
import { toError } from './errors/connector-error.js';
import { toldMessage } from './errors/told.js';
import type { Clock } from './lifecycle/clock.js';
import type { DrainEnd } from './lifecycle/shutdown.js';
import { ReleaseStack } from './lifecycle/stack.js';
import type { Service } from './lifecycle/supervise.js';
import { Turns } from './lifecycle/turns.js';
import { openMapping } from './mapping/open-mapping.js';
import { combine } from './observers/combine.js';
import { listLog, listMetrics, listWords } from './observers/list-observers.js';
import { deliveryMetrics } from './observers/delivery-metrics.js';
import type { HealthState } from './observability/health.js';
import { startProbeServer, type ProbeServer } from './observability/http.js';
import type { Logger } from './observability/logger.js';
import { createMetrics, type Metrics } from './observability/metrics.js';
import { READINESS_LIMITS, type ReadinessLimits } from './observability/readiness.js';
import { captureLog, deliveryLog, queueLog } from './observers/pipeline-log.js';
import { captureMetrics, queueMetrics, setPositions } from './observers/pipeline-metrics.js';
import { Watch } from './observers/watch.js';
import { createEventSink } from './queue/event-sink.js';
import type { QueueObserver } from './queue/observer.js';
import { TallyServices } from './reconcile/tally-services.js';
import { configuredList, type ConfiguredList } from './suppression/configured-list.js';

export interface ConnectorDependencies {
  readonly logger: Logger;
  readonly role: Role;
  readonly clock: Clock;
  /** For tests, which cannot wait for minutes. Defaults: READINESS_LIMITS, and a minute between two probes. */
  readonly limits?: Partial<ReadinessLimits>;
  readonly probeIntervalMs?: number;
  /** Told of everything beside logs and metrics: the demo's screen and tests listen here. */
  readonly observers?: {
    readonly capture?: CaptureObserver;
    readonly queue?: QueueObserver;
    readonly delivery?: DeliveryObserver;
  };
}

/**
 * Shares of the shutdown's grace. Capture and delivery drain side by side; what is in hand after its share is let go of,
 * and the rest of the grace is for closing: a job is given back to its lane before the process is ended by force.
 */
const GRACE_SHARE = { capture: 0.4, delivery: 0.6 };

/**
 * The composition root: builds what the role needs, starts it in the order in which it is needed and stops it in reverse.
 * Capture and delivery meet only in Redis.
 */
export class Connector implements Service {
  #config: Config;
  readonly #deps: ConnectorDependencies;
  readonly #metrics: Metrics = createMetrics();
  readonly #releases: ReleaseStack;
  readonly #failed: Promise<Error>;
  #reportFailure: (error: Error) => void = () => undefined;
  #failure: Error | null = null;
  readonly #turns = new Turns();
  #tallies: TallyServices | null = null;
  #watch: Watch | null = null;
  #list: ConfiguredList | null = null;
  #capture: CaptureService | null = null;
  #delivery: Delivery | null = null;
  #delivering = false;
  #probes: ProbeServer | null = null;
  #starting: Promise<void> | null = null;
  #stopping: Promise<DrainEnd> | null = null;
  #drain: DrainEnd = 'drained';

  constructor(config: Config, deps: ConnectorDependencies) {
    this.#config = config;
    this.#deps = deps;
    this.#failed = new Promise((resolve) => {
      this.#reportFailure = resolve;
    });
    this.#releases = new ReleaseStack({
      onFailure: (name, error) => deps.logger.error({ what: name, err: error }, 'release failed'),
    });
  }

  /** Resolves with what ended it; stays pending while all is well. */
  get failed(): Promise<Error> {
    return this.#failed;
  }

  /** Where the probes and metrics are served; null before the start. */
  get address(): { readonly host: string; readonly port: number } | null {
    return this.#probes;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      if (this.#stopping === null) throw error;
      // What had not begun by then ends with it, and the next start meets anything else again.
      this.#deps.logger.info({ err: error }, 'the start was ended by the shutdown');
    });
    return this.#starting;
  }

  /**
   * The sources are configured otherwise from now on; everything else stays as it is. Resolves when that is in force. Each step
   * may be repeated, so a change that failed is brought into force by the next call.
   * @throws ConnectorError LANES_CHANGED, and Redis' own error while it does not answer: nothing was changed then
   */
  reconfigure(config: Config): Promise<void> {
    return this.#turns.run(async () => this.#reconfigure(config));
  }

  /** Drains: what was taken is queued and confirmed, requests in flight end, the job in hand goes back to its lane. */
  stop(): Promise<DrainEnd> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  health(): HealthState {
    const failure = this.#failure === null ? null : toldMessage(this.#failure);
    const watch = this.#watch;
    if (watch === null) return { live: failure === null, ready: false, reasons: ['starting'], facts: {} };
    const delivery = this.#deps.role === 'capture' ? null : this.#delivering ? 'running' : 'starting';
    return watch.health({
      failure,
      delivery,
      positions: this.#capture?.positions ?? null,
      more: (this.#list?.problems ?? []).map(listWords),
    });
  }

  async #start(): Promise<void> {
    const { http } = this.#config;
    const { logger, role, clock, limits } = this.#deps;
    const watched = { config: this.#config, metrics: this.#metrics, role, clock };
    const watch = await this.#releases.acquire(
      'watch',
      () => new Watch({ ...watched, limits: { ...READINESS_LIMITS, ...limits } }),
      (acquired) => acquired.close(),
    );
    this.#watch = watch;
    this.#probes = await this.#releases.acquire(
      'http server',
      () =>
        startProbeServer({
          host: http.host,
          port: http.port,
          health: () => this.health(),
          metrics: () => this.#metrics.render(),
          logger,
        }),
      (server) => server.close(),
    );
    if (this.#stopping === null) await this.#readList();
    // Released after delivery, whose last deliveries it still moves.
    const tallies = role === 'deliver' ? null : this.#openTallies();
    if (tallies !== null) this.#releases.defer('tallies', async () => tallies.stop());
    this.#tallies = tallies;
    const counting = tallies?.open(namesOf(this.#config));
    if (role !== 'capture' && this.#stopping === null) await this.#startDelivery(watch);
    if (this.#stopping === null) await counting?.begin();
    if (tallies !== null && this.#stopping === null) this.#startCapture(watch, tallies);
  }

  /** Before anything is queued or sent. @throws ConnectorError SUPPRESSION_UNREADABLE */
  async #readList(): Promise<void> {
    const { suppression: settings, postgres } = this.#config;
    const { clock, logger, role } = this.#deps;
    const list = configuredList({
      settings,
      postgres: role === 'deliver' ? null : postgres,
      clock,
      observer: combine(listLog(logger), listMetrics(this.#metrics)),
    });
    if (list === null) return;
    this.#list = list;
    this.#releases.defer('suppression list', () => list.close());
    await list.begin({ patiently: true, onFailed: (error) => this.#fail(error) });
  }

  async #reconfigure(config: Config): Promise<void> {
    await this.#starting;
    if (this.#stopping !== null) return;
    await this.#watch?.claimLanes(config);
    this.#config = config;
    await this.#tallies?.open(namesOf(config)).begin();
    await this.#watch?.reconfigure(config);
    // Before capture, which may wait for just what is changed here.
    await this.#delivery?.reconfigure(deliveriesOf(config));
    await this.#capture?.reconfigure(config.sources);
  }

  #openTallies(): TallyServices {
    const { redis, postgres, capture, queue } = this.#config;
    if (redis === null || postgres === null) throw new RangeError('capture needs postgres and redis');
    const { clock, logger } = this.#deps;
    const database = { url: postgres.url, tls: postgres.tls };
    const { slotName } = capture;
    return new TallyServices({ database, redis, prefix: queue.prefix, slotName, clock, logger });
  }

  async #startDelivery(watch: Watch): Promise<void> {
    const { redis, queue, suppression } = this.#config;
    if (redis === null) throw new RangeError('delivery needs redis');
    const { clock, logger, observers, probeIntervalMs, role } = this.#deps;
    const delivery = createDelivery({
      sources: deliveriesOf(this.#config),
      redis,
      prefix: queue.prefix,
      clock,
      ...(this.#list === null ? {} : { listed: this.#list }),
      needsPublishedList: role === 'deliver' && suppression.table !== null,
      ...(probeIntervalMs === undefined ? {} : { probeIntervalMs }),
      observer: combine(
        deliveryMetrics(this.#metrics),
        deliveryLog(logger),
        watch.delivery,
        observers?.delivery ?? {},
      ),
    });
    this.#delivery = delivery;
    this.#releases.defer('delivery', () => this.#drainDelivery());
    await delivery.start();
    this.#delivering = true;
  }

  /** Shared when called again. */
  async #drainDelivery(): Promise<void> {
    const graceMs = this.#config.shutdownGraceMs * GRACE_SHARE.delivery;
    if ((await this.#delivery?.close({ graceMs })) === 'cut-short') this.#drain = 'cut-short';
  }

  #startCapture(watch: Watch, tallies: TallyServices): void {
    const { redis, postgres, capture: settings, queue, sources } = this.#config;
    if (redis === null || postgres === null) throw new RangeError('capture needs postgres and redis');
    const { clock, logger, observers } = this.#deps;
    const listed = this.#list === null ? {} : { listed: this.#list };
    const stop = new AbortController();
    const force = new AbortController();
    const service = captureService({
      database: { url: postgres.url, tls: postgres.tls },
      settings,
      sources,
      openMapping: (knex) => openMapping(knex, this.#config.mapping),
      logger,
      clock,
      observer: combine(
        captureMetrics(this.#metrics),
        captureLog(logger),
        watch.capture,
        observers?.capture ?? {},
      ),
      counted: async () => tallies.settle(),
      ...listed,
      onUnreadableNumber: () => this.#metrics.unreadableNumbers.inc(),
      openSink: ({ park, sources: taking }) =>
        createEventSink({
          park,
          redis,
          sources: taking,
          prefix: queue.prefix,
          ...listed,
          clock,
          observer: combine(
            queueMetrics(this.#metrics),
            queueLog(logger),
            watch.queue,
            observers?.queue ?? {},
          ),
        }),
    });
    this.#capture = service;
    this.#metrics.beforeScrape(async () => setPositions(this.#metrics, service.positions, clock.now()));
    const running = service.run(stop.signal, force.signal);
    running.catch((error: unknown) => {
      if (this.#stopping === null) this.#fail(toError(error));
    });
    this.#releases.defer('capture', async () => {
      stop.abort();
      // Beside it: a server that keeps capture from ending must not take the time that delivery needs. Its failure is
      // reported at its own turn.
      this.#drainDelivery().catch(() => undefined);
      const cut = setTimeout(() => {
        this.#drain = 'cut-short';
        force.abort();
      }, this.#config.shutdownGraceMs * GRACE_SHARE.capture);
      const end = await running.then(
        () => null,
        (error: unknown) => toError(error),
      );
      clearTimeout(cut);
      // A failure before that has ended the connector, and was told as what ended it.
      if (end === null || this.#failure !== null) return;
      this.#drain = 'cut-short';
      logger.warn({ err: end }, 'capture could not drain; the next start takes up what it could not confirm');
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#reportFailure(error);
  }

  async #stop(): Promise<DrainEnd> {
    // Not after the start: it may be waiting for a Redis that is away, and closing is what ends that wait.
    await this.#releases.releaseAll();
    await this.#starting?.catch(() => undefined);
    return this.#drain;
  }
}

function namesOf({ sources }: Config): readonly string[] {
  return sources.map(({ settings }) => settings.name);
}

function deliveriesOf({ sources }: Config): readonly DeliverySettings[] {
  return sources.map(({ delivery }) => present(delivery, 'Segment source'));
}

export function createConnector(config: Config, deps: ConnectorDependencies): Connector {
  return new Connector(config, deps);
}
