import { columnsOf, TABLE_NAMES } from '../../records/tables.js';
import { fullName, type Catalogue } from './catalogue.js';

/** Whether the tables are the reference schema's, with every column that is read: they need no mapping. */
export function isReferenceSchema({ tables }: Catalogue): boolean {
  const found = new Map(
    tables.map((table) => [fullName(table), new Set(table.columns.map(({ name }) => name))]),
  );
  return TABLE_NAMES.every((name) =>
    columnsOf(name).every((column) => found.get(name)?.has(column) === true),
  );
}
