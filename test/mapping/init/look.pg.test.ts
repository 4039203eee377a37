import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CatalogueTable } from '../../../src/mapping/init/catalogue.js';
import { lookAt, type LookOptions, type Seen } from '../../../src/mapping/init/look.js';
import { readSettingsFile } from '../../../src/config/settings-file.js';
import { openMapping, readMapping } from '../../../src/mapping/open-mapping.js';
import { openKnex } from '../../../src/postgres/connection.js';
import { GENERATED_SINCE } from '../../../src/postgres/generated-columns.js';
import { TABLE_NAMES } from '../../../src/records/tables.js';
import { testDatabase, type TestDatabase } from '../../support/postgres.js';
import { catalogueOf, ddlOf, SCHEMAS } from './ddl.js';
import { proposed } from './proposed.js';

async function withTables(ddl: string): Promise<TestDatabase> {
  const database = await testDatabase({ migrate: false });
  await database.sql(ddl);
  return database;
}

async function look(database: TestDatabase, options: Partial<LookOptions> = {}): Promise<Seen> {
  return lookAt({ database: { url: database.url }, schemas: [], samples: true, ...options });
}

function tableOf({ catalogue }: Seen, name: string): CatalogueTable {
  const table = catalogue.tables.find((each) => each.name === name);
  if (table === undefined) throw new Error(`no table ${name} was seen`);
  return table;
}

function valuesOf(seen: Seen, table: string): Record<string, readonly string[] | null> {
  return Object.fromEntries(tableOf(seen, table).columns.map(({ name, values }) => [name, values]));
}

describe.each(SCHEMAS)('the tables of a %s', (schema) => {
  it('are seen as they were made, and proposed as from the text of their making', async () => {
    await using database = await withTables(ddlOf(schema));
    const seen = await look(database, { samples: false });
    const { tables, ...written } = catalogueOf(ddlOf(schema));
    expect(seen.catalogue.tables).toEqual(tables);
    const sameName = { ...written, database: database.name, serverZone: seen.catalogue.serverZone, tables };
    expect(proposed(seen.catalogue).text).toBe(proposed(sameName).text);
  });

  it('are mapped by what is proposed, as it stands: it is read without a problem and fits the database', async () => {
    await using database = await withTables(ddlOf(schema));
    const { text } = proposed((await look(database)).catalogue);
    const { mapping, problems } = readSettingsFile(text, { path: 'c.yaml', env: {}, readFile: () => '' });
    expect(problems, text).toEqual([]);
    const knex = openKnex({ url: database.url });
    try {
      const bound = await readMapping(knex, mapping);
      expect(bound.tag === 'wrong' ? bound.problems : [], text).toEqual([]);
      const { relations } = await openMapping(knex, mapping);
      for (const table of TABLE_NAMES) await knex.raw(`SELECT * FROM ${relations.from(table)} t LIMIT 1`);
    } finally {
      await knex.destroy();
    }
  });
});

/** The script as it is published; its rows are no part of this repository. */
const NORTHWIND = process.env['NORTHWIND_SQL'] ?? '../shared/samples/northwind.sql';

describe.skipIf(!existsSync(NORTHWIND))(
  `Northwind as it is published (${NORTHWIND}, skipped where it is not)`,
  () => {
    it('has its customers for guests and its orders for what happens at the till', async () => {
      await using database = await withTables(readFileSync(NORTHWIND, 'utf8'));
      const { feed, mapping, text } = proposed((await look(database)).catalogue);
      expect(Object.keys(mapping)).toEqual(['merchant', 'card_template', 'guest', 'account', 'transaction']);
      expect(feed('guest')).toMatchObject({
        table: 'public.customers',
        columns: { user_id: 'customer_id', first_name: 'contact_name' },
      });
      expect(feed('account').columns).toMatchObject({ account_id: 'customer_id', user_id: 'customer_id' });
      expect(feed('transaction')).toMatchObject({
        table: 'public.orders',
        columns: { transaction_id: 'order_id', account_id: 'customer_id', operator_id: 'employee_id' },
      });
      expect(text).toContain('public.order_details: lines of');
      // Of the rows themselves nothing is in the file.
      for (const value of ['ALFKI', 'Maria Anders', 'Berlin', 'Beverages', 'Nancy'])
        expect(text).not.toContain(value);
    });
  },
);

describe('the reference schema', () => {
  it('is recognised and needs no mapping', async () => {
    await using database = await testDatabase();
    const { proposal, text } = proposed((await look(database)).catalogue);
    expect(proposal).toEqual({ tag: 'reference', lacking: [] });
    expect(text).toContain('no mapping is needed');
  });

  it('is recognised without one of the columns that are read, which is named', async () => {
    await using database = await testDatabase();
    await database.sql('ALTER TABLE survey.response RENAME COLUMN nps TO net_promoter_score');
    const { proposal, text } = proposed((await look(database)).catalogue);
    expect(proposal).toEqual({ tag: 'reference', lacking: ['survey.response.nps'] });
    expect(text).toContain('but for survey.response.nps.');
  });
});

describe('what is looked at', () => {
  it('is every table whose rows can be published, a partitioned one once', async () => {
    await using database = await withTables(`
      CREATE TABLE sales (sale_id int8, sold_at timestamptz, PRIMARY KEY (sale_id, sold_at)) PARTITION BY RANGE (sold_at);
      CREATE TABLE sales_2026 PARTITION OF sales FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
      CREATE UNLOGGED TABLE visits (visit_id int8 PRIMARY KEY);
      CREATE VIEW recent AS SELECT * FROM sales;
      CREATE SCHEMA segment_connector CREATE TABLE checkpoint (id int8 PRIMARY KEY);`);
    const { catalogue } = await look(database);
    expect(catalogue.tables.map(({ schema, name }) => `${schema}.${name}`)).toEqual(['public.sales']);
  });

  it('leaves out columns that no stream has', async () => {
    await using database = await withTables(
      'CREATE TABLE sales (id int4 PRIMARY KEY, cents int4, euros numeric GENERATED ALWAYS AS (cents / 100.0) STORED)',
    );
    const { rows } = await database.sql<{ version: number }>(
      `SELECT current_setting('server_version_num')::int AS version`,
    );
    const streamed = (rows[0]?.version ?? 0) >= GENERATED_SINCE;
    if (streamed)
      await database.sql('ALTER TABLE sales ADD COLUMN twice int4 GENERATED ALWAYS AS (cents * 2) VIRTUAL');
    const { columns } = tableOf(await look(database, { samples: false }), 'sales');
    expect(columns.map(({ name }) => name)).toEqual(['id', 'cents', ...(streamed ? ['euros'] : [])]);
  });

  it('is of a table: keys, references of several columns, domains, enums, comments and an estimate of its rows', async () => {
    await using database = await withTables(`
      CREATE DOMAIN email AS text;
      CREATE TYPE level AS ENUM ('silver', 'gold');
      CREATE TABLE members (brand int4, no int4, mail email, level level, tags text[], PRIMARY KEY (brand, no));
      CREATE UNIQUE INDEX ON members (mail) WHERE level = 'gold';
      CREATE UNIQUE INDEX ON members (lower(mail));
      CREATE UNIQUE INDEX ON members (mail) INCLUDE (level);
      COMMENT ON TABLE members IS 'Loyal people';
      COMMENT ON COLUMN members.no IS 'on the card';
      CREATE TABLE sales (sale_id int8 PRIMARY KEY, member_no int4, member_brand int4,
        FOREIGN KEY (member_brand, member_no) REFERENCES members (brand, no));
      INSERT INTO members SELECT 1, n, 'a', 'gold', '{}' FROM generate_series(1, 1) n;
      ANALYZE members;`);
    const seen = await look(database, { samples: false });
    expect(tableOf(seen, 'members')).toEqual({
      schema: 'public',
      name: 'members',
      comment: 'Loyal people',
      rows: 1,
      columns: [
        { name: 'brand', type: 'int4', nullable: false, comment: null, values: null },
        { name: 'no', type: 'int4', nullable: false, comment: 'on the card', values: null },
        { name: 'mail', type: 'text', nullable: true, comment: null, values: null },
        { name: 'level', type: 'enum', nullable: true, comment: null, values: ['silver', 'gold'] },
        { name: 'tags', type: '_text', nullable: true, comment: null, values: null },
      ],
      primaryKey: ['brand', 'no'],
      uniques: [['mail']],
      foreignKeys: [],
      readable: true,
    });
    expect(tableOf(seen, 'sales')).toMatchObject({
      rows: null,
      foreignKeys: [
        { columns: ['member_brand', 'member_no'], references: 'public.members', referenced: ['brand', 'no'] },
      ],
    });
  });

  it('is of the schemas asked for alone', async () => {
    await using database = await withTables(`
      CREATE SCHEMA shop CREATE TABLE customers (id int8 PRIMARY KEY);
      CREATE TABLE customers (id int8 PRIMARY KEY);`);
    const { catalogue } = await look(database, { schemas: ['shop'] });
    expect(catalogue.tables.map(({ schema }) => schema)).toEqual(['shop']);
    await expect(look(database, { schemas: ['sohp'] })).rejects.toMatchObject({
      code: 'MAPPING_INIT_REFUSED',
      message: `the database ${database.name} has no table in sohp that could be published. There are tables in public, shop.`,
    });
  });

  it('is the zone that the server, the database or the role has, and no zone of the connection', async () => {
    await using database = await withTables('CREATE TABLE customers (id int8 PRIMARY KEY)');
    await database.sql(`ALTER DATABASE ${database.name} SET TimeZone = 'Asia/Tokyo'`);
    expect((await look(database)).catalogue.serverZone).toBe('Asia/Tokyo');
  });
});

describe('values', () => {
  const CUSTOMERS = `
    CREATE TABLE customers (id int8 PRIMARY KEY, status text, city text, state text, source text, phone_type text, email text,
      gender text, card_status text, tier text);
    INSERT INTO customers SELECT n, CASE WHEN n % 2 = 0 THEN 'ACTIVE' ELSE 'CLOSED' END, 'Rome', 'RM', 'src' || n, 'x', 'a@b.c',
      'f', 'LOST', CASE WHEN n = 1 THEN 'someone@example.com' ELSE 'GOLD' END FROM generate_series(1, 30) n;`;

  it('are read of columns of codes, where they are few and nothing of a person', async () => {
    await using database = await withTables(CUSTOMERS);
    expect(valuesOf(await look(database), 'customers')).toEqual({
      id: null,
      status: ['ACTIVE', 'CLOSED'],
      city: null,
      state: null,
      source: null,
      phone_type: ['x'],
      email: null,
      gender: null,
      card_status: ['LOST'],
      tier: null,
    });
  });

  it('are not read at all when that is not wanted', async () => {
    await using database = await withTables(CUSTOMERS);
    const values = valuesOf(await look(database, { samples: false }), 'customers');
    expect(Object.values(values).every((each) => each === null)).toBe(true);
  });

  it('are read whatever a column is called', async () => {
    await using database = await withTables(`
      CREATE TABLE "odd ""sales?" (id int8 PRIMARY KEY, "the? kind" text);
      INSERT INTO "odd ""sales?" VALUES (1, 'SALE');`);
    expect(valuesOf(await look(database), 'odd "sales?')['the? kind']).toEqual(['SALE']);
  });

  it('are those of the first ten thousand rows', async () => {
    await using database = await withTables(`
      CREATE TABLE sales (id int8 PRIMARY KEY, kind text);
      INSERT INTO sales SELECT n, CASE WHEN n <= 10000 THEN 'SALE' ELSE 'LATE' END FROM generate_series(1, 10100) n;`);
    expect(valuesOf(await look(database), 'sales')['kind']).toEqual(['SALE']);
  });

  it('of a locked table are given up after the time a look is worth, and named', async () => {
    await using database = await withTables(`
      CREATE TABLE sales (id int8 PRIMARY KEY, kind text);
      CREATE TABLE orders (id int8 PRIMARY KEY, kind text);
      INSERT INTO orders VALUES (1, 'WEB');`);
    const session = await database.session();
    await session.query('BEGIN; LOCK TABLE sales IN ACCESS EXCLUSIVE MODE');
    const seen = await look(database, { database: { url: database.url, statementTimeoutMs: 200 } });
    expect(seen.unread).toEqual(['public.sales.kind']);
    expect(valuesOf(seen, 'orders')['kind']).toEqual(['WEB']);
    await session.query('ROLLBACK');
  });

  it('of a table without the right to read it are left out, and the table is named', async () => {
    await using database = await withTables(`
      CREATE TABLE customers (id int8 PRIMARY KEY, status text);
      CREATE TABLE orders (id int8 PRIMARY KEY, customer_id int8 REFERENCES customers (id), kind text, created_at timestamptz);
      INSERT INTO orders VALUES (1, NULL, 'WEB', NULL);`);
    const role = `look_${database.name}`;
    await database.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'look'; GRANT SELECT ON orders TO ${role}`);
    const url = new URL(database.url);
    [url.username, url.password] = [role, 'look'];
    const seen = await look(database, { database: { url: url.href } });
    expect(seen).toMatchObject({
      role,
      unreadable: ['public.customers'],
      unread: ['public.customers.status'],
    });
    expect(valuesOf(seen, 'orders')['kind']).toEqual(['WEB']);
    expect(proposed(seen.catalogue).feed('guest').table).toBe('public.customers');
    await database.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
});

describe('a database without tables', () => {
  it('is refused with the question whether it is the right one', async () => {
    await using database = await testDatabase({ migrate: false });
    await expect(look(database)).rejects.toMatchObject({
      code: 'MAPPING_INIT_REFUSED',
      message: expect.stringContaining('does DATABASE_URL name the right database?'),
    });
  });
});
