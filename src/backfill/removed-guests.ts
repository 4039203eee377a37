import type { Knex } from 'knex';
import { keepSuppressed } from '../postgres/suppressed-guests.js';
import type { QueueSink } from '../queue/queue-sink.js';
import { textRows } from './read-places.js';
import { LEAST_KEY } from './stretch.js';

const CHUNK_ROWS = 20_000;

/**
 * Makes known to the queue whom the table shows as deleted or anonymised: that happened in a gap, where no stream saw it,
 * and events of theirs may still be queued. (Of a guest whose very row is gone nobody can tell any more.)
 * Resolves with how many there are.
 */
export async function suppressRemovedGuests(
  knex: Knex,
  sink: Pick<QueueSink, 'suppress'>,
  signal: AbortSignal,
): Promise<number> {
  let afterKey: string | null = LEAST_KEY;
  let count = 0;
  while (afterKey !== null && !signal.aborted) {
    const rows = await textRows(
      knex,
      'reading loyalty.guest',
      `WITH chunk AS MATERIALIZED (SELECT t.user_id, t.status FROM loyalty.guest t WHERE t.user_id > ?::bigint
         ORDER BY t.user_id LIMIT ?)
       SELECT 'last' AS what, max(user_id) AS id FROM chunk HAVING count(*) = ?
       UNION ALL SELECT 'removed', user_id FROM chunk WHERE status <> 'ACTIVE'`,
      [afterKey, CHUNK_ROWS, CHUNK_ROWS],
    );
    const removed = rows.filter(({ what }) => what === 'removed').map(({ id }) => id as string);
    if (removed.length > 0) {
      await keepSuppressed(knex, removed);
      await sink.suppress(removed);
    }
    count += removed.length;
    afterKey = rows.find(({ what }) => what === 'last')?.id ?? null;
  }
  return count;
}
