import type { Knex } from 'knex';
import { databaseError } from '../postgres/database-error.js';
import type { Feed } from './feeds.js';
import { keyOrderOf, keyText } from './key-order.js';
import { stretchOf, type Place, type Position, type Stretch } from './stretch.js';

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
  /** What is dealt with. */
  readonly after: Position;
  /** Exclusive. */
  readonly untilUs: number;
  /** Only these merchants' rows; null: every merchant's. */
  readonly merchantIds: readonly string[] | null;
  /** As of BackfillSpan. */
  readonly streamedFromUs: number | null;
}

/** A condition with its bindings. */
export interface Condition {
  readonly sql: string;
  readonly bindings: readonly string[];
}

const ALWAYS: Condition = { sql: 'true', bindings: [] };

/** `wanted` with what the span adds to it, over the time that the chunk names `at_us`. */
function streamedSql({ streamedFromUs }: Span): Condition {
  return streamedFromUs === null
    ? ALWAYS
    : {
        sql: `(at_us < ?::bigint OR at_us > ${usSql('clock_timestamp()')})`,
        bindings: [String(streamedFromUs)],
      };
}

export function merchantSql({ merchantIds }: Span): Condition {
  if (merchantIds === null) return ALWAYS;
  // One is written so that an index over merchant and time gives the rows in order.
  if (merchantIds.length === 1) return { sql: 't.merchant_id = ?::int', bindings: merchantIds };
  return { sql: `t.merchant_id IN (${merchantIds.map(() => '?::int').join(', ')})`, bindings: merchantIds };
}

/** What comes after a position, by a time and a key. `binding`: what stands for a time in microseconds. */
function afterSql(
  { atUs, key }: Position,
  feed: Feed,
  names: { readonly time: string; readonly key: string; readonly binding: string },
): Condition {
  const { time, binding } = names;
  if (key === null) return { sql: `${time} > ${binding}`, bindings: [String(atUs)] };
  const order = keyOrderOf(feed.keyType);
  return {
    sql: `(${time}, ${order.sql(names.key)}) > (${binding}, ${order.binding})`,
    bindings: [String(atUs), key],
  };
}

/** Which rows of a feed a span wants of those that a chunk has as `key`, `at_us` and `wanted`. */
export function wantedOfSpan(feed: Feed, span: Span): Condition {
  const after = afterSql(span.after, feed, { time: 'at_us', key: 'key', binding: '?::bigint' });
  const streamed = streamedSql(span);
  return {
    sql: `wanted AND ${after.sql} AND at_us < ?::bigint AND ${streamed.sql}`,
    bindings: [...after.bindings, String(span.untilUs), ...streamed.bindings],
  };
}

/** The next rows of a feed whose time is indexed. `limit` bounds the rows looked at, wanted or not. */
export async function readByTime(knex: Knex, feed: Feed, span: Span, limit: number): Promise<Stretch> {
  const { time } = feed;
  const { untilUs } = span;
  const order = keyOrderOf(feed.keyType);
  const merchant = merchantSql(span);
  const streamed = streamedSql(span);
  const after = afterSql(span.after, feed, { time, key: `t.${feed.key}`, binding: timeSql() });
  const rows = await textRows(
    knex,
    `reading ${feed.table}`,
    `WITH chunk AS MATERIALIZED (
       SELECT t.${feed.key} AS id, ${usSql(time)} AS at_us, (${feed.wanted}) AS wanted
         FROM ${feed.from} t
        WHERE ${after.sql} AND ${time} < ${timeSql()} AND ${merchant.sql}
        ORDER BY ${time}, ${order.sql(`t.${feed.key}`)} LIMIT ?)
     (SELECT 'first' AS what, ${keyText('id')} AS key, at_us FROM chunk ORDER BY at_us, ${order.sql('id')} LIMIT 1)
     UNION ALL (SELECT 'last', ${keyText('id')}, at_us FROM chunk ORDER BY at_us DESC, ${order.sql('id')} DESC LIMIT 1)
     UNION ALL SELECT 'count', NULL, count(*) FROM chunk
     UNION ALL SELECT 'place', ${keyText('id')}, at_us FROM chunk WHERE wanted AND ${streamed.sql}`,
    [...after.bindings, String(untilUs), ...merchant.bindings, limit, ...streamed.bindings],
  );
  let [first, last, lookedAt]: [Place | null, Place | null, number] = [null, null, 0];
  const places: Place[] = [];
  for (const { what, key, at_us: atUs } of rows) {
    const place: Place = { atUs: Number(atUs), key: key as string };
    if (what === 'first') first = place;
    else if (what === 'last') last = place;
    else if (what === 'count') lookedAt = Number(atUs);
    else places.push(place);
  }
  return stretchOf(feed.name, places, { first, last, isFull: lookedAt >= limit, untilUs, lookedAt });
}
