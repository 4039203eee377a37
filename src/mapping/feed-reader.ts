import type { SourceRow } from '../changes/transaction.js';
import type { TableName } from '../records/tables.js';
import { columnTypeOf } from './canonical.js';
import { compileCanonical, compileConditions } from './evaluate.js';
import { readJoins, type JoinReader } from './join-reader.js';
import type { JoinedCommit } from './joined-commit.js';
import type { Feed, Relations } from './mapping.js';

/** A feed made ready to be read row by row. */
export interface FeedReader {
  readonly feed: Feed;
  readonly record: TableName;
  /** Each with what makes its key, in the order in which they depend on each other. */
  readonly joins: readonly JoinReader[];
  /** Undefined: a value that the server did not send would tell. */
  matches(row: JoinedCommit): boolean | undefined;
  /** Canonical values; undefined where they depend on one that was not sent. */
  read(row: JoinedCommit): SourceRow;
}

export function feedReader(feed: Feed, relations: Relations): FeedReader {
  const { record } = feed;
  const holds = compileConditions(feed.where);
  const columns = Object.entries(feed.columns).map(([column, expression]) => {
    const keyType = (): string => relations.type(record, column);
    return [column, compileCanonical(expression, columnTypeOf(record, column), keyType)] as const;
  });
  return {
    feed,
    record,
    joins: readJoins(feed.joins),
    matches: (row) => holds(row, row),
    read(row) {
      const values: Record<string, string | null | undefined> = {};
      for (const [column, value] of columns) values[column] = value(row, row);
      return values;
    },
  };
}
