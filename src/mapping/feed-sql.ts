import { columnsOf, type TableName } from '../records/tables.js';
import { columnTypeOf } from './canonical.js';
import { canonicalTypname, type KeyTypeOf } from './conversion.js';
import { integerLimit } from './column-types.js';
import { canonicalSql, conditionSql, expressionSql, literalSql, type SqlScope } from './expression-sql.js';
import type { Expression } from './expression.js';
import { checkedTypeOf } from './expression-type.js';
import type { Feed, Join } from './mapping.js';
import { asksForCommitTime } from './commit-timed.js';
import { quoteName, quoteTable, quoteText } from '../postgres/query.js';

export interface FeedSqlOptions {
  /** SQL type of the ids of one kind. */
  readonly keyType: KeyTypeOf;
  /** The server's setting; without it a commit time is null in SQL. */
  readonly trackCommitTimestamp: boolean;
  /** Canonical columns whose integers keep the type of their own column. Default: none. */
  readonly ownIntegers?: ReadonlySet<string>;
}

/** Values of a record that no table has, by canonical column, as text; a column that is missing is null. */
export type ConstantRow = Readonly<Record<string, string | null>>;

const BASE = 'b';
/**
 * The commit time is a volatile function, and a subselect with one in its list is planned by itself: a join with it reads
 * the whole table. Behind a LATERAL of its own it does not stand in the list.
 */
const COMMIT = 'c';

/** The canonical record as a subselect over everything that gives rows of it; an alias must follow. */
export function relationSql(
  record: TableName,
  feeds: readonly Feed[],
  rows: readonly ConstantRow[],
  options: FeedSqlOptions,
): string {
  const ownIntegers =
    rows.length === 0 ? integersOfOneType(record, feeds, options.keyType) : new Set<string>();
  const parts = [
    ...feeds.map((feed) => feedSql(feed, { ...options, ownIntegers })),
    ...rows.map((row) => rowSql(record, row, options.keyType)),
  ];
  if (parts.length === 0) parts.push(`${rowSql(record, {}, options.keyType)} WHERE false`);
  return `(${parts.join(' UNION ALL ')})`;
}

/** The rows of one feed: every canonical column in the record's order, and `xmin` of the row in the feed's own table. */
export function feedSql(feed: Feed, options: FeedSqlOptions): string {
  const names = new Map([...feed.joins.keys()].map((join, index) => [join, `j${index + 1}`]));
  const scope: SqlScope = {
    column: (join, column) => `${join === null ? BASE : aliasOf(names, join)}.${quoteName(column)}`,
    committedAt: options.trackCommitTimestamp ? `${COMMIT}.committed_at` : 'NULL::timestamptz',
  };
  const columns = columnsOf(feed.record).map(
    (column) => `${columnSql(feed, column, scope, options)} AS ${quoteName(column)}`,
  );
  const where = feed.where.map((condition) => conditionSql(condition, scope));
  return [
    `SELECT ${[...columns, `${BASE}.xmin AS xmin`].join(', ')} FROM ${quoteTable(feed.table)} ${BASE}`,
    ...(options.trackCommitTimestamp && expressionsOf(feed).some(asksForCommitTime)
      ? [`CROSS JOIN LATERAL (SELECT pg_xact_commit_timestamp(${BASE}.xmin) AS committed_at) ${COMMIT}`]
      : []),
    ...[...feed.joins].map(([name, join]) => joinSql(join, aliasOf(names, name), scope)),
    ...(where.length === 0 ? [] : [`WHERE ${where.join(' AND ')}`]),
  ].join(' ');
}

/**
 * The index that look-ups by a composite id need: on the very expression that `feedSql` writes. Null where a column's text
 * depends on the session (dates and times, enums), of which PostgreSQL makes no index.
 */
export function compositeIndexSql(
  table: string,
  composite: Expression & { kind: 'composite' },
  { concurrently = true }: { readonly concurrently?: boolean } = {},
): string | null {
  if (!composite.parts.every(isIndexable)) return null;
  const scope: SqlScope = { column: (_, column) => quoteName(column), committedAt: 'NULL::timestamptz' };
  const how = concurrently ? ' CONCURRENTLY' : '';
  return `CREATE INDEX${how} ON ${quoteTable(table)} ((${expressionSql(composite, scope)}))`;
}

const INDEXABLE = new Set(['text', 'int', 'numeric', 'boolean', 'uuid']);

function isIndexable(part: Expression): boolean {
  if (part.kind === 'constant') return true;
  return part.kind === 'column' && part.join === null && INDEXABLE.has(checkedTypeOf(part).kind);
}

function aliasOf(names: ReadonlyMap<string, string>, join: string): string {
  const alias = names.get(join);
  if (alias === undefined) throw new RangeError(`no join is named ${join}`);
  return alias;
}

function columnSql(feed: Feed, column: string, scope: SqlScope, options: FeedSqlOptions): string {
  const expression = expressionOf(feed, column);
  if (options.ownIntegers?.has(column) === true) return expressionSql(expression, scope);
  return canonicalSql(expression, columnTypeOf(feed.record, column), options.keyType, scope);
}

function expressionOf(feed: Feed, column: string): Expression {
  const expression = feed.columns[column];
  if (expression === undefined) throw new RangeError(`a feed of ${feed.table} gives no ${column}`);
  return expression;
}

export function joinSql({ table, on }: Join, alias: string, scope: SqlScope): string {
  const pairs = on.map(({ column, equals }) => {
    // Without a type a constant takes that of the column, and the column's index serves.
    const value =
      equals.kind === 'constant' && equals.text !== null
        ? quoteText(equals.text)
        : expressionSql(equals, scope);
    return `${alias}.${quoteName(column)} = ${value}`;
  });
  return `LEFT JOIN ${quoteTable(table)} ${alias} ON ${pairs.join(' AND ')}`;
}

function rowSql(record: TableName, row: ConstantRow, keyType: KeyTypeOf): string {
  const columns = columnsOf(record).map((column) => {
    const typname = canonicalTypname(columnTypeOf(record, column), keyType);
    return `${literalSql(row[column] ?? null, typname)} AS ${quoteName(column)}`;
  });
  return `SELECT ${[...columns, 'NULL::xid AS xmin'].join(', ')}`;
}

/**
 * Columns of integers that all feeds read from columns of one type. A cast to another integer type would keep the
 * columns' indexes from serving, and integers of different types compare as they are.
 */
function integersOfOneType(
  record: TableName,
  feeds: readonly Feed[],
  keyType: KeyTypeOf,
): ReadonlySet<string> {
  return new Set(
    columnsOf(record).filter((column) => {
      const expressions = feeds.map((feed) => expressionOf(feed, column));
      const types = new Set(expressions.map((each) => (each.kind === 'column' ? each.type : 'none')));
      const [only = 'none', ...others] = types;
      const canonical = canonicalTypname(columnTypeOf(record, column), keyType);
      return others.length === 0 && integerLimit(only) !== null && integerLimit(canonical) !== null;
    }),
  );
}

function expressionsOf(feed: Feed): readonly Expression[] {
  return [
    ...Object.values(feed.columns),
    ...feed.where.map((condition) => condition.of),
    ...[...feed.joins.values()].flatMap(({ on }) => on.map(({ equals }) => equals)),
  ];
}
