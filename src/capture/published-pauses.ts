import type { Knex } from 'knex';
import type { Clock } from '../lifecycle/clock.js';
import type { Logger } from '../observability/logger.js';
import { readSources } from '../postgres/source-store.js';
import type { QueueSink } from '../queue/queue-sink.js';

export interface PublishedPausesOptions {
  readonly knex: Knex;
  readonly slotName: string;
  readonly sink: Pick<QueueSink, 'paused' | 'setPaused'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default 2,000. */
  readonly lookEveryMs?: number;
}

/**
 * Keeps Redis, where delivery looks, as the database has it: which sources are paused. Redis may have lost it, or have been away
 * when it was changed. Only what differs at two looks is written, so that a command that is just writing both is not undone.
 */
export class PublishedPauses {
  readonly #options: PublishedPausesOptions;
  #differed: ReadonlyMap<string, number | null> = new Map();

  constructor(options: PublishedPausesOptions) {
    this.#options = options;
  }

  /** Before anything is queued: a Redis that was emptied must not let a paused source go. */
  async begin(): Promise<void> {
    for (const [source, sinceMs] of await this.#differences()) {
      if (sinceMs !== null) await this.#options.sink.setPaused(source, sinceMs);
    }
  }

  /** Until the signal aborts. While a server is away nothing is known, and the next look asks again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, lookEveryMs = 2_000 } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(lookEveryMs, signal);
      if (signal.aborted) return;
      try {
        await this.#look();
      } catch (error) {
        logger.debug({ err: error }, 'which sources are paused could not be compared; trying again');
      }
    }
  }

  async #look(): Promise<void> {
    const differences = await this.#differences();
    for (const [source, sinceMs] of differences) {
      if (this.#differed.has(source) && this.#differed.get(source) === sinceMs) {
        await this.#options.sink.setPaused(source, sinceMs);
      }
    }
    this.#differed = differences;
  }

  /** What Redis should hold and does not; null: that it is not paused. */
  async #differences(): Promise<ReadonlyMap<string, number | null>> {
    const { knex, slotName, sink } = this.#options;
    const wanted = new Map(
      [...(await readSources(knex, slotName)).values()].flatMap(({ source, pausedAtUs }) =>
        pausedAtUs === null ? [] : [[source, Math.floor(pausedAtUs / 1_000)] as const],
      ),
    );
    const held = await sink.paused();
    const differences = new Map<string, number | null>();
    for (const [source, sinceMs] of wanted) if (!held.has(source)) differences.set(source, sinceMs);
    for (const source of held.keys()) if (!wanted.has(source)) differences.set(source, null);
    return differences;
  }
}
