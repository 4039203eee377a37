import type { Knex } from 'knex';

import { countKept, keptSuppressed } from '../postgres/suppressed-guests.js';
import type { QueueSink } from '../queue/queue-sink.js';

/**
 * Gives Redis back the guests of whom nothing may be sent, where it knows fewer than the database: before anything else is
 * queued. Resolves with how many were given.
 * @throws ConnectorError DATABASE_…, or what the sink throws
 */
export async function restoreSuppressions(
  knex: Knex,
  sink: Pick<QueueSink, 'suppress' | 'suppressedCount'>,
): Promise<number> {
  if ((await sink.suppressedCount()) >= (await countKept(knex))) return 0;
  let given = 0;
  for await (const page of keptSuppressed(knex)) {
    await sink.suppress(page);
    given += page.length;
  }
  return given;
}
