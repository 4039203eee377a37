import type pg from 'pg';
import type { Strike } from '../fault.js';
import { toleratedCode } from './tolerated.js';

const MOST_ATTEMPTS = 120;
const PAUSE_MS = 500;

/**
 * Repeats a statement that undoes something until the server has taken it, whatever happens to the server meanwhile.
 * @param undo.done codes with which it says that there is nothing left to undo: an attempt whose answer was lost did it.
 * @throws any failure that a struck server does not explain
 */
export async function untilSettled(
  { site, sleep }: Strike,
  undo: { readonly statement: string; readonly done: readonly string[] },
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await site.pool.query(undo.statement);
      return;
    } catch (thrown) {
      if (undo.done.includes((thrown as pg.DatabaseError).code ?? '')) return;
      if (toleratedCode(thrown) === null || attempt === MOST_ATTEMPTS) throw thrown;
      await sleep(PAUSE_MS);
    }
  }
}
