import { afterAll, beforeAll, expect, it } from 'vitest';
import { readMapping } from '../../src/mapping/open-mapping.js';
import { openKnex } from '../../src/postgres/connection.js';
import { mappingSpec } from '../support/mapped-capture.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase({ migrate: false });
  await db.sql(`
    CREATE TABLE thing (id int PRIMARY KEY, i smallint, n numeric, f float8, b boolean, u uuid, d date, ts timestamp,
      tz timestamptz, t text, v varchar(2), j jsonb)`);
});
afterAll(() => db.close());

async function problemsOf(yaml: string): Promise<readonly string[]> {
  const knex = openKnex({ url: db.url });
  try {
    const bound = await readMapping(knex, await mappingSpec(yaml));
    return bound.tag === 'wrong' ? bound.problems.map(({ says }) => says) : [];
  } finally {
    await knex.destroy();
  }
}

const eventWith = (line: string): string => `
mapping:
  merchant: { rows: [{ merchant_id: 1, name: Shop, currency: CHF }] }
  account: { table: thing, columns: { account_id: id } }
custom_events:
  - { name: Thing Done, table: thing, on: [insert, update], ${line} }
`;

it.each<[condition: string, says: string]>([
  ['{ i: high }', 'i is smallint, which is never "high"; write a whole number.'],
  ['{ i: [1, 1.5] }', 'i is smallint, which is never "1.5"; write a whole number.'],
  ['{ n: { not: x } }', 'n is numeric, which is never "x"; write a number.'],
  ['{ f: much }', 'f is double precision, which is never "much"; write a number.'],
  ['{ b: Y }', 'b is boolean, which is never "Y"; write true or false.'],
  ['{ u: 5 }', 'u is uuid, which is never "5"; write a uuid.'],
  ['{ d: today }', 'd is date, which is never "today"; write it as PostgreSQL does in UTC, such as 2026-01-31.'],
  ['{ ts: 2026-01-31T12:30:00 }', 'ts is timestamp without time zone, which is never "2026-01-31T12:30:00"; write it as PostgreSQL does in UTC, such as 2026-01-31 12:30:00.'],
  ['{ d: { above: 0 } }', 'The value is date, which `above:` cannot compare; it needs a number.'],
  ['{ j: { below: 0 } }', 'The value is jsonb, which `below:` cannot compare; it needs a number.'],
])('a condition that no row can meet is refused, wherever it stands: %s', async (condition, says) => {
  expect(await problemsOf(eventWith(`where: ${condition}`))).toEqual([says]);
  expect(await problemsOf(eventWith(`becomes: ${condition}`))).toEqual([says]);
  const within = await problemsOf(eventWith(`properties: { p: { first: [{ column: t, when: ${condition} }, t] } }`));
  expect(within).toEqual([says]);
}); // prettier-ignore

it.each([
  '{ i: 5 }', '{ i: [5, -6] }', '{ n: 5.00 }', '{ f: 1.5 }', '{ b: true }', '{ b: t }', '{ u: 2e2ea80f-e42d-4d97-8ecb-0bee489bae55 }',
  '{ d: 2026-01-31 }', '{ d: infinity }', '{ ts: "2026-01-31 12:30:00" }', '{ tz: "2026-01-31 12:30:00.5+00" }', '{ t: 5, v: long }',
  '{ i: null }', '{ i: { set: true } }', '{ t: { above: 0 } }', '{ f: { at_most: 1.5 } }',
])('one that a row can meet is taken: %s', async (condition) => {
  expect(await problemsOf(eventWith(`where: ${condition}`))).toEqual([]);
}); // prettier-ignore
