import { expect, test } from 'vitest';
import { GENERATED_SINCE } from '../../src/postgres/generated-columns.js';
import { captured } from '../support/captured.js';
import { mappedDatabase } from '../support/mapped-database.js';

const MEMBERS = `
  CREATE TABLE member (id int PRIMARY KEY, given text, joined timestamptz DEFAULT now(),
    shouted text GENERATED ALWAYS AS (upper(given)) STORED);
  INSERT INTO member (id, given) VALUES (1, 'Ann');
  CREATE TABLE place (id int PRIMARY KEY, name text, label text GENERATED ALWAYS AS ('at ' || name) STORED, secret text);
  INSERT INTO place VALUES (7, 'Pier'), (8, 'Mall');
  CREATE TABLE visit (no int PRIMARY KEY, member int NOT NULL, place int, at timestamptz DEFAULT now(), stage text);`;

const HEAD = `
mapping:
  zone: UTC
  merchant: { rows: [{ merchant_id: 1, name: Shop, default_timezone: UTC }] }
  account: { table: member, where: { joined: { set: true } }, columns: { account_id: id, user_id: id, registered_at: joined } }`;

test('stored generated columns arrive from tables that are published whole and from those with a column list', async () => {
  const yaml = `${HEAD}
  guest: { table: member, columns: { user_id: id, first_name: shouted } }
  store: { table: place, columns: { store_id: id, store_code: label } }
  check_in: { table: visit, columns: { checkin_id: no, account_id: member, store_id: place, checkin_time: at } }`;
  await using mapped = await mappedDatabase({ schema: MEMBERS, yaml: HEAD });
  if (mapped.version < GENERATED_SINCE) return;
  const { db } = mapped;
  const mapping = await mapped.mapping(yaml);
  await mapped.setUp({ mapping });
  await using capture = await captured(db, { mapping });
  const seen = async (no: number): Promise<Record<string, unknown> | undefined> => {
    await db.sql(`INSERT INTO visit VALUES (${no}, 1, 7)`);
    const calls = await capture.until(`px-1-check_in-${no}`);
    return calls.find(({ messageId }) => messageId === `px-1-check_in-${no}`)?.body.properties;
  };
  expect(await seen(1)).toMatchObject({ first_name: 'ANN', store_code: 'at Pier' });
  await db.sql(`UPDATE member SET given = 'Bea'; UPDATE place SET name = 'Quay' WHERE id = 7`);
  expect(await seen(2)).toMatchObject({ first_name: 'BEA', store_code: 'at Quay' });
});

test('a row that comes to match `where` by an UPDATE makes its event, as set-up gives the table its old rows', async () => {
  const yaml = `${HEAD}
  guest: { table: member, columns: { user_id: id, first_name: given } }
  transaction:
    table: visit
    where: { stage: OUT }
    columns: { transaction_id: no, account_id: member, posted_at: at }`;
  await using mapped = await mappedDatabase({ schema: MEMBERS, yaml });
  const { db } = mapped;
  await mapped.setUp();
  expect((await mapped.check()).map(({ id }) => id)).not.toContain('replica-identity');
  await using capture = await captured(db, { mapping: await mapped.mapping() });
  await db.sql(`INSERT INTO visit VALUES (1, 1, 7, now(), 'BOOKED'), (2, 1, 7, now(), 'BOOKED')`);
  await db.sql(`UPDATE visit SET stage = 'IN'; UPDATE visit SET stage = 'OUT' WHERE no = 1`);
  await db.sql(`UPDATE visit SET place = 8; INSERT INTO visit VALUES (3, 1, 7, now(), 'OUT')`);
  const calls = await capture.until('px-1-pos_activity-1', 'px-1-pos_activity-3');
  expect(calls.map(({ messageId }) => messageId)).toEqual(['px-1-pos_activity-1', 'px-1-pos_activity-3']);
});

test('a table that came to need its old rows is told, with advice that leaves it open to UPDATE', async () => {
  const columns = 'columns: { transaction_id: no, account_id: member, posted_at: at }';
  const before = `${HEAD}\n  transaction: { table: visit, ${columns} }`;
  const after = `${HEAD}\n  transaction: { table: visit, where: { stage: OUT }, ${columns} }`;
  await using mapped = await mappedDatabase({ schema: MEMBERS, yaml: after });
  await mapped.setUp({ mapping: await mapped.mapping(before) });
  const listed = await mapped.check();
  expect(listed.find(({ id }) => id === 'replica-identity')).toMatchObject({
    level: 'error',
    what: 'public.visit has REPLICA IDENTITY DEFAULT',
    // A list of columns together with FULL would close the table.
    fix: 'paytronix-segment setup',
  });
  await mapped.setUp();
  await mapped.db.sql(`INSERT INTO visit VALUES (1, 1); UPDATE visit SET stage = 'OUT'; DELETE FROM visit`);
  expect(await mapped.check()).toEqual([]);
  await mapped.db.sql('ALTER TABLE visit REPLICA IDENTITY DEFAULT');
  const [whole] = await mapped.check();
  expect(whole).toMatchObject({ fix: 'ALTER TABLE "public"."visit" REPLICA IDENTITY FULL;' });
  await mapped.apply(whole?.fix ?? '');
  expect(await mapped.check()).toEqual([]);
});

test('only what may change needs old rows: not a column of the key, nor a table that no event fires on', async () => {
  const yaml = `${HEAD}
  store: { table: place, where: { name: { set: true } }, columns: { store_id: id } }
  transaction: { table: visit, where: { no: { not: [0] } }, columns: { transaction_id: no, account_id: member, posted_at: at } }`;
  await using mapped = await mappedDatabase({ schema: MEMBERS, yaml });
  const { tables } = await mapped.mapping();
  expect([...tables.values()].map(({ name, identity }) => [name, identity])).toEqual([
    ['public.member', 'full'],
    ['public.place', 'default'],
    ['public.visit', 'default'],
  ]);
});
