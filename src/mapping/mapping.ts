import type { Need, TableName } from '../records/tables.js';
import type { Condition, Expression } from './expression.js';

/** A table of the user's database that is published and read. */
export interface SourceTable {
  /** `schema.table`, as the catalog spells it. */
  readonly name: string;
  /** Columns that are published and read, and no others. */
  readonly columns: Readonly<Record<string, Need>>;
  /** The columns that tell a row: of the primary key, or of the identity index. */
  readonly key: readonly string[];
  /**
   * `full`: an event needs the row before an UPDATE, so the table has REPLICA IDENTITY FULL and is published whole (a
   * column list together with FULL makes every UPDATE on the publisher fail).
   * `default`: published with exactly `columns`.
   */
  readonly identity: 'full' | 'default';
}

export type SourceTables = ReadonlyMap<string, SourceTable>;

/** A row of another table that a feed reads columns of: at most one, told by a unique key. */
export interface Join {
  readonly table: string;
  /** Equal pairs: a column of the joined table, and a value of the feed's table or of a join before this one. */
  readonly on: readonly { readonly column: string; readonly type: string; readonly equals: Expression }[];
}

/** One table as one kind of canonical record. Several feeds may make one record, and one table may have several feeds. */
export interface Feed {
  readonly record: TableName;
  readonly table: string;
  readonly where: readonly Condition[];
  /** By name, in the order in which they depend on each other. */
  readonly joins: ReadonlyMap<string, Join>;
  /** Every column of the record. */
  readonly columns: Readonly<Record<string, Expression>>;
}

/** An event beyond the catalogued nine, on any table. */
export interface CustomEvent {
  readonly name: string;
  /** Place in the file. */
  readonly order: number;
  readonly table: string;
  readonly on: ReadonlySet<'insert' | 'update'>;
  readonly where: readonly Condition[];
  /** UPDATE: one of these columns has another value than before. Empty: whatever changed. */
  readonly changed: readonly string[];
  /** These hold now and did not all before. */
  readonly becomes: readonly Condition[];
  readonly joins: ReadonlyMap<string, Join>;
  /** Null: the primary key, for an UPDATE with where it was committed. */
  readonly key: Expression | null;
  readonly primaryKey: Expression;
  readonly merchantId: Expression;
  readonly accountId: Expression | null;
  readonly userId: Expression | null;
  /** Null: when it was committed. */
  readonly timestamp: Expression | null;
  readonly properties: ReadonlyMap<string, Expression>;
}

/** In the order in which they are declared. */
export function customEventsOf({ customEvents }: Pick<Mapping, 'customEvents'>): readonly CustomEvent[] {
  return [...customEvents.values()].flat().toSorted((a, b) => a.order - b.order);
}

/**
 * The canonical records as SQL over the user's tables. Statements name the reference schema's tables and columns and
 * never learn what stands behind them.
 */
export interface Relations {
  /**
   * What stands after FROM or JOIN in place of the canonical table; an alias must follow. Has every canonical column, and
   * `xmin` of the row behind it (null for rows that the mapping itself gives).
   */
  from(table: TableName): string;
  /** SQL type of a canonical column, for `= ANY (?::type[])`: keys keep the user's type, so that their indexes serve. */
  type(table: TableName, column: string): string;
  /** The one column behind a canonical one, where there is just one and it is taken as it is; else null. */
  plain(table: TableName, column: string): { readonly table: string; readonly column: string } | null;
  /** Whether what `from` gives has this column: one that is read on request only need not be there. */
  has(table: TableName, column: string): boolean;
  /** Whether every row has null there, so that looking a row up by it finds none; the planner would read the whole table for that. */
  isNull(table: TableName, column: string): boolean;
  /** Whether nothing gives rows of it: a mapping says nothing of such records. */
  isEmpty(table: TableName): boolean;
  /**
   * The user's tables of which this column may be the commit time of the row's last version: there it moves with every
   * update. Empty where it never is.
   */
  commitTimed(table: TableName, column: string): readonly string[];
  /** Whether foreign keys tell the planner how many rows the joins have, as the reference schema's do. */
  readonly hasForeignKeys: boolean;
}

/** A user's schema in terms of the reference schema. */
export interface Mapping {
  readonly tables: SourceTables;
  readonly relations: Relations;
  /** Feeds by source table; null: the tables are the reference schema's, and their rows are canonical as they come. */
  readonly feeds: ReadonlyMap<string, readonly Feed[]> | null;
  /** By table. */
  readonly customEvents: ReadonlyMap<string, readonly CustomEvent[]>;
  /** Canonical tables that nothing gives rows of. */
  readonly unmapped: ReadonlySet<TableName>;
}
