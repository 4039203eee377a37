import type { PostgresSettings, SuppressionSettings } from '../config/config.js';
import { toError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import { closeKnex, openKnex } from '../postgres/connection.js';
import type { GuestSet } from './guest-set.js';
import { ListFile } from './list-file.js';
import type { ListOrigin } from './list-origin.js';
import { ListTable } from './list-table.js';
import type { ListedGuests } from './listed-guests.js';
import { SuppressionList, type ListObserver, type ListProblem } from './suppression-list.js';

export interface ConfiguredListOptions {
  readonly settings: SuppressionSettings;
  /** Null: the table is not read by this process. */
  readonly postgres: PostgresSettings | null;
  readonly clock: Clock;
  readonly observer?: ListObserver;
}

const CLOSE_GRACE_MS = 500;

/** The suppression list as the configuration names it; null: it names none that this process can read. */
export function configuredList(options: ConfiguredListOptions): ConfiguredList | null {
  const { settings, postgres, clock, observer } = options;
  const origins: ListOrigin[] = [];
  if (settings.file !== null) origins.push(new ListFile(settings.file));
  let close = async (): Promise<void> => undefined;
  if (settings.table !== null && postgres !== null) {
    const knex = openKnex({ ...postgres, poolSize: 1, applicationName: 'paytronix-segment-suppression' });
    close = async () => closeKnex(knex, CLOSE_GRACE_MS);
    origins.push(new ListTable({ knex, place: settings.table, everyMs: settings.tableRefreshMs }));
  }
  if (origins.length === 0) return null;
  return new ConfiguredList(
    new SuppressionList({ origins, clock, ...(observer === undefined ? {} : { observer }) }),
    close,
  );
}

/** The list, looked at again and again from `begin` to `close`. */
export class ConfiguredList implements ListedGuests, AsyncDisposable {
  readonly #list: SuppressionList;
  readonly #closeConnection: () => Promise<void>;
  readonly #ending = new AbortController();
  #watching: Promise<void> | null = null;

  constructor(list: SuppressionList, closeConnection: () => Promise<void>) {
    this.#list = list;
    this.#closeConnection = closeConnection;
  }

  get guests(): GuestSet | null {
    return this.#list.guests;
  }

  get problems(): readonly ListProblem[] {
    return this.#list.problems;
  }

  /**
   * Reads it, then keeps looking.
   * @param options.patiently see `SuppressionList.open`
   * @param options.onFailed told when that ends by itself: a list that was never read cannot be
   * @throws ConnectorError SUPPRESSION_UNREADABLE, DATABASE_…
   */
  async begin(options: {
    readonly patiently: boolean;
    readonly onFailed: (error: Error) => void;
  }): Promise<void> {
    await this.#list.open(options);
    this.#watching = this.#list
      .run(this.#ending.signal)
      .catch((error: unknown) => options.onFailed(toError(error)));
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#closeConnection();
    await this.#watching;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
