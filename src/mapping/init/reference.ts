import { columnOf, type CatalogueTable } from './catalogue.js';

/** A row of one table names a row of another. */
export interface Reference {
  readonly from: CatalogueTable;
  readonly columns: readonly string[];
  readonly to: CatalogueTable;
  /** A unique key of `to`, in the order of `columns`. */
  readonly referenced: readonly string[];
  /** False: no foreign key says so, the names do. */
  readonly declared: boolean;
  /** Some rows may name none. */
  readonly optional: boolean;
}

export function isOptional(table: CatalogueTable, columns: readonly string[]): boolean {
  return columns.some((name) => columnOf(table, name)?.nullable !== false);
}
