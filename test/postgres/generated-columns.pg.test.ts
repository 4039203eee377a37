import { expect, test } from 'vitest';

import { storeFingerprintSql } from '../../src/postgres/baseline.js';
import { readCheckpoint } from '../../src/postgres/checkpoint-store.js';
import { openKnex } from '../../src/postgres/connection.js';
import { readGaps } from '../../src/postgres/gap-store.js';
import { GENERATED_SINCE } from '../../src/postgres/generated-columns.js';
import { comparePublication, fingerprintSql, readPublication } from '../../src/postgres/publication.js';
import { PUBLICATION } from '../support/captured.js';
import { mappedDatabase, type MappedDatabase } from '../support/mapped-database.js';

const SCHEMA = `
  CREATE TABLE member (id int PRIMARY KEY, given text, joined timestamptz DEFAULT now(),
    shouted text GENERATED ALWAYS AS (upper(given)) STORED);
  INSERT INTO member (id, given) VALUES (1, 'Ann')`;

const VIRTUAL_SCHEMA = SCHEMA.replace('STORED', 'VIRTUAL');

const YAML = `
mapping:
  merchant: { rows: [{ merchant_id: 1, name: Shop, default_timezone: UTC }] }
  guest: { table: member, columns: { user_id: id, first_name: given } }
  account: { table: member, columns: { account_id: id, user_id: id, registered_at: joined } }
custom_events:
  - { name: Renamed, table: member, on: update, changed: [given], account_id: id }
`;

const REFUSED = /cannot (update|delete from) table "member"/;

const update = async ({ db }: MappedDatabase): Promise<unknown> => {
  await db.sql(`UPDATE member SET given = given || 'e'`);
  return db.sql('DELETE FROM member WHERE id < 0');
};

test('a table with a stored generated column takes UPDATE and DELETE after set-up, and after a column is added', async () => {
  await using mapped = await mappedDatabase({ schema: SCHEMA, yaml: YAML });
  await mapped.setUp();
  const { rows } = await mapped.db.sql(`SELECT relreplident FROM pg_class WHERE relname = 'member'`);
  expect(rows).toEqual([{ relreplident: 'f' }]);
  await update(mapped);
  expect(await mapped.check()).toEqual([]);
  await mapped.db.sql(
    'ALTER TABLE member ADD COLUMN initial text GENERATED ALWAYS AS (left(given, 1)) STORED',
  );
  await update(mapped);
  expect(await mapped.check()).toEqual([]);
  const reports = await mapped.setUp();
  expect(reports.filter(({ did }) => did !== 'kept')).toEqual([]);
});

/** The publication as releases before publish_generated_columns have made it, and its fingerprint as they stored it. */
async function asEarlierReleases({ db, slotName }: MappedDatabase): Promise<void> {
  await db.sql(`ALTER PUBLICATION ${PUBLICATION} SET (publish_generated_columns = none)`);
  await db.sql(storeFingerprintSql(PUBLICATION, slotName));
}

test('a publication of an earlier release is no drift; check tells what it breaks and the statement that mends it', async () => {
  await using mapped = await mappedDatabase({ schema: SCHEMA, yaml: YAML });
  if (mapped.version < GENERATED_SINCE) return;
  await mapped.setUp();
  await asEarlierReleases(mapped);
  const { rows } = await mapped.db.sql(`SELECT ${fingerprintSql(PUBLICATION)} AS fingerprint`);
  expect(JSON.stringify(rows)).not.toContain('publishGenerated');
  await expect(update(mapped)).rejects.toThrow(REFUSED);

  const findings = await mapped.check();
  expect(findings).toMatchObject([
    {
      id: 'generated-column-and-full',
      level: 'error',
      what: 'public.member has REPLICA IDENTITY FULL, and publication paytronix_segment leaves out its generated column shouted',
      why: 'UPDATE and DELETE of this table fail for the application now.',
      fix: 'ALTER PUBLICATION "paytronix_segment" SET (publish_generated_columns = stored);',
    },
  ]);
  await mapped.apply(findings[0]?.fix ?? '');
  await update(mapped);
});

test('set-up lets the publication of an earlier release publish generated columns, and knows it afterwards', async () => {
  await using mapped = await mappedDatabase({ schema: SCHEMA, yaml: YAML });
  if (mapped.version < GENERATED_SINCE) return;
  const { db, slotName } = mapped;
  await mapped.setUp();
  await asEarlierReleases(mapped);
  const reports = await mapped.setUp();
  expect(reports.filter(({ did }) => did !== 'kept')).toMatchObject([
    {
      step: 'publication',
      did: 'changed',
      detail: 'paytronix_segment: publish_generated_columns was set to stored',
    },
  ]);
  await update(mapped);
  const knex = openKnex({ url: db.url });
  const stored = await readCheckpoint(knex, slotName);
  const differences =
    stored && comparePublication(stored.publication, await readPublication(knex, PUBLICATION));
  const gaps = await readGaps(knex, slotName);
  await knex.destroy();
  expect(differences).toEqual([]);
  expect(gaps.filter(({ closedBy }) => closedBy !== 'setup')).toEqual([]);
  expect(await mapped.check()).toEqual([]);
});

test('a publication that a generated column added later would make fatal is warned of', async () => {
  await using mapped = await mappedDatabase({
    schema: 'CREATE TABLE member (id int PRIMARY KEY, given text, joined timestamptz)',
    yaml: YAML,
  });
  if (mapped.version < GENERATED_SINCE) return;
  await mapped.setUp();
  await asEarlierReleases(mapped);
  const findings = await mapped.check();
  expect(findings).toMatchObject([{ id: 'publication-generated', level: 'warning' }]);
  expect(findings[0]?.why).toContain('public.member');
  await mapped.apply(findings[0]?.fix ?? '');
  expect((await mapped.check()).map(({ id }) => id)).not.toContain('publication-generated');
});

test('set-up refuses FULL for a table with a virtual generated column before it changes anything, and says how to go on', async () => {
  await using plain = await mappedDatabase({ schema: SCHEMA, yaml: YAML });
  if (plain.version < GENERATED_SINCE) return;
  await using mapped = await mappedDatabase({ schema: VIRTUAL_SCHEMA, yaml: YAML });
  const { db } = mapped;
  const statement = `ALTER TABLE public.member DROP COLUMN shouted, ADD COLUMN shouted text GENERATED ALWAYS AS (upper(given)) STORED`;
  const [finding, ...others] = (await mapped.check()).filter(({ id }) => id === 'virtual-column-and-full');
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    level: 'error',
    what: 'public.member has the virtual generated column shouted, and needs REPLICA IDENTITY FULL',
    fix: `${statement};`,
  });
  await expect(mapped.setUp()).rejects.toMatchObject({
    code: 'SETUP_REFUSED',
    message: expect.stringContaining(
      `public.member has the virtual generated column shouted (${statement})`,
    ) as string,
  });
  const { rows } = await db.sql(
    `SELECT (SELECT count(*)::int FROM pg_publication) AS publications, relreplident FROM pg_class WHERE relname = 'member'`,
  );
  expect(rows).toEqual([{ publications: 0, relreplident: 'd' }]);
  await update(mapped);

  await mapped.apply(finding?.fix ?? '');
  await mapped.setUp();
  await update(mapped);
  expect(await mapped.check()).toEqual([]);
});

test('a virtual generated column that is added after set-up is told with what mends it', async () => {
  await using mapped = await mappedDatabase({ schema: SCHEMA, yaml: YAML });
  if (mapped.version < GENERATED_SINCE) return;
  await mapped.setUp();
  await mapped.db.sql(
    'ALTER TABLE member ADD COLUMN "In itial" char(1) GENERATED ALWAYS AS (left(given, 1)) VIRTUAL',
  );
  await expect(update(mapped)).rejects.toThrow(REFUSED);
  const findings = await mapped.check();
  expect(findings).toMatchObject([
    {
      id: 'virtual-column-and-full',
      level: 'error',
      what: 'public.member has the virtual generated column In itial, and has REPLICA IDENTITY FULL',
      why: 'UPDATE and DELETE of this table fail for the application now.',
    },
  ]);
  await mapped.apply(findings[0]?.fix ?? '');
  await update(mapped);
  expect(await mapped.check()).toEqual([]);
});

test('a publication of somebody else that FULL would make fatal is named before anything is changed', async () => {
  await using mapped = await mappedDatabase({ schema: SCHEMA, yaml: YAML });
  const { db } = mapped;
  await db.sql('CREATE PUBLICATION others FOR TABLE member (id, given)');
  await expect(mapped.setUp()).rejects.toMatchObject({
    code: 'SETUP_REFUSED',
    message: expect.stringContaining('publication others lists columns of public.member') as string,
  });
  await update(mapped);
  await db.sql('ALTER PUBLICATION others SET TABLE member');
  if (mapped.version >= GENERATED_SINCE) {
    const fix = 'ALTER PUBLICATION "others" SET (publish_generated_columns = stored);';
    await expect(mapped.setUp()).rejects.toMatchObject({ message: expect.stringContaining(fix) as string });
    await update(mapped);
    await db.sql(fix);
  }
  await mapped.setUp();
  await update(mapped);
  await db.sql('DROP PUBLICATION others; CREATE PUBLICATION others FOR TABLE member');
  const findings = await mapped.check();
  expect(findings.map(({ id }) => id)).toEqual(
    mapped.version >= GENERATED_SINCE ? ['other-publication-and-full'] : [],
  );
  for (const { fix } of findings) await mapped.apply(fix);
  await update(mapped);
});

test('a generated column is refused where the stream cannot have it, at its place in the file', async () => {
  const yaml = YAML.replace('first_name: given', 'first_name: shouted');
  await using stored = await mappedDatabase({ schema: SCHEMA, yaml });
  if (stored.version < GENERATED_SINCE) {
    await expect(stored.mapping()).rejects.toMatchObject({
      code: 'MAPPING_WRONG',
      message: expect.stringMatching(
        /c\.yaml:4:\d+ shouted of public\.member is a generated column, which is in the stream from PostgreSQL 18 on/,
      ) as string,
    });
    expect((await stored.check())[0]).toMatchObject({ id: 'mapping', level: 'error' });
    return;
  }
  await stored.setUp();
  expect(await stored.check()).toEqual([]);
  await using virtual = await mappedDatabase({ schema: VIRTUAL_SCHEMA, yaml });
  await expect(virtual.mapping()).rejects.toMatchObject({
    code: 'MAPPING_WRONG',
    message: expect.stringMatching(
      /c\.yaml:4:\d+ shouted of public\.member is a virtual generated column/,
    ) as string,
  });
  // Asked by a condition, a join and `changed` as well.
  const everywhere = `
mapping:
  merchant: { rows: [{ merchant_id: 1, name: Shop, default_timezone: UTC }] }
  account:
    table: member
    where: { shouted: { set: true } }
    join: { same: { table: member, on: { id: id, shouted: given } } }
    columns: { account_id: id }
custom_events:
  - { name: Renamed, table: member, on: update, changed: [shouted] }
`;
  for (const line of [6, 7, 10]) {
    await expect(virtual.mapping(everywhere)).rejects.toMatchObject({
      message: expect.stringMatching(new RegExp(`c\\.yaml:${line}:\\d+ shouted of public`)) as string,
    });
  }
});
