import type { Knex } from 'knex';
import type { Relations } from '../mapping/mapping.js';
import { quoteText } from '../postgres/query.js';
import { keepSuppressed } from '../postgres/suppressed-guests.js';
import type { QueueSink } from '../queue/queue-sink.js';
import { FORGOTTEN_STATUSES } from '../records/guest-status.js';
import { isIndexed } from './indexes.js';
import { walk } from './walk.js';

const CHUNK_ROWS = 20_000;
const GUEST = { table: 'loyalty.guest', key: 'user_id' } as const;

/**
 * Makes known to the queue whom the table shows as deleted or anonymised: that happened in a gap, where no stream saw it,
 * and events of theirs may still be queued. (Of a guest whose very row is gone nobody can tell any more.)
 * Resolves with how many there are, or were found when the signal aborted.
 */
export async function suppressRemovedGuests(
  knex: Knex,
  relations: Relations,
  sink: Pick<QueueSink, 'suppress'>,
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  const { table, key } = GUEST;
  const isKeyIndexed = await isIndexed(knex, (column) => relations.plain(table, column), [key]);
  const walking = walk(
    {
      knex,
      walked: {
        table,
        key,
        from: relations.from(table),
        keyType: relations.type(table, key),
        columns: { status: { sql: 't.status', bindings: [] } },
        given: [],
        wanted: { sql: `status IN (${FORGOTTEN_STATUSES.map(quoteText).join(', ')})`, bindings: [] },
      },
      isKeyIndexed,
      chunkRows: CHUNK_ROWS,
      onChunk: async ({ rows }) => {
        const removed = rows.map((row) => row['key'] as string);
        if (removed.length > 0) {
          await keepSuppressed(knex, removed);
          await sink.suppress(removed);
        }
        count += removed.length;
      },
    },
    signal,
  );
  try {
    await walking;
  } catch (error) {
    if (error !== signal.reason) throw error;
  }
  return count;
}
