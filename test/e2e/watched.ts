import { readdir } from 'node:fs/promises';
import type { RedisClient } from '../../src/queue/redis.js';
import type { TestDatabase } from '../support/postgres.js';

const LOOK_EVERY_MS = 100;
/** Beside the data itself, a job's hash says what becomes of it; whoever looks at a queue sees that. */
const JOB_FIELDS = ['name', 'opts', 'failedReason', 'stacktrace', 'returnvalue', 'progress', 'atm'];

export interface WatchedOptions {
  readonly db: TestDatabase;
  readonly redis: RedisClient;
  readonly spillDir: string;
  /** Of the probe servers, as they come to be known. */
  readonly ports: () => readonly number[];
}

/** What others see of a connector while it works, gathered as it goes by: the text of each place. */
export class Watched implements AsyncDisposable {
  readonly options: WatchedOptions;
  readonly #seen = new Map<string, Set<string>>();
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();
  #failure: unknown = null;

  constructor(options: WatchedOptions) {
    this.options = options;
    let busy = false;
    this.#timer = setInterval(() => {
      if (busy) return;
      busy = true;
      this.#looking = this.look()
        .catch((error: unknown) => void (this.#failure ??= error))
        .finally(() => (busy = false));
    }, LOOK_EVERY_MS);
  }

  /** @throws what kept it from looking */
  get places(): ReadonlyMap<string, string> {
    if (this.#failure !== null) throw this.#failure as Error;
    return new Map([...this.#seen].map(([place, texts]) => [place, [...texts].join('\n')]));
  }

  add(place: string, ...texts: readonly string[]): void {
    const seen = this.#seen.get(place) ?? new Set();
    this.#seen.set(place, seen);
    for (const text of texts) seen.add(text);
  }

  async look(): Promise<void> {
    await Promise.all([this.#statements(), this.#redis(), this.#spill(), this.#probes()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #statements(): Promise<void> {
    const { rows } = await this.options.db.sql<{ name: string; query: string }>(
      `SELECT application_name AS name, query FROM pg_stat_activity
       WHERE datname = current_database() AND application_name LIKE 'paytronix%'`,
    );
    this.add('application names', ...rows.map(({ name }) => name));
    this.add('statements', ...rows.map(({ query }) => query));
  }

  async #redis(): Promise<void> {
    const { redis } = this.options;
    const keys = await redis.keys('*');
    this.add('redis keys', ...keys);
    for (const key of keys.filter((each) => /:segment\/.*:/.test(each))) {
      if ((await redis.type(key)) !== 'hash') continue;
      const fields = await redis.hmget(key, ...JOB_FIELDS);
      this.add('jobs', ...fields.filter((field) => field !== null));
    }
    for (const key of keys.filter((each) => each.includes(':delivery-note:'))) {
      this.add('delivery notes', (await redis.get(key)) ?? '');
    }
    this.add(
      'redis clients',
      String(await redis.client('LIST')).replaceAll(/ (id|addr|laddr|age|idle)=\S+/g, ''),
    );
  }

  async #spill(): Promise<void> {
    this.add('spill files', ...(await readdir(this.options.spillDir)));
  }

  async #probes(): Promise<void> {
    for (const port of this.options.ports()) {
      for (const path of ['/livez', '/readyz', '/metrics']) {
        const text = await fetch(`http://127.0.0.1:${port}${path}`).then(
          (answer) => answer.text(),
          // The process has ended, or not begun.
          () => '',
        );
        // Numbers change all the time and say nothing.
        this.add(path, text.replaceAll(/ [\d.e+-]+$/gm, ''));
      }
    }
  }
}
