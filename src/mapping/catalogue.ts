import type { Streamless } from '../postgres/streamless.js';
import type { TableShape } from '../postgres/table-shapes.js';

/** What a database says of the tables that a mapping names. */
export interface Catalogue {
  /** As far as they are there, by `schema.table`. */
  readonly tables: ReadonlyMap<string, TableShape>;
  /** Views and foreign tables that it names. */
  readonly streamless: ReadonlyMap<string, Streamless>;
  /** Every table of the database, for who mistyped one. */
  readonly names: readonly string[];
}
