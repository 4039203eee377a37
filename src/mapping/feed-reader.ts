import type { SourceRow } from '../changes/transaction.js';
import type { TableName } from '../records/tables.js';
import { allOf, compileCondition, type JoinedRow } from './evaluate.js';
import { compileFor } from './canonical-value.js';
import { columnTypeOf } from './canonical.js';
import { readJoins, type JoinReader } from './join-reader.js';
import type { Feed } from './mapping.js';

/** A feed made ready to be read row by row. */
export interface FeedReader {
  readonly feed: Feed;
  readonly record: TableName;
  /** Each with what makes its key, in the order in which they depend on each other. */
  readonly joins: readonly JoinReader[];
  /** Undefined: a value that the server did not send would tell. */
  matches(row: JoinedRow): boolean | undefined;
  /** Canonical values; undefined where they depend on one that was not sent. */
  read(row: JoinedRow): SourceRow;
}

export function feedReader(feed: Feed): FeedReader {
  const conditions = feed.where.map(compileCondition);
  const columns = Object.entries(feed.columns).map(
    ([column, expression]) => [column, compileFor(expression, columnTypeOf(feed.record, column))] as const,
  );
  return {
    feed,
    record: feed.record,
    joins: readJoins(feed.joins),
    matches: (row) => allOf(conditions, row),
    read(row) {
      const values: Record<string, string | null | undefined> = {};
      for (const [column, value] of columns) values[column] = value(row);
      return values;
    },
  };
}
