import fc from 'fast-check';
import { expect, test } from 'vitest';

import { openKnex } from '../../src/postgres/connection.js';
import { quoteName, quoteRegclass, quoteTable, quoteText, rowsOf } from '../../src/postgres/query.js';
import { runs } from '../support/fuzz-runs.js';
import { testDatabase } from '../support/postgres.js';

/** PostgreSQL cuts names at 63 bytes, and no text has a zero byte. */
const name = fc
  .array(fc.constantFrom('a', 'É', '?', '??', '\\', '"', "'", '$', '$1', '.', ':b', ' ', '\n', '%', '💚'), {
    minLength: 1,
    maxLength: 12,
  })
  .map((parts) => parts.join(''));

test('any name and any text comes through a statement as it was, beside its bindings', async () => {
  await using db = await testDatabase({ migrate: false });
  const knex = openKnex({ url: db.url });
  await fc.assert(
    fc.asyncProperty(name, name, async (column, text) => {
      const statement = `SELECT ${quoteText(text)} AS ${quoteName(column)}, ?::text AS bound FROM (SELECT 1) ${quoteName(text)}`;
      const rows = await rowsOf(knex, 'quoting', statement, ['?']);
      expect(rows).toEqual([{ [column]: text, ...(column === 'bound' ? {} : { bound: '?' }) }]);
    }),
    runs(100),
  );
  await knex.destroy();
});

test('a table is found by its name, whose schema ends at the first dot', async () => {
  await using db = await testDatabase({ migrate: false });
  const knex = openKnex({ url: db.url });
  for (const table of ['public.a.b', 'public.Wh"at?', `public.it's \\?`]) {
    await rowsOf(knex, 'creating', `CREATE TABLE ${quoteTable(table)} ()`);
    const [found] = await rowsOf<{ name: string }>(
      knex,
      'finding',
      `SELECT relnamespace::regnamespace || '.' || relname AS name FROM pg_class WHERE oid = ${quoteRegclass(table)}`,
    );
    expect(found?.name).toBe(table);
  }
  await knex.destroy();
});
