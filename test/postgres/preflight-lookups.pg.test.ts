import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse.js';
import { openMapping } from '../../src/mapping/open-mapping.js';
import { openKnex } from '../../src/postgres/connection.js';
import { slowLookups } from '../../src/postgres/preflight/lookups.js';
import { mappedDatabase } from '../support/mapped-database.js';
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

test('a key that may be null keeps its type, and is found by an index on the column alone', async () => {
  await using mapped = await mappedDatabase({
    schema: `
      CREATE TABLE member (id uuid PRIMARY KEY, card int, joined timestamptz);
      CREATE TABLE card (id int PRIMARY KEY, number text, member uuid);
      CREATE TABLE load (id int PRIMARY KEY, member uuid NOT NULL, card int, place int, old_place int, amount int);
      CREATE TABLE place (id int PRIMARY KEY, name text);
      CREATE INDEX ON card (member); CREATE INDEX ON member (id) WHERE id IS NOT NULL;
      INSERT INTO card SELECT n, n FROM generate_series(1, 3000) n; ANALYZE`,
    yaml: `
mapping:
  merchant: { rows: [{ merchant_id: 1, name: Shop }] }
  wallet_definition: { rows: [{ wallet_code: C, wallet_type: STORED_VALUE, value_kind: CURRENCY }] }
  store: { table: place, columns: { store_id: id } }
  account: { table: member, columns: { account_id: id, user_id: id, registered_at: joined } }
  card: { table: card, columns: { card_id: id, account_id: member, printed_card_number: number } }
  recharge:
    table: load
    columns:
      recharge_id: id
      account_id: member
      card_id: card
      store_id: { first: [place, old_place] }
      wallet_code: { value: C }
      amount: amount
`,
  });
  const { relations } = await mapped.mapping();
  expect(relations.type('loyalty.card', 'card_id')).toBe('bigint');
  expect(relations.type('loyalty.store', 'store_id')).toBe('bigint');
  await mapped.setUp();
  expect((await mapped.check()).filter(({ id }) => id === 'index')).toEqual([]);
});

test('one index that serves several look-ups is told once', async () => {
  await using mapped = await mappedDatabase({
    schema:
      'CREATE TABLE member (shop int, no int, card text, points int, joined timestamptz, PRIMARY KEY (shop, no))',
    yaml: `
mapping:
  merchant: { rows: [{ merchant_id: 1, name: Shop }] }
  wallet_definition: { rows: [{ wallet_code: P, wallet_type: POINT, value_kind: POINTS }] }
  account: { table: member, columns: { account_id: { id: [shop, no] }, registered_at: joined } }
  card: { table: member, columns: { card_id: { id: [shop, no] }, account_id: { id: [shop, no] }, printed_card_number: card } }
  wallet: { table: member, columns: { account_id: { id: [shop, no] }, wallet_code: { value: P }, balance: points } }
`,
  });
  await mapped.setUp();
  const [index, ...others] = (await mapped.check()).filter(({ id }) => id === 'index');
  expect(others).toEqual([]);
  expect(index?.what).toBe(
    'no index of public.member serves looking up account by account_id, wallet by account_id, card by card_id, card by account_id',
  );
  await mapped.apply(index?.fix ?? '');
  expect(await mapped.check()).toEqual([]);
});
