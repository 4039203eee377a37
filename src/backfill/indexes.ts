import type { Knex } from 'knex';
import { quoteTable, rowOf } from '../postgres/query.js';
import type { Feed, PlainColumns } from './feeds.js';

/**
 * Whether the feed can be read in the order of its times from an index: one that begins with the time, or with the
 * merchant and then the time where one merchant is asked for.
 */
export async function isTimeIndexed(
  knex: Knex,
  { plain, timeColumn }: Pick<Feed, 'plain' | 'timeColumn'>,
  oneMerchant: boolean,
): Promise<boolean> {
  if (timeColumn === null) return false;
  if (await isIndexed(knex, plain, [timeColumn])) return true;
  return oneMerchant && (await isIndexed(knex, plain, ['merchant_id', timeColumn]));
}

/** Whether an index of the user's table begins with what these columns of a feed are, so that it gives them in order. */
export async function isIndexed(
  knex: Knex,
  plain: PlainColumns,
  columns: readonly string[],
): Promise<boolean> {
  const behind = columns.map(plain);
  const [first] = behind;
  const names = behind.flatMap((each) => (each?.table === first?.table ? (each?.column ?? []) : []));
  if (first == null || names.length < columns.length) return false;
  const { indexed } = await rowOf<{ indexed: boolean }>(
    knex,
    'reading the indexes',
    `SELECT EXISTS (
       SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
        CROSS JOIN LATERAL (SELECT array_agg(a.attname::text ORDER BY k.place) AS columns
          FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) named
        WHERE i.indrelid = ?::regclass AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND m.amname = 'btree'
          AND i.indnkeyatts >= ?::int AND named.columns[1:?::int] = ?::text[]) AS indexed`,
    [quoteTable(first.table), names.length, names.length, names],
  );
  return indexed;
}
