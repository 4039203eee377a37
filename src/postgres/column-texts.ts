import type { Knex } from 'knex';
import { databaseError } from './database-error.js';
import { quoteName, rowsOf } from './query.js';

/** Names as the catalogue has them. */
export interface ColumnPlace {
  readonly schema: string;
  readonly table: string;
  readonly column: string;
}

const PAGE_ROWS = 10_000;

/**
 * Hands over every value of a column, as PostgreSQL writes it, nulls left out: a page at a time and as of one moment.
 * @throws ConnectorError DATABASE_…
 */
export async function readColumn(
  knex: Knex,
  { schema, table, column }: ColumnPlace,
  take: (texts: readonly string[]) => void,
): Promise<void> {
  const name = quoteName(column);
  const doing = `reading ${schema}.${table}`;
  const read = async (transaction: Knex): Promise<void> => {
    await rowsOf(
      transaction,
      doing,
      `DECLARE every_value NO SCROLL CURSOR FOR
       SELECT ${name}::text AS value FROM ${quoteName(schema)}.${quoteName(table)} WHERE ${name} IS NOT NULL`,
    );
    for (let rows = PAGE_ROWS; rows === PAGE_ROWS;) {
      const page = await rowsOf<{ value: string }>(transaction, doing, `FETCH ${PAGE_ROWS} FROM every_value`);
      take(page.map(({ value }) => value));
      rows = page.length;
    }
  };
  try {
    await knex.transaction(read, { readOnly: true });
  } catch (error) {
    throw databaseError(error, doing);
  }
}
