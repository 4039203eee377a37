import { expect, test } from 'vitest';

import { readTableNames } from '../../src/postgres/catalog.js';
import { openKnex } from '../../src/postgres/connection.js';
import { readTableShapes, type TableShape } from '../../src/postgres/table-shapes.js';
import { ODD_MAPPING, ODD_SCHEMA } from '../support/odd-schema.js';
import { testDatabase } from '../support/postgres.js';

const TABLES = `
CREATE TYPE public."Mood" AS ENUM ('good', 'bad');
CREATE DOMAIN public.cents AS bigint CHECK (VALUE >= 0);
CREATE DOMAIN public.price AS public.cents NOT NULL;
CREATE TABLE public.everything (
  b int NOT NULL, a int NOT NULL, gone text, code char(3), at timestamp, at_zone timestamptz NOT NULL, "Mood" public."Mood",
  price public.price, tags text[], twice int GENERATED ALWAYS AS (a * 2) STORED, parent int, loose int, part int,
  PRIMARY KEY (a, b) INCLUDE (code), UNIQUE (code, parent), UNIQUE (loose) DEFERRABLE);
ALTER TABLE public.everything DROP COLUMN gone;
CREATE UNIQUE INDEX ON public.everything (part) WHERE part > 0;
CREATE UNIQUE INDEX ON public.everything (abs(parent));
CREATE INDEX ON public.everything (parent);`;

test('a table is told by its columns, their types, and the keys that find one row', async () => {
  await using db = await testDatabase({ migrate: false });
  await db.sql(TABLES);
  const knex = openKnex({ url: db.url });
  const shapes = await readTableShapes(knex, ['public.everything', 'public.nothing']);
  await knex.destroy();
  expect([...shapes.keys()]).toEqual(['public.everything']);
  const shape = shapes.get('public.everything') as TableShape;
  expect([...shape.columns.values()].map(({ name, type, sqlType }) => [name, type, sqlType])).toEqual([
    ['b', 'int4', 'integer'],
    ['a', 'int4', 'integer'],
    ['code', 'bpchar', 'bpchar'],
    ['at', 'timestamp', 'timestamp without time zone'],
    ['at_zone', 'timestamptz', 'timestamp with time zone'],
    ['Mood', 'Mood', '"Mood"'],
    ['price', 'int8', 'bigint'],
    ['tags', '_text', 'text[]'],
    ['twice', 'int4', 'integer'],
    ['parent', 'int4', 'integer'],
    ['loose', 'int4', 'integer'],
    ['part', 'int4', 'integer'],
  ]);
  const columns = [...shape.columns.values()];
  expect(columns.filter(({ nullable }) => !nullable).map(({ name }) => name)).toEqual(['b', 'a', 'at_zone']);
  expect(columns.filter(({ generated }) => generated !== null)).toMatchObject([
    { name: 'twice', generated: 'stored' },
  ]);
  expect(columns.filter(({ name, streamed }) => !streamed && name !== 'twice')).toEqual([]);
  expect(shape).toMatchObject({ primaryKey: ['a', 'b'], identityKey: ['a', 'b'] });
  expect(shape.uniqueKeys).toEqual([['a', 'b'], ['code', 'parent'], ['loose']]);
});

test('names that need quoting are found as they are spelt, and those of a schema with a dot are nobody’s', async () => {
  await using db = await testDatabase({ migrate: false });
  await db.sql(ODD_SCHEMA);
  const knex = openKnex({ url: db.url });
  const names = await readTableNames(knex);
  const shapes = await readTableShapes(knex, names);
  await knex.destroy();
  expect(names.toSorted()).toEqual([...ODD_MAPPING.tables.keys()].toSorted());
  expect(new Set(shapes.keys())).toEqual(new Set(names));
  for (const { name, key } of ODD_MAPPING.tables.values()) expect(shapes.get(name)?.identityKey).toEqual(key);
  expect(shapes.get('public.member')).toMatchObject({
    primaryKey: ['id'],
    uniqueKeys: [['id'], ['Code', 'tenant']],
  });
});
