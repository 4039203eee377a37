import type { Knex } from 'knex';
import { ConnectorError } from '../errors/connector-error.js';
import { rowsOf } from '../postgres/query.js';
import type { TableName } from '../records/tables.js';
import { feedSql } from './feed-sql.js';
import { columnsOfExpression } from './expression-columns.js';
import { asCodes, looksPersonal } from './init/personal.js';
import type { Feed, Mapping } from './mapping.js';
import { watchedColumns, type WatchedColumn } from './unknown-words.js';

/** Rows of a table that are looked at: more tell hardly more codes, and take their time. */
const MAX_ROWS = 10_000;
const MAX_WORDS = 20;

/** What a table holds for a column of a record that the record knows no word for. */
export interface StrayWords {
  readonly record: TableName;
  readonly column: string;
  readonly table: string;
  /** Null: more than may be shown, or such as may be a person's. */
  readonly words: readonly string[] | null;
}

/**
 * Looks at a few thousand rows of each table that gives words to records. What takes longer than the connection's statement
 * timeout, or may not be read, is passed over. @throws ConnectorError DATABASE_…
 */
export async function strayWords(
  knex: Knex,
  mapping: Mapping,
  trackCommitTimestamp: boolean,
): Promise<readonly StrayWords[]> {
  const watched = watchedColumns(mapping);
  const found: StrayWords[] = [];
  for (const feed of [...(mapping.feeds?.values() ?? [])].flat()) {
    const columns = watched.get(feed.record) ?? [];
    if (columns.length === 0) continue;
    const rows = await sample(knex, feed, columns, trackCommitTimestamp);
    for (const { column } of columns) {
      const words = rows.filter((row) => row.name === column).map(({ word }) => word);
      if (words.length === 0) continue;
      const expression = feed.columns[column];
      const isPersonal =
        expression !== undefined &&
        columnsOfExpression(expression).some((each) => looksPersonal({ name: each.column }));
      found.push({
        record: feed.record,
        column,
        table: feed.table,
        words: isPersonal ? null : asCodes(words),
      });
    }
  }
  return found;
}

interface StrayRow {
  readonly name: string;
  readonly word: string;
}

async function sample(
  knex: Knex,
  feed: Feed,
  columns: readonly WatchedColumn[],
  trackCommitTimestamp: boolean,
): Promise<readonly StrayRow[]> {
  const names = columns.map(({ column }) => column).join(', ');
  const looks = columns.map(
    ({ column }) =>
      `(SELECT DISTINCT '${column}' AS name, ${column} AS word FROM sample WHERE NOT ${column} = ANY (?::text[]) LIMIT ${MAX_WORDS + 1})`,
  );
  const rows = feedSql(feed, { keyType: () => 'text', trackCommitTimestamp }).replaceAll('?', '\\?');
  try {
    return await rowsOf<StrayRow>(
      knex,
      'looking at codes',
      `WITH sample AS MATERIALIZED (SELECT ${names} FROM (${rows}) read LIMIT ${MAX_ROWS}) ${looks.join(' UNION ALL ')}`,
      columns.map(({ words }) => [...words]),
    );
  } catch (error) {
    // Row level security and views of a DBA's making may refuse what the privilege allows.
    const passedOver =
      error instanceof ConnectorError && (error.code === 'DATABASE_BUSY' || error.code === 'DATABASE_RIGHTS');
    if (passedOver) return [];
    throw error;
  }
}
