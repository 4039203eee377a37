import type { SourceTable, SourceTables } from './mapping.js';

/** The columns that are published and read, in the order in which rows have them. */
export function columnsOf(table: SourceTable): readonly string[] {
  return Object.keys(table.columns);
}

/** @throws RangeError for a name that is none of the tables' */
export function sourceTable(tables: SourceTables, name: string): SourceTable {
  const table = tables.get(name);
  if (table === undefined) throw new RangeError(`${name} is not a table of the mapping`);
  return table;
}

/** Each schema once. A name is split at its first dot: a table's name may have more, a schema's none. */
export function schemasOf(tables: SourceTables): readonly string[] {
  return [...new Set([...tables.keys()].map((name) => name.slice(0, name.indexOf('.'))))];
}

/** Tables whose old rows events need, and the others. */
export function withIdentity(
  tables: SourceTables,
  identity: SourceTable['identity'],
): readonly SourceTable[] {
  return [...tables.values()].filter((table) => table.identity === identity);
}
