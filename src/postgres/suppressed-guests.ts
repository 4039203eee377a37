import type { Knex } from 'knex';

import { rowOf, rowsOf } from './query.js';

/** Bindings of one statement stay far below the protocol's limit: the ids go as one array. */
const PAGE = 10_000;

/**
 * Makes it durable beside the data that nothing more may be sent of these guests: Redis, where delivery looks, can lose
 * what it holds. @throws ConnectorError DATABASE_…
 */
export async function keepSuppressed(knex: Knex, guestIds: readonly string[]): Promise<void> {
  for (let from = 0; from < guestIds.length; from += PAGE) {
    await rowsOf(
      knex,
      'keeping suppressed guests',
      `INSERT INTO segment_connector.suppressed_guest (guest_id) SELECT unnest(?::text[])
      ON CONFLICT DO NOTHING`,
      [
        `{${guestIds
          .slice(from, from + PAGE)
          .map(quoted)
          .join(',')}}`,
      ],
    );
  }
}

function quoted(id: string): string {
  return `"${id.replaceAll(/["\\]/g, '\\$&')}"`;
}

export async function countKept(knex: Knex): Promise<number> {
  const { count } = await rowOf<{ count: string }>(
    knex,
    'counting suppressed guests',
    `SELECT count(*)::text AS count FROM segment_connector.suppressed_guest`,
  );
  return Number(count);
}

/** All of them, a page at a time. @throws ConnectorError DATABASE_… */
export async function* keptSuppressed(knex: Knex): AsyncGenerator<readonly string[]> {
  for (let after = ''; ;) {
    const rows = await rowsOf<{ guest_id: string }>(
      knex,
      'reading suppressed guests',
      `SELECT guest_id FROM segment_connector.suppressed_guest WHERE guest_id > ? ORDER BY guest_id LIMIT ${PAGE}`,
      [after],
    );
    if (rows.length > 0) yield rows.map((row) => row.guest_id);
    if (rows.length < PAGE) return;
    after = rows.at(-1)?.guest_id ?? '';
  }
}
