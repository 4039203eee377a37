import { backfill, type BackfillOptions } from '../../src/backfill/backfill.js';
import type { BackfillRequest } from '../../src/backfill/request.js';
import { BEGINNING_US } from '../../src/backfill/stretch.js';
import type { EventSettings } from '../../src/config/source.js';
import { EVENT_NAMES, type Derived } from '../../src/events/event.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { openKnex } from '../../src/postgres/connection.js';
import { DEFAULT_SETTINGS } from '../support/captured.js';
import type { TestDatabase } from '../support/postgres.js';

export const EVERYTHING: BackfillRequest = {
  events: EVENT_NAMES,
  custom: [],
  identify: false,
  since: null,
  until: null,
  merchantId: null,
};

export interface Collected {
  readonly calls: readonly Derived[];
  readonly done: boolean;
  readonly rowsRead: number;
}

export interface CollectOptions extends Partial<Omit<BackfillOptions, 'request' | 'source'>> {
  readonly request?: Partial<BackfillRequest>;
  readonly settings?: Partial<EventSettings>;
}

/** A backfill into memory: what would be queued, in order. */
export async function collected(db: TestDatabase, options: CollectOptions = {}): Promise<Collected> {
  const { request, settings, ...rest } = options;
  const calls: Derived[] = [];
  const knex = openKnex({ url: db.url });
  try {
    const { done, status } = await backfill(
      {
        knex,
        clock: systemClock,
        source: { ...DEFAULT_SETTINGS, ...settings },
        request: { ...EVERYTHING, ...request },
        span: { sinceUs: BEGINNING_US, untilUs: (Date.now() + 1_000) * 1_000 },
        rowsPerSecond: 1_000_000,
        sink: {
          offer: async (offered) => {
            for (const call of offered.calls) calls.push(call);
          },
          flush: async () => undefined,
        },
        save: async () => undefined,
        ...rest,
      },
      new AbortController().signal,
    );
    return { calls, done, rowsRead: status.rowsRead };
  } finally {
    await knex.destroy();
  }
}
