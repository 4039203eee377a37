import { quoteName, quoteTable } from '../postgres/query.js';
import { TABLES, type TableName } from '../records/tables.js';
import { columnTypeOf, type KeyKind } from './canonical.js';
import type { Expression } from './expression.js';
import { conditionSql, textSql, valueSql, type SqlOptions } from './expression-sql.js';
import type { Feed, Join } from './mapping.js';

export interface FeedSqlOptions {
  readonly keyType: (kind: KeyKind) => string;
  readonly trackCommitTimestamp: boolean;
}

/** A record that the mapping itself gives. */
export interface RecordRow {
  readonly record: TableName;
  readonly columns: Readonly<Record<string, Expression>>;
}

/**
 * What stands for a canonical table in FROM: its records from every feed, and those that the mapping gives. Simple enough
 * for the planner to look through, so that a condition on a key uses the user's own index.
 */
export function relationSql(
  table: TableName,
  feeds: readonly Feed[],
  rows: readonly RecordRow[],
  options: FeedSqlOptions,
): string {
  const selects = [
    ...feeds.map((feed) => feedSql(feed, options)),
    ...rows.map((row) => rowSql(row, options)),
  ];
  const parts = selects.length > 0 ? selects : [nothingSql(table, options)];
  return `(${parts.join('\nUNION ALL\n')})`;
}

/** Rows of one table as records: every canonical column under its name, and the row's xmin. */
function feedSql(feed: Feed, options: FeedSqlOptions): string {
  const aliased = aliases(feed, options);
  const columns = columnList(feed.record, feed.columns, options, aliased);
  const joins = [...feed.joins].map(([name, join]) => joinSql(name, join, aliased));
  const where = feed.where.map((condition) => conditionSql(condition, aliased));
  return [
    `SELECT ${columns}, ${quoteName(OWN)}.xmin AS xmin FROM ${quoteTable(feed.table)} ${quoteName(OWN)}`,
    ...joins,
    ...(where.length === 0 ? [] : [`WHERE ${where.join(' AND ')}`]),
  ].join('\n');
}

/** Joins are named by the user: theirs get a prefix that the own alias has not. */
const OWN = 'own';

function aliases(_feed: Feed, { trackCommitTimestamp }: FeedSqlOptions): SqlOptions {
  return { alias: (join) => (join === null ? OWN : `join ${join}`), trackCommitTimestamp };
}

function joinSql(name: string, { table, on }: Join, options: SqlOptions): string {
  const alias = quoteName(options.alias(name));
  const conditions = on.map(({ column, type, equals }) => {
    const sameType = equals.kind === 'column' && equals.type === type;
    const value = sameType
      ? `${quoteName(options.alias(equals.join))}.${quoteName(equals.column)}`
      : `${textSql(equals, options)}::${type}`;
    return `${alias}.${quoteName(column)} = ${value}`;
  });
  return `LEFT JOIN ${quoteTable(table)} ${alias} ON ${conditions.join(' AND ')}`;
}

function rowSql({ record, columns }: RecordRow, options: FeedSqlOptions): string {
  const none: SqlOptions = { alias: () => OWN, trackCommitTimestamp: false };
  return `SELECT ${columnList(record, columns, options, none)}, NULL::xid AS xmin`;
}

function nothingSql(table: TableName, options: FeedSqlOptions): string {
  return `${rowSql({ record: table, columns: {} }, options)} WHERE false`;
}

function columnList(
  record: TableName,
  columns: Readonly<Record<string, Expression>>,
  { keyType }: FeedSqlOptions,
  options: SqlOptions,
): string {
  return Object.keys(TABLES[record].columns)
    .map((column) => {
      const type = columnTypeOf(record, column);
      const expression = columns[column] ?? { kind: 'constant', text: null };
      const sql = valueSql(expression, type, type.kind === 'key' ? keyType(type.of) : '', options);
      return `${sql} AS ${quoteName(column)}`;
    })
    .join(', ');
}
