import { openKnex } from '../../src/postgres/connection.js';
import { parseConfig } from '../../src/config/parse.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { reconcile, type Reconciliation, type ReconcileOptions } from '../../src/reconcile/reconcile.js';
import type { System } from '../support/system.js';

/** What `reconcile` finds of a system, with connections of its own. */
export async function reconciled(
  brand: System,
  options: Partial<ReconcileOptions> = {},
): Promise<Reconciliation> {
  const config = parseConfig(brand.env, { command: 'run', role: 'capture' });
  const knex = openKnex({ url: brand.db.url });
  const client = connectRedis({
    settings: { url: brand.redis.url, tls: null },
    use: 'worker',
    onError: () => undefined,
  });
  try {
    return await reconcile({
      knex,
      client,
      prefix: config.queue.prefix,
      source: config.sources[0].settings,
      lanes: config.sources[0].lanes,
      slotName: config.capture.slotName,
      from: null,
      to: null,
      names: null,
      clock: systemClock,
      settleMs: 500,
      ...options,
    });
  } finally {
    await closeRedis(client);
    await knex.destroy();
  }
}

export function differences({ reports }: Reconciliation): unknown[] {
  return reports.filter(({ missing, extra }) => missing > 0 || extra > 0);
}

/**
 * Calls that the tables cannot tell about: of guests deleted since. Whether such a call had left before the deletion is a
 * race of the business that a test lets happen, so equalities hold with these counted in.
 */
export function undecidable({ reports }: Reconciliation): number {
  return reports.flatMap((report) => report.undecidable).length;
}

export function total(
  { reports }: Reconciliation,
  of: 'expected' | 'delivered' | 'queued' | 'deadLetters' | 'suppressed' | 'missing' | 'extra' | 'toCapture',
): number {
  return reports.reduce((sum, report) => sum + report[of], 0);
}
