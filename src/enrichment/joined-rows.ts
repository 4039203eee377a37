import type { Knex } from 'knex';
import type { SourceRow } from '../changes/transaction.js';
import type { WantedRows } from '../mapping/joined-rows.js';
import type { Mapping } from '../mapping/mapping.js';
import { databaseError } from '../postgres/database-error.js';
import { quoteName, quoteTable } from '../postgres/query.js';

export interface JoinedRowsOptions {
  readonly knex: Knex;
  readonly mapping: Mapping;
  /** Called once per SELECT with what it was for. */
  readonly onLookup?: (what: string) => void;
}

/** Values as the wire carries them. */
const AS_TEXT = { types: { getTypeParser: () => (value: string | null) => value } };

/** Reads rows of joined tables by the columns they are joined by, in the text that the stream sends. */
export function joinedRows(
  options: JoinedRowsOptions,
): (wanted: WantedRows) => Promise<readonly SourceRow[]> {
  const { knex, mapping } = options;
  return async ({ table, columns, keys }) => {
    options.onLookup?.(table);
    const read = Object.keys(mapping.tables.get(table)?.columns ?? {});
    const list = read.map((column) => `t.${quoteName(column)}`).join(', ');
    const names = columns.map((_column, index) => `k${index}`);
    const arrays = columns.map(({ type }) => `?::${quoteName(type)}[]`).join(', ');
    const on = columns.map(({ name }, index) => `t.${quoteName(name)} = wanted.k${index}`).join(' AND ');
    const bindings = columns.map((_column, index) => keys.map((key) => key[index] ?? null));
    try {
      const { rows } = (await knex
        .raw(
          `SELECT ${list} FROM unnest(${arrays}) AS wanted (${names.join(', ')}) JOIN ${quoteTable(table)} t ON ${on}`,
          bindings as Knex.RawBinding[],
        )
        .options(AS_TEXT)) as { rows: SourceRow[] };
      return rows;
    } catch (error) {
      throw databaseError(error, `looking up ${table}`);
    }
  };
}
