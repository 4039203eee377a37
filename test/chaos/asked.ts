import type pg from 'pg';
import { toleratedCode } from './faults/tolerated.js';

const MOST_ATTEMPTS = 120;
const PAUSE_MS = 500;

/**
 * The answer to a statement, whatever is struck meanwhile: asked again while the server is away or a connection of the pool
 * turns out to have gone with it. For statements that may be performed twice.
 * @throws any other failure
 */
export async function asked<Row extends pg.QueryResultRow>(
  pool: pg.Pool,
  text: string,
  values: readonly (string | number)[] = [],
): Promise<pg.QueryResult<Row>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await pool.query<Row>(text, [...values]);
    } catch (thrown) {
      if (toleratedCode(thrown) === null || attempt === MOST_ATTEMPTS) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
