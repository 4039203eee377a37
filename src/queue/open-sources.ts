import type { Lsn } from '../postgres/lsn.js';
import { claimLanes } from './lanes.js';
import { DEFAULT_LINGER } from './nagle.js';
import type { PatientRedis } from './patient-redis.js';
import type { EventSinkOptions, SinkSource } from './queue-sink.js';
import type { LaneProducer } from './lane-producer.js';
import { SourceLanes, type SourceLanesOptions } from './source-lanes.js';

export const DEFAULT_POLL_MS = 500;
const DEFAULT_BUDGET_BYTES = 1024 ** 3;

/** A source that was delivered something so recently is taken by Segment. */
const DELIVERS_WITHIN_MS = 60_000;
const STANDS_STILL_MS = 10_000;

export interface OpenSourcesOptions
  extends
    Pick<EventSinkOptions, 'sideLane' | 'linger' | 'pollMs' | 'queueBudgetBytes' | 'park' | 'listed'>,
    Pick<
      SourceLanesOptions,
      'account' | 'writer' | 'prefix' | 'clock' | 'observer' | 'signal' | 'guard' | 'onFatal'
    > {
  readonly redis: PatientRedis;
}

/** The sources that a sink holds open, by name. */
export class OpenSources {
  readonly #options: OpenSourcesOptions;
  readonly #sources = new Map<string, SourceLanes>();
  #fullSinceMs: number | null = null;

  constructor(options: OpenSourcesOptions) {
    this.#options = options;
  }

  get all(): readonly SourceLanes[] {
    return [...this.#sources.values()];
  }

  get lanes(): readonly LaneProducer[] {
    return this.all.flatMap(({ lanes }) => lanes);
  }

  /** @throws RangeError for a name that is not open */
  named(name: string): SourceLanes {
    const source = this.#sources.get(name);
    if (source === undefined) throw new RangeError(`unknown source ${name}, or not started`);
    return source;
  }

  /** Takes the source's lanes over. @throws ConnectorError LANES_CHANGED */
  async open(given: SinkSource, trustUpTo: Lsn | null): Promise<void> {
    const { redis, prefix, sideLane, linger, pollMs, queueBudgetBytes, park } = this.#options;
    const { name, lanes } = given;
    const { client } = redis;
    if (sideLane === undefined) await redis.run(async () => claimLanes(client, prefix, name, lanes));
    const source = new SourceLanes({
      ...this.#options,
      name,
      lanes: sideLane === undefined ? [...Array(lanes).keys()] : [sideLane],
      budgetBytes: given.budgetBytes ?? queueBudgetBytes ?? DEFAULT_BUDGET_BYTES,
      client,
      linger: linger ?? DEFAULT_LINGER,
      pollMs: pollMs ?? DEFAULT_POLL_MS,
      parking: park === undefined ? null : { park, wanted: (asking) => this.#holdsUpOthers(asking) },
    });
    const marksSkip = sideLane === undefined;
    for (const lane of source.lanes) await redis.run(async () => lane.take({ trustUpTo, marksSkip }));
    this.#sources.set(name, source);
  }

  /** Of a source that was released. */
  async forget(name: string): Promise<void> {
    const source = this.named(name);
    this.#sources.delete(name);
    await source.close();
  }

  async close(): Promise<void> {
    for (const source of this.all) await source.close();
  }

  /**
   * Whether another source would be delivered more, could capture go on. Where none would (Segment is away for all of them),
   * the WAL is the better buffer: it needs nothing to be brought again.
   */
  #holdsUpOthers(asking: SourceLanes): boolean {
    const { clock, account } = this.#options;
    const nowMs = clock.now();
    if (!account.isFull) this.#fullSinceMs = null;
    else this.#fullSinceMs ??= nowMs;
    // One that has nothing to deliver says nothing until capture has really stood still for a while.
    const stands = this.#fullSinceMs !== null && nowMs - this.#fullSinceMs >= STANDS_STILL_MS;
    return this.all.some(
      (source) =>
        source !== asking &&
        source.standing !== 'released' &&
        !source.overBudget &&
        (nowMs - source.deliveredAtMs < DELIVERS_WITHIN_MS || (stands && source.isIdle)),
    );
  }
}
