import type { Knex } from 'knex';

import { databaseError } from './database-error.js';

export type Binding = string | number | boolean | null | readonly string[];

/**
 * Rows of one statement; `?` marks a binding. `doing` completes "PostgreSQL failed while …".
 * @throws ConnectorError with a DATABASE_ code
 */
export async function rowsOf<R>(
  knex: Knex,
  doing: string,
  statement: string,
  bindings: readonly Binding[] = [],
): Promise<R[]> {
  try {
    // knex types bindings as mutable and nested; the driver only reads them.
    const { rows } = await knex.raw<{ rows: R[] }>(statement, bindings as Knex.RawBinding[]);
    return rows;
  } catch (error) {
    throw databaseError(error, doing);
  }
}

/** The one row of a statement that always gives one. */
export async function rowOf<R>(
  knex: Knex,
  doing: string,
  statement: string,
  bindings: readonly Binding[] = [],
): Promise<R> {
  const [row] = await rowsOf<R>(knex, doing, statement, bindings);
  if (row === undefined) throw new RangeError(`no row while ${doing}`);
  return row;
}

/** A name as SQL: quoted always, so that `Order` and `select` work too. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `loyalty.account` as SQL. */
export function quoteTable(table: string): string {
  const dot = table.indexOf('.');
  return `${quoteName(table.slice(0, dot))}.${quoteName(table.slice(dot + 1))}`;
}

/** A text as an SQL literal; with standard_conforming_strings (always on since 9.1) only quotes need doubling. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
