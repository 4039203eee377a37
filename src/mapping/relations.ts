import type { TableName } from '../records/tables.js';
import { columnTypeOf, type KeyKind } from './canonical.js';
import { asksForCommitTime } from './commit-timed.js';
import { relationSql, type ConstantRow } from './feed-sql.js';
import type { Expression } from './expression.js';
import type { Feed, Relations } from './mapping.js';

/** A record that the mapping itself gives. */
export interface RecordRow {
  readonly record: TableName;
  readonly columns: Readonly<Record<string, Expression>>;
}

export interface BoundRelationsOptions {
  readonly feeds: readonly Feed[];
  readonly rows: readonly RecordRow[];
  readonly keyType: (kind: KeyKind) => string;
  readonly trackCommitTimestamp: boolean;
}

/** Canonical records as subselects over the tables that feed them. */
export function boundRelations(options: BoundRelationsOptions): Relations {
  const { keyType, trackCommitTimestamp } = options;
  const made = new Map<TableName, string>();
  const feedsOf = (table: TableName): readonly Feed[] =>
    options.feeds.filter(({ record }) => record === table);
  const rowsOf = (table: TableName): readonly RecordRow[] =>
    options.rows.filter(({ record }) => record === table);
  return {
    from(table) {
      const known = made.get(table);
      if (known !== undefined) return known;
      const sql = relationSql(table, feedsOf(table), rowsOf(table).map(textsOf), {
        keyType,
        trackCommitTimestamp,
      });
      made.set(table, sql);
      return sql;
    },
    type(table, column) {
      const type = columnTypeOf(table, column);
      if (type.kind === 'key') return keyType(type.of);
      // A user's may be larger than the reference schema's.
      return type.kind === 'int' ? 'bigint' : type.kind;
    },
    plain(table, column) {
      const [feed, second] = feedsOf(table);
      if (feed === undefined || second !== undefined || rowsOf(table).length > 0) return null;
      const expression = feed.columns[column];
      const own = expression?.kind === 'column' && expression.join === null;
      return own ? { table: feed.table, column: expression.column } : null;
    },
    has: () => true,
    isNull(table, column) {
      const given = [...feedsOf(table), ...rowsOf(table)].map(({ columns }) => columns[column]);
      return given.every((each) => each?.kind === 'constant' && each.text === null);
    },
    isEmpty: (table) => feedsOf(table).length + rowsOf(table).length === 0,
    commitTimed(table, column) {
      const feeds = feedsOf(table).filter(({ columns }) => {
        const expression = columns[column];
        return expression !== undefined && asksForCommitTime(expression);
      });
      return [...new Set(feeds.map((feed) => feed.table))];
    },
    hasForeignKeys: false,
  };
}

/** When it was committed is not known of a record that no table has. */
function textsOf({ columns }: RecordRow): ConstantRow {
  return Object.fromEntries(
    Object.entries(columns).map(([column, each]) => [column, each.kind === 'constant' ? each.text : null]),
  );
}
