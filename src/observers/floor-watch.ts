import type { Knex } from 'knex';
import type { Clock } from '../lifecycle/clock.js';
import type { Metrics } from '../observability/metrics.js';
import type { QueueStatusReader } from '../queue/status.js';
import { FLOOR_HOLDERS, whoHoldsTheFloor } from '../status/floor.js';
import { readStatus } from '../status/status.js';

export interface FloorWatchOptions {
  readonly knex: Knex;
  readonly slotName: string;
  readonly queue: QueueStatusReader;
  readonly budgets: () => ReadonlyMap<string, number>;
  readonly pausedByFile: () => ReadonlySet<string>;
  readonly clock: Clock;
}

/** Below the time a scrape waits, so that a server that does not answer is named and not the last culprit again. */
const TIMEOUT_MS = 1_500;

/** Who holds the floor, asked as `paytronix-segment status` asks, when metrics are scraped. */
export class FloorWatch {
  readonly #options: FloorWatchOptions;
  #reading: Promise<void> | null = null;

  constructor(options: FloorWatchOptions) {
    this.#options = options;
  }

  /** Scrapes that overlap share one look. */
  read(metrics: Metrics): Promise<void> {
    this.#reading ??= this.#read(metrics).finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #read(metrics: Metrics): Promise<void> {
    const { budgets, pausedByFile, ...places } = this.#options;
    const held = { budgets: budgets(), pausedByFile: pausedByFile() };
    const { heldBy } = whoHoldsTheFloor(await readStatus({ ...places, ...held, timeoutMs: TIMEOUT_MS }));
    for (const holder of FLOOR_HOLDERS) metrics.floorHeld.set({ by: holder }, holder === heldBy ? 1 : 0);
  }
}
