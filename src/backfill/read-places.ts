import type { Knex } from 'knex';
import { databaseError } from '../postgres/database-error.js';
import { rowOf } from '../postgres/query.js';
import type { Feed } from './feeds.js';
import { stretchOf, type Place, type Stretch } from './stretch.js';

/** Values as the wire carries them, as in the stream. */
export const AS_TEXT = { types: { getTypeParser: () => (value: string | null) => value } };
export type TextRow = Readonly<Record<string, string | null>>;

export async function textRows(
  knex: Knex,
  doing: string,
  sql: string,
  bindings: readonly unknown[],
): Promise<readonly TextRow[]> {
  try {
    const { rows } = (await knex.raw(sql, bindings as Knex.RawBinding[]).options(AS_TEXT)) as {
      rows: TextRow[];
    };
    return rows;
  } catch (error) {
    throw databaseError(error, doing);
  }
}

/** Exact for every finite time; null for infinities, which have no place in an order. */
export function usSql(expression: string): string {
  return `(CASE WHEN isfinite(${expression}) THEN extract(epoch FROM ${expression}) * 1000000 END)::bigint`;
}

export function timeSql(binding = '?'): string {
  return `(timestamptz 'epoch' + ${binding}::bigint * interval '1 microsecond')`;
}

export interface Span {
  /** The last place dealt with. */
  readonly after: Place;
  /** Exclusive. */
  readonly untilUs: number;
  /** Only this merchant's rows; null: every merchant's. */
  readonly merchantId: string | null;
  /** As of BackfillSpan. */
  readonly streamedFromUs: number | null;
}

/** `wanted` with what the span adds to it, over the time that the chunk names `at_us`. */
function streamedSql({ streamedFromUs }: Span): {
  readonly sql: string;
  readonly bindings: readonly string[];
} {
  return streamedFromUs === null
    ? { sql: 'true', bindings: [] }
    : {
        sql: `(at_us < ?::bigint OR at_us > ${usSql('clock_timestamp()')})`,
        bindings: [String(streamedFromUs)],
      };
}

function merchantSql({ merchantId }: Span): { readonly sql: string; readonly bindings: readonly string[] } {
  return merchantId === null
    ? { sql: 'true', bindings: [] }
    : { sql: 't.merchant_id = ?::int', bindings: [merchantId] };
}

/** The next rows of a feed whose time is indexed. `limit` bounds the rows looked at, wanted or not. */
export async function readByTime(knex: Knex, feed: Feed, span: Span, limit: number): Promise<Stretch> {
  const merchant = merchantSql(span);
  const streamed = streamedSql(span);
  const { after, untilUs } = span;
  const rows = await textRows(
    knex,
    `reading ${feed.table}`,
    `WITH chunk AS MATERIALIZED (
       SELECT t.${feed.key} AS key, ${usSql(feed.time)} AS at_us, (${feed.wanted}) AS wanted
         FROM ${feed.table} t
        WHERE (${feed.time}, t.${feed.key}) > (${timeSql()}, ?::bigint) AND ${feed.time} < ${timeSql()} AND ${merchant.sql}
        ORDER BY ${feed.time}, t.${feed.key} LIMIT ?)
     (SELECT 'first' AS what, key, at_us FROM chunk ORDER BY at_us, key LIMIT 1)
     UNION ALL (SELECT 'last', key, at_us FROM chunk ORDER BY at_us DESC, key DESC LIMIT 1)
     UNION ALL SELECT 'count', count(*), NULL FROM chunk
     UNION ALL SELECT 'place', key, at_us FROM chunk WHERE wanted AND ${streamed.sql}`,
    [String(after.atUs), after.key, String(untilUs), ...merchant.bindings, limit, ...streamed.bindings],
  );
  let [first, last, lookedAt]: [Place | null, Place | null, number] = [null, null, 0];
  const places: Place[] = [];
  for (const { what, key, at_us: atUs } of rows) {
    const place: Place = { atUs: Number(atUs), key: key as string };
    if (what === 'first') first = place;
    else if (what === 'last') last = place;
    else if (what === 'count') lookedAt = Number(key);
    else places.push(place);
  }
  return stretchOf(feed.name, places, { first, last, isFull: lookedAt >= limit, untilUs, lookedAt });
}

/** The next rows by primary key, whatever their time: those of the span are named. */
export async function readByKey(
  knex: Knex,
  feed: Feed,
  span: Span,
  chunk: { readonly afterKey: string; readonly rows: number },
): Promise<{
  readonly places: readonly Place[];
  readonly lastKey: string | null;
  readonly lookedAt: number;
}> {
  const merchant = merchantSql(span);
  const streamed = streamedSql(span);
  const { after, untilUs } = span;
  const rows = await textRows(
    knex,
    `reading ${feed.table}`,
    `WITH chunk AS MATERIALIZED (
       SELECT t.${feed.key} AS key, ${usSql(feed.time)} AS at_us, (${feed.wanted}) AND ${merchant.sql} AS wanted
         FROM ${feed.table} t WHERE t.${feed.key} > ?::bigint ORDER BY t.${feed.key} LIMIT ?)
     SELECT 'last' AS what, CASE WHEN count(*) = ? THEN max(key) END AS key, count(*) AS at_us FROM chunk
     UNION ALL SELECT 'place', key, at_us FROM chunk
      WHERE wanted AND (at_us, key) > (?::bigint, ?::bigint) AND at_us < ?::bigint AND ${streamed.sql}`,
    [
      ...merchant.bindings,
      chunk.afterKey,
      chunk.rows,
      chunk.rows,
      String(after.atUs),
      after.key,
      String(untilUs),
      ...streamed.bindings,
    ],
  );
  const places: Place[] = [];
  let [lastKey, lookedAt]: [string | null, number] = [null, 0];
  for (const { what, key, at_us: atUs } of rows) {
    if (what === 'last') [lastKey, lookedAt] = [key ?? null, Number(atUs)];
    else places.push({ atUs: Number(atUs), key: key as string });
  }
  return { places, lastKey, lookedAt };
}

/**
 * Whether the feed can be read in the order of its times from an index: one that begins with the time, or with the
 * merchant and then the time where one merchant is asked for.
 */
export async function isTimeIndexed(knex: Knex, feed: Feed, oneMerchant: boolean): Promise<boolean> {
  if (feed.timeColumn === null) return false;
  const { indexed } = await rowOf<{ indexed: boolean }>(
    knex,
    'reading the indexes',
    `SELECT EXISTS (
       SELECT FROM pg_index i
        CROSS JOIN LATERAL (SELECT array_agg(a.attname::text ORDER BY k.place) AS columns
          FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum) named
        WHERE i.indrelid = ?::regclass AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
          AND (named.columns[1] = ? OR (?::boolean AND named.columns[1:2] = ARRAY['merchant_id', ?]))) AS indexed`,
    [feed.table, feed.timeColumn, oneMerchant, feed.timeColumn],
  );
  return indexed;
}
