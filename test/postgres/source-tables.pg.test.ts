import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import type { SourceChange } from '../../src/changes/transaction.js';
import { clientConfig, openKnex } from '../../src/postgres/connection.js';
import { checkDatabase } from '../../src/postgres/preflight/check-database.js';
import { setUp, type SetupOptions } from '../../src/postgres/setup.js';
import type { Finding } from '../../src/preflight/finding.js';
import { setUpReplaySlot } from '../../src/replay/setup-replay-slot.js';
import { compareStart } from '../../src/replication/startup.js';
import { WalStream } from '../../src/replication/wal-stream.js';
import { MEMBER, ODD_MAPPING, ODD_SCHEMA, ORDER_LINE, VISIT, WHAT } from '../support/odd-schema.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

let db: TestDatabase;
let knex: Knex;
let role: string;
let options: SetupOptions;

beforeAll(async () => {
  db = await testDatabase({ migrate: false });
  await db.sql(ODD_SCHEMA);
  knex = openKnex({ url: db.url });
  options = {
    database: { url: db.url },
    publicationName: 'odd?',
    slotName: `slot_${db.name}`,
    mapping: ODD_MAPPING,
    compareStart,
    replaySlot: setUpReplaySlot,
  };
  role = `role_${db.name}`;
  await db.sql(`CREATE ROLE ${role} LOGIN REPLICATION PASSWORD 'x'`);
});

afterAll(async () => {
  await knex.destroy();
  await db.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await db.close();
});

async function findings(): Promise<readonly Finding[]> {
  const url = new URL(db.url);
  url.username = role;
  url.password = 'x';
  const all = await checkDatabase({
    ...options,
    database: { url: url.href },
    readMapping: async () => ({ tag: 'bound', mapping: ODD_MAPPING }),
  });
  return all.filter(({ id, level }) => level !== 'ok' && id !== 'slot-wal-keep-size');
}

test('set-up publishes each table with its listed columns and its identity, and again changes nothing', async () => {
  await setUp(knex, options);
  const { rows } = await db.sql(
    `SELECT schemaname || '.' || tablename AS name, CASE WHEN r.prattrs IS NULL THEN NULL ELSE attnames::text[] END AS columns
    FROM pg_publication_tables t JOIN pg_publication p ON p.pubname = t.pubname
    JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = (quote_ident(schemaname) || '.' || quote_ident(tablename))::regclass
    ORDER BY (schemaname || '.' || tablename) COLLATE "C"`,
  );
  expect(rows).toEqual([
    { name: ORDER_LINE.name, columns: ['Order Id', 'line_no', 'Qty "net"', 'memo'] },
    { name: WHAT.name, columns: null },
    // The key that tells an old row must be there, what its index only includes must not.
    { name: MEMBER.name, columns: ['id', 'tenant', 'Code', 'email'] },
    { name: VISIT.name, columns: ['visit_id', 'visited_on', 'place'] },
  ]);
  const again = await setUp(knex, options);
  expect(again.filter(({ did }) => did !== 'kept')).toEqual([]);
});

describe('check', () => {
  test('asks for rights on the tables and columns of the mapping alone, by statements that give them', async () => {
    const asked = await findings();
    const said = asked
      .filter(({ id }) => id === 'table-select')
      .map(({ what }) => what.split(' may not ')[1] ?? '');
    expect(said.toSorted()).toEqual([
      `read xmin, Order Id, line_no, Qty "net", memo of ${ORDER_LINE.name}`,
      `read xmin, id, email of ${MEMBER.name}`,
      `read xmin, id?, state of ${WHAT.name}`,
      `read xmin, visit_id, visited_on, place of ${VISIT.name}`,
    ]);
    const closed = asked
      .filter(({ id }) => id === 'schema-usage')
      .map(({ what }) => what.split(' schema ')[1] ?? '');
    expect(closed.toSorted()).toEqual(['Sales Data', 'segment_connector']);
    // What is in a schema is looked at only once it may be used.
    for (const round of [asked, await findings(), await findings()]) {
      for (const { fix } of round) if (fix.startsWith('GRANT')) await db.sql(fix.replace(/;.*$/s, ''));
    }
    expect(await findings()).toEqual([]);
    const { rows } = await db.sql(
      `SELECT attrelid::regclass::text || '.' || attname AS name FROM pg_attribute
      WHERE attname = 'secret' AND has_column_privilege($1, attrelid, attnum, 'SELECT')`,
      [role],
    );
    expect(rows).toEqual([]);
  });

  test.each([
    {
      name: 'a table under another name',
      breaks: 'ALTER TABLE "Sales Data"."Order Line" RENAME TO "Order Lines"',
      mends: 'ALTER TABLE "Sales Data"."Order Lines" RENAME TO "Order Line"',
      what: 'there is no table Sales Data.Order Line. Did you mean Sales Data.Order Lines?',
    },
    {
      name: 'a column under another name',
      breaks: 'ALTER TABLE public.visit RENAME COLUMN place TO "Place"',
      mends: 'ALTER TABLE public.visit RENAME COLUMN "Place" TO place',
      what: 'public.visit has no column place. Did you mean Place?',
    },
    {
      name: 'a table whose old rows are gone',
      breaks: 'ALTER TABLE "Sales Data"."what?.\\v2 $$" REPLICA IDENTITY DEFAULT',
      what: 'Sales Data.what?.\\v2 $$ has REPLICA IDENTITY DEFAULT',
    },
    {
      name: 'a partition without an identity',
      breaks: 'ALTER TABLE public.visit_new REPLICA IDENTITY NOTHING',
      what: 'public.visit_new has REPLICA IDENTITY NOTHING',
    },
    {
      name: 'a primary key that tells no old row',
      breaks: 'ALTER TABLE public.member REPLICA IDENTITY DEFAULT',
      mends: 'ALTER TABLE public.member REPLICA IDENTITY USING INDEX member_identity',
      what: 'the primary key of public.member is DEFERRABLE',
    },
    {
      name: 'a column that look-ups need an index of',
      breaks:
        'CREATE UNIQUE INDEX other ON public.member (tenant, "Code"); ALTER TABLE public.member REPLICA IDENTITY USING INDEX other; DROP INDEX public.member_identity',
      mends:
        'CREATE UNIQUE INDEX member_identity ON public.member ("Code", tenant); ALTER TABLE public.member REPLICA IDENTITY USING INDEX member_identity; DROP INDEX other',
      what: 'no index of public.member begins with Code',
    },
  ])('tells $name in its own names', async ({ breaks, mends, what }) => {
    await db.sql(breaks);
    const found = (await findings()).find((finding) => finding.what === what);
    expect(found).toBeDefined();
    await db.sql(mends ?? found?.fix ?? '');
    expect(await findings()).toEqual([]);
  });
});

test('an update of a table is refused to nobody once it is published', async () => {
  await db.sql(`BEGIN;
    UPDATE public.member SET email = email; DELETE FROM public.member;
    UPDATE public.visit SET place = place; DELETE FROM public.visit; ROLLBACK`);
});

test('set-up refuses a table whose only key is deferrable: its updates would fail', async () => {
  await db.sql('ALTER TABLE public.member REPLICA IDENTITY DEFAULT');
  await expect(db.sql(`UPDATE public.member SET email = 'x'`)).rejects.toMatchObject({ code: '55000' });
  await expect(setUp(knex, options)).rejects.toMatchObject({
    code: 'SETUP_REFUSED',
    message: expect.stringContaining('public.member') as string,
  });
  await db.sql('ALTER TABLE public.member REPLICA IDENTITY USING INDEX member_identity');
});

test('rows arrive in the source’s names with exactly the listed columns, and no others', async () => {
  const spillDir = await mkdtemp(join(tmpdir(), 'odd-'));
  const stream = new WalStream({
    connection: clientConfig({ url: db.url }),
    slotName: options.slotName,
    publicationName: options.publicationName,
    tables: ODD_MAPPING.tables,
    spillDir,
    logger: silentLogger,
    clock: systemClock,
  });
  await stream.start();
  const id = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
  await db.sql('ALTER PUBLICATION "odd?" ADD TABLE "Sales Data.what?"."\\v2 $$", "parts.of it".other');
  await db.sql(`BEGIN;
    INSERT INTO "Sales Data.what?"."\\v2 $$" VALUES (9, 'NO'); INSERT INTO "parts.of it".other VALUES (1);
    INSERT INTO "Sales Data"."Order Line" VALUES ('${id}', 1, 2.5, NULL, 'secret');
    UPDATE "Sales Data"."Order Line" SET memo = 'gift', line_no = 2;
    DELETE FROM "Sales Data"."Order Line";
    INSERT INTO "Sales Data"."what?.\\v2 $$" VALUES (1, 'A'); UPDATE "Sales Data"."what?.\\v2 $$" SET state = 'BC';
    DELETE FROM "Sales Data"."what?.\\v2 $$";
    INSERT INTO public.member (id, tenant, "Code") VALUES ('${id}', 't', 1); UPDATE public.member SET "Code" = 2;
    INSERT INTO public.visit VALUES ('${id}', '2025-12-31', 'Ulm', 'secret');
    UPDATE public.visit SET visited_on = '2026-01-01'; DELETE FROM public.visit;
    COMMIT`);
  await db.sql('ALTER PUBLICATION "odd?" DROP TABLE "Sales Data.what?"."\\v2 $$", "parts.of it".other');
  const changes: SourceChange[] = [];
  while (changes.length < 12) {
    for (const transaction of await stream.next()) {
      await transaction.forEachChange((change) => changes.push(change));
      transaction.release();
    }
  }
  await stream.stop();
  await rm(spillDir, { recursive: true });

  const line = { line_no: '1', 'Order Id': id, 'Qty "net"': '2.500', memo: null };
  const lineKey = { line_no: '1', 'Order Id': id, 'Qty "net"': undefined, memo: undefined };
  const visit = { visit_id: id, visited_on: '2025-12-31', place: 'Ulm' };
  const visitKey = { visit_id: id, visited_on: '2025-12-31', place: undefined };
  expect(changes).toStrictEqual([
    { op: 'insert', table: ORDER_LINE.name, row: line, old: null },
    { op: 'update', table: ORDER_LINE.name, row: { ...line, line_no: '2', memo: 'gift' }, old: lineKey },
    { op: 'delete', table: ORDER_LINE.name, row: null, old: { ...lineKey, line_no: '2' } },
    { op: 'insert', table: WHAT.name, row: { 'id?': '1', state: 'A ' }, old: null },
    { op: 'update', table: WHAT.name, row: { 'id?': '1', state: 'BC' }, old: { 'id?': '1', state: 'A ' } },
    { op: 'delete', table: WHAT.name, row: null, old: { 'id?': '1', state: 'BC' } },
    { op: 'insert', table: MEMBER.name, row: { id, email: null }, old: null },
    // The old key is of columns that are published for it and not read.
    { op: 'update', table: MEMBER.name, row: { id, email: null }, old: { id: undefined, email: undefined } },
    { op: 'insert', table: VISIT.name, row: visit, old: null },
    // Into another partition: to the log that is another row.
    { op: 'delete', table: VISIT.name, row: null, old: visitKey },
    { op: 'insert', table: VISIT.name, row: { ...visit, visited_on: '2026-01-01' }, old: null },
    { op: 'delete', table: VISIT.name, row: null, old: { ...visitKey, visited_on: '2026-01-01' } },
  ]);
});
