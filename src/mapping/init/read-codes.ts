import type { Knex } from 'knex';
import { ConnectorError } from '../../errors/connector-error.js';
import { quoteName, quoteTable, rowsOf } from '../../postgres/query.js';
import { fullName, isNameable, type CatalogueTable } from './catalogue.js';
import { asCodes, codeColumns, MAX_CODES } from './personal.js';
import { References } from './references.js';

/** Rows of a table that are looked at: more tell hardly more codes, and take their time. */
const MAX_ROWS = 10_000;
/** Tables of a legacy database may have hundreds of such columns. */
const MAX_COLUMNS = 300;

export interface ReadCodes {
  readonly tables: readonly CatalogueTable[];
  /** `schema.table.column`s that could not be read in time, or by this role. */
  readonly unread: readonly string[];
}

/**
 * The tables with the distinct values of their columns of codes, and of no others. What takes longer than the
 * connection's statement timeout, or may not be read, is left out and named.
 * @throws ConnectorError DATABASE_…
 */
export async function readCodes(knex: Knex, tables: readonly CatalogueTable[]): Promise<ReadCodes> {
  const references = new References(tables);
  const unread: string[] = [];
  const found: CatalogueTable[] = [];
  let asked = 0;
  for (const table of tables) {
    const values = new Map<string, readonly string[] | null>();
    for (const { name } of codeColumns(table, references)) {
      const place = `${fullName(table)}.${name}`;
      asked += 1;
      const read =
        table.readable && isNameable(table) && asked <= MAX_COLUMNS
          ? await distinctValues(knex, table, name)
          : null;
      if (read === null) unread.push(place);
      else values.set(name, asCodes(read));
    }
    const columns = table.columns.map((column) => ({
      ...column,
      values: values.get(column.name) ?? column.values,
    }));
    found.push({ ...table, columns });
  }
  return { tables: found, unread };
}

/** One more than codes may be, so that more is seen; null: it was not to be read. */
async function distinctValues(
  knex: Knex,
  table: CatalogueTable,
  column: string,
): Promise<readonly string[] | null> {
  const statement = `SELECT DISTINCT value FROM (SELECT ${quoteName(column)}::text AS value FROM ${quoteTable(fullName(table))}
    LIMIT ${MAX_ROWS}) sample WHERE value IS NOT NULL LIMIT ${MAX_CODES + 1}`;
  try {
    // A question mark in a name is none of knex's bindings.
    const rows = await rowsOf<{ value: string }>(knex, 'looking at codes', statement.replaceAll('?', '\\?'));
    return rows.map(({ value }) => value);
  } catch (error) {
    // Row level security and views of a DBA's making may refuse what the privilege allows.
    if (
      error instanceof ConnectorError &&
      (error.code === 'DATABASE_BUSY' || error.code === 'DATABASE_RIGHTS')
    )
      return null;
    throw error;
  }
}
