import { NOTHING_ASKED, type OnRequest, type TableName } from '../records/tables.js';
export type { OnRequest } from '../records/tables.js';
import type { Condition, Expression } from './expression.js';

/** Something of the file with where it stands, e.g. `connector.yaml:12:5`. */
export interface Placed<T> {
  readonly value: T;
  readonly at: string;
}

export interface JoinSpec {
  readonly name: string;
  readonly table: Placed<string>;
  readonly on: readonly { readonly column: Placed<string>; readonly equals: Placed<Expression> }[];
}

/** A table with the columns that make a record of it, as written; types are `unknown` and defaults are not filled in. */
export interface FeedSpec {
  readonly record: TableName;
  readonly table: Placed<string>;
  readonly where: readonly Placed<Condition>[];
  /** In the order in which they are written; one may name those before it. */
  readonly joins: readonly JoinSpec[];
  readonly columns: ReadonlyMap<string, Placed<Expression>>;
}

/** Records that no table has: the one merchant, the wallets. Values by canonical column. */
export interface RowSpec {
  readonly record: TableName;
  readonly at: string;
  readonly columns: ReadonlyMap<string, Placed<string | null>>;
}

/** An event beyond the catalogued nine. */
export interface CustomEventSpec {
  readonly name: Placed<string>;
  readonly table: Placed<string>;
  readonly on: ReadonlySet<'insert' | 'update'>;
  readonly where: readonly Placed<Condition>[];
  /** UPDATE: at least one of these columns has another value than before. Empty: whatever changed. */
  readonly changed: readonly Placed<string>[];
  /** These hold now, and did not all hold before. Empty: nothing is asked. */
  readonly becomes: readonly Placed<Condition>[];
  readonly joins: readonly JoinSpec[];
  /** What tells this event from others of its name; null: the primary key. */
  readonly key: Placed<Expression> | null;
  /** Null: the mapping's only merchant. */
  readonly merchantId: Placed<Expression> | null;
  readonly accountId: Placed<Expression> | null;
  /** In place of the id that the source's strategy gives. */
  readonly userId: Placed<Expression> | null;
  /** Null: when the change was committed. */
  readonly timestamp: Placed<Expression> | null;
  readonly properties: ReadonlyMap<string, Placed<Expression>>;
}

/** What `connector.yaml` says of the user's schema. */
export interface MappingSpec {
  /** For timestamps and dates without a zone of their own; null: each must say its zone. */
  readonly zone: string | null;
  /** Null: no `mapping` in the file, the tables are the reference schema's. */
  readonly feeds: readonly FeedSpec[] | null;
  readonly rows: readonly RowSpec[];
  readonly customEvents: readonly CustomEventSpec[];
  /** Columns that some source asks for; without that they are not read. */
  readonly asked: ReadonlySet<OnRequest>;
}

/** What holds without a word of the file. */
export const REFERENCE_SPEC: MappingSpec = {
  zone: null,
  feeds: null,
  rows: [],
  customEvents: [],
  asked: NOTHING_ASKED,
};
