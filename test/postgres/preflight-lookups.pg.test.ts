import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse.js';
import { openMapping } from '../../src/mapping/open-mapping.js';
import { openKnex } from '../../src/postgres/connection.js';
import { slowLookups } from '../../src/postgres/preflight/lookups.js';
import { testDatabase } from '../support/postgres.js';

const SCHEMA = `
  CREATE TABLE member (shop int NOT NULL, no varchar NOT NULL, person int, joined timestamptz, PRIMARY KEY (shop, no));
  CREATE TABLE person (id int PRIMARY KEY, code text NOT NULL, given text);
  CREATE TABLE shop (id int PRIMARY KEY, name text);
  INSERT INTO person SELECT n, 'c' || n FROM generate_series(1, 5000) n;
  INSERT INTO member SELECT n % 7, 'm' || n, n, now() FROM generate_series(1, 5000) n;
  INSERT INTO shop SELECT n, 'shop ' || n FROM generate_series(1, 50) n;
  ANALYZE`;

const MAPPING = `
mapping:
  merchant: { rows: [{ merchant_id: 1, name: Shop, default_timezone: UTC }] }
  store: { table: shop, columns: { store_id: id, store_code: id, store_name: name } }
  guest: { table: person, columns: { user_id: code, first_name: given } }
  account:
    table: member
    join: { person: { table: person, on: { id: person } } }
    columns: { account_id: { id: [shop, no] }, user_id: person.code, registered_at: joined }
`;

test('look-ups that no index serves are named with the index that serves them, and made by it they are served', async () => {
  await using db = await testDatabase({ migrate: false });
  await db.sql(SCHEMA);
  const directory = await mkdtemp(join(tmpdir(), 'lookups-'));
  const file = join(directory, 'connector.yaml');
  await writeFile(file, MAPPING);
  const knex = openKnex({ url: db.url });
  const { mapping: spec } = parseConfig({ CONFIG_FILE: file }, { command: 'check' });
  const mapping = await openMapping(knex, spec);
  const found = await slowLookups(knex, mapping);
  expect(found.map(({ level, what, fix }) => ({ level, what, fix }))).toMatchObject([
    { level: 'warning', what: 'no index of public.member serves looking up account by account_id' },
    {
      what: 'no index of public.person serves looking up guest by user_id',
      fix: 'CREATE INDEX CONCURRENTLY ON "public"."person" ("code");',
    },
    {
      what: 'no index of public.member serves looking up account by user_id',
      fix: 'Map the id to a column of public.member itself, with an index on it.',
    },
  ]);
  for (const { fix } of found) if (fix.startsWith('CREATE')) await db.sql(fix);
  expect((await slowLookups(knex, mapping)).map(({ what }) => what)).toEqual([
    'no index of public.member serves looking up account by user_id',
  ]);
  // With an index on what the join goes by the planner finds the members of a person.
  await db.sql('CREATE INDEX ON member (person)');
  expect(await slowLookups(knex, mapping)).toEqual([]);
  await knex.destroy();
  await rm(directory, { recursive: true });
});

test('a role that may not read the tables is told so elsewhere', async () => {
  await using db = await testDatabase({ migrate: false });
  await db.sql(SCHEMA);
  const role = `role_${db.name}`;
  await db.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
  const directory = await mkdtemp(join(tmpdir(), 'lookups-'));
  const file = join(directory, 'connector.yaml');
  await writeFile(file, MAPPING);
  const { mapping: spec } = parseConfig({ CONFIG_FILE: file }, { command: 'check' });
  const owner = openKnex({ url: db.url });
  const mapping = await openMapping(owner, spec);
  await owner.destroy();
  const url = new URL(db.url);
  url.username = role;
  url.password = 'x';
  const knex = openKnex({ url: url.href });
  expect(await slowLookups(knex, mapping)).toEqual([]);
  await knex.destroy();
  await rm(directory, { recursive: true });
  await db.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
});
