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

/**
 * A name as SQL: quoted always, so that `Order` and `select` work too. A question mark is written as an escape, because
 * knex takes every one for a binding, also between quotes.
 */
export function quoteName(name: string): string {
  const quoted = doubleQuoted(name);
  return name.includes('?') ? `U&${quoted.replaceAll('\\', '\\\\').replaceAll('?', '\\003F')}` : quoted;
}

/** `loyalty.account` as SQL. The schema ends at the first dot: a table's name may have more. */
export function quoteTable(table: string): string {
  return qualified(table, quoteName);
}

/** A text as an SQL literal; with standard_conforming_strings (always on since 9.1) only quotes need doubling. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('?') ? `E${quoted.replaceAll('\\', '\\\\').replaceAll('?', '\\x3F')}` : quoted;
}

/** A table as an SQL value of type regclass. */
export function quoteRegclass(table: string): string {
  return `${quoteText(qualified(table, doubleQuoted))}::regclass`;
}

function qualified(table: string, quote: (name: string) => string): string {
  const dot = table.indexOf('.');
  return `${quote(table.slice(0, dot))}.${quote(table.slice(dot + 1))}`;
}

function doubleQuoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
