import { columnsOf, TABLE_NAMES } from '../../records/tables.js';
import { fullName, type Catalogue } from './catalogue.js';

/** Fewer of its tables are another schema with some names in common. */
const MOST = 0.75;

/**
 * What the reference schema has and the database lacks: nothing where the tables are just those. Null: they are not meant to be.
 */
export function lackingOfReference({ tables }: Catalogue): readonly string[] | null {
  const found = new Map(
    tables.map((table) => [fullName(table), new Set(table.columns.map(({ name }) => name))]),
  );
  const there = TABLE_NAMES.filter((name) => found.has(name));
  if (there.length < TABLE_NAMES.length * MOST) return null;
  const tablesLacking = TABLE_NAMES.filter((name) => !found.has(name));
  const columnsLacking = there.flatMap((name) =>
    columnsOf(name)
      .filter((column) => found.get(name)?.has(column) === false)
      .map((column) => `${name}.${column}`),
  );
  return [...tablesLacking, ...columnsLacking];
}
