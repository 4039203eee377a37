import type pg from 'pg';

import type { Clock } from '../../lifecycle/clock.js';

/** One open database transaction, as an act sees it. */
export interface Tx {
  /** Runs one statement, prepared once per connection, and gives its rows. Texts must be constants. */
  run<R extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<R[]>;
}

export interface WriterOptions {
  readonly pool: pg.Pool;
  readonly clock: Clock;
  /** Commits (and roll-backs) a second at most; null = as fast as the server takes them. */
  readonly ratePerSecond: number | null;
  /** Acts that wait for their turn stop waiting when it aborts. */
  readonly signal: AbortSignal;
}

/** Thrown to an act that would begin a transaction after the run was stopped. */
export class RunStopped extends Error {
  override readonly name = 'RunStopped';
}

/** Names of prepared statements, the same for every writer: connections outlive the writer that prepared on them. */
const statementNames = new Map<string, string>();

/** How far the pace may fall behind before the lost time is forgotten instead of caught up with a burst. */
const MAX_CATCH_UP_MS = 100;

/** Hands out paced database transactions. One per call; several at once, each on a connection of its own. */
export class Writer {
  readonly #options: WriterOptions;
  #nextSlotMs = 0;
  #commits = 0;
  #rollbacks = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  get commits(): number {
    return this.#commits;
  }

  get rollbacks(): number {
    return this.#rollbacks;
  }

  /** @throws RunStopped before anything is written when the run was stopped. */
  async commit<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const result = await this.#transact(work, 'COMMIT');
    this.#commits += 1;
    return result;
  }

  /** Does the work and takes it all back: nothing of it may ever be seen. */
  async rollBack(work: (tx: Tx) => Promise<unknown>): Promise<void> {
    await this.#transact(work, 'ROLLBACK');
    this.#rollbacks += 1;
  }

  async #transact<T>(work: (tx: Tx) => Promise<T>, ending: 'COMMIT' | 'ROLLBACK'): Promise<T> {
    await this.#turn();
    const client = await this.#options.pool.connect();
    let broken = false;
    try {
      await client.query('BEGIN');
      const result = await work({ run: (text, values) => run(client, text, values) });
      await client.query(ending);
      return result;
    } catch (error) {
      // Not given back to the pool: an open, failed transaction must not become the next act's.
      broken = true;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #turn(): Promise<void> {
    const { clock, ratePerSecond, signal } = this.#options;
    if (ratePerSecond !== null) {
      const nowMs = clock.now();
      const slotMs = Math.max(this.#nextSlotMs, nowMs - MAX_CATCH_UP_MS);
      this.#nextSlotMs = slotMs + 1_000 / ratePerSecond;
      if (slotMs > nowMs) await clock.sleep(slotMs - nowMs, signal);
    }
    if (signal.aborted) throw new RunStopped('the run was stopped');
  }
}

async function run<R extends pg.QueryResultRow>(
  client: pg.PoolClient,
  text: string,
  values: readonly unknown[] = [],
): Promise<R[]> {
  let name = statementNames.get(text);
  if (name === undefined) {
    name = `sim_${statementNames.size}`;
    statementNames.set(text, name);
  }
  const result = await client.query<R>({ name, text, values: [...values] });
  return result.rows;
}
