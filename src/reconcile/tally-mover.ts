import type { Knex } from 'knex';
import { toError } from '../errors/connector-error.js';
import { Backoff } from '../lifecycle/backoff.js';
import type { Clock } from '../lifecycle/clock.js';
import { failpoint } from '../lifecycle/failpoint.js';
import type { Logger } from '../observability/logger.js';
import type { TallyBox } from '../queue/tally-box.js';
import { addTallies, beginTallies, lockTallies } from './tally-store.js';

export interface TallyMoverOptions {
  readonly knex: Knex;
  readonly source: string;
  readonly slotName: string;
  readonly box: TallyBox;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default 2,000. */
  readonly intervalMs?: number;
  /** Called between the hand-overs, where a crash must do no harm: for tests. */
  readonly failpoint?: (at: 'frozen' | 'committed') => void;
}

/**
 * Moves what deliveries counted from Redis into PostgreSQL, each batch exactly once whoever crashes where, and with any
 * number of movers: a batch is set aside in Redis and added in one transaction that holds the source's row and stores the
 * batch's name; only then does Redis drop it. A batch whose name is the stored one has been added already.
 */
export class TallyMover {
  readonly #options: TallyMoverOptions;

  constructor(options: TallyMoverOptions) {
    this.#options = options;
  }

  /** Moves every few seconds until the signal aborts, then once more. While a server is away the tallies wait in Redis. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, source, intervalMs = 2_000 } = this.#options;
    const backoff = new Backoff({ initialMs: intervalMs, maxMs: 60_000 });
    for (;;) {
      const last = signal.aborted;
      let waitMs = intervalMs;
      try {
        await this.move();
        backoff.reset();
      } catch (error) {
        waitMs = backoff.nextMs();
        logger[backoff.logLevel](
          { source, err: toError(error) },
          'what was delivered could not be counted; trying again',
        );
      }
      if (last) return;
      await clock.sleep(waitMs, signal);
    }
  }

  /** Before capture starts, see `beginTallies`. @throws ConnectorError DATABASE_… */
  async begin(): Promise<void> {
    const { knex, source, slotName } = this.#options;
    await beginTallies(knex, source, slotName);
  }

  /** Moves what there is. @throws ConnectorError DATABASE_…, Redis' own error when it does not answer */
  async move(): Promise<void> {
    const { box } = this.#options;
    if ((await box.read()).length === 0) return;
    await this.begin();
    const id = await this.#add();
    this.#options.failpoint?.('committed');
    if (id !== null) failpoint('tallies-moved');
    if (id !== null) await box.drop(id);
  }

  /**
   * Moves until PostgreSQL has everything that was counted when this was called: a batch that somebody set aside and left
   * goes first. @throws as `move`
   */
  async settle(): Promise<void> {
    const { box } = this.#options;
    const waiting = new Set((await box.read()).map(({ id }) => id));
    while ((await box.read()).some(({ id }) => waiting.has(id))) await this.move();
  }

  async #add(): Promise<string | null> {
    const { knex, box, source } = this.#options;
    return knex.transaction(async (transaction) => {
      const added = await lockTallies(transaction, source);
      // Only now: a batch seen before the row was ours may have been added and dropped meanwhile.
      const batch = await box.freeze();
      this.#options.failpoint?.('frozen');
      if (batch === null) return null;
      failpoint('tallies-frozen');
      if (batch.id !== added) await addTallies(transaction, source, batch);
      return batch.id;
    });
  }
}
