import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Knex } from 'knex';

import { readCheckpoint } from '../../src/postgres/checkpoint-store.js';
import { openKnex } from '../../src/postgres/connection.js';
import { readGaps } from '../../src/postgres/gap-store.js';
import { comparePublication, readPublication } from '../../src/postgres/publication.js';
import { checkDatabase } from '../../src/postgres/preflight/check-database.js';
import { setUp, type SetupOptions, type StepReport } from '../../src/postgres/setup.js';
import { dropSlot, readSlot } from '../../src/postgres/slot.js';
import { readSystem } from '../../src/postgres/system.js';
import { compareStart } from '../../src/replication/startup.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

let pg: TestDatabase;
let knex: Knex;
let options: SetupOptions;

async function fresh(): Promise<void> {
  pg = await testDatabase();
  knex = openKnex({ url: pg.url });
  options = {
    database: { url: pg.url },
    publicationName: 'segment',
    // Slots are named by cluster, not by database.
    slotName: `slot_${pg.name}`,
    compareStart,
  };
}

async function end(): Promise<void> {
  await knex.destroy();
  await pg.close();
}

const did = (reports: readonly StepReport[]): string[] =>
  reports.map(({ step, did: what }) => `${step} ${what}`);

describe('set-up of a fresh database', () => {
  beforeAll(fresh);
  afterAll(end);

  test('makes publication, identities, slot and baseline, in that order', async () => {
    await pg.sql('ALTER TABLE loyalty.card REPLICA IDENTITY DEFAULT');
    await pg.sql('DROP SCHEMA segment_connector CASCADE');
    const reports = await setUp(knex, options);
    expect(did(reports)).toEqual([
      'schema created',
      'publication created',
      'replica identity changed',
      'slot created',
      'baseline created',
    ]);
    const slot = await readSlot(knex, options.slotName);
    const { versionNumber } = await readSystem(knex, { url: pg.url });
    const checkpoint = await readCheckpoint(knex, options.slotName);
    expect(slot).toMatchObject({
      plugin: 'pgoutput',
      slotType: 'logical',
      database: pg.name,
      // Older servers have no such slots.
      failover: versionNumber >= 170_000,
    });
    expect(checkpoint?.endLsn).toBe(slot?.confirmedFlushLsn);
    expect(checkpoint?.publication).toEqual(await readPublication(knex, 'segment'));
    expect(checkpoint?.enabledFromUs).toBeGreaterThan(0);
  });

  test('keeps personal data that no event uses out of the publication', async () => {
    const publication = await readPublication(knex, 'segment');
    const guest = publication?.tables.find(({ table }) => table === 'loyalty.guest');
    expect(guest?.columns).toEqual([
      'user_id',
      'merchant_id',
      'first_name',
      'last_name',
      'email_opt_in',
      'text_opt_in',
      'status',
    ]);
    expect(publication).toMatchObject({ publishViaRoot: true, publish: ['delete', 'insert', 'update'] });
    expect(publication?.tables.map(({ table }) => table)).not.toContain('txn.transaction_default');
  });

  test('leaves every published table open to UPDATE and DELETE', async () => {
    await pg.sql(
      `INSERT INTO loyalty.merchant (merchant_id, name, default_timezone, status) VALUES (1, 'm', 'UTC', 'ACTIVE')`,
    );
    const { rows } = await pg.sql<{ table: string }>(
      `SELECT DISTINCT schemaname || '.' || tablename AS table FROM pg_publication_tables WHERE pubname = 'segment'`,
    );
    expect(rows).toHaveLength(21);
    for (const { table } of rows) {
      const { rows: columns } = await pg.sql<{ column_name: string }>(
        `SELECT column_name FROM information_schema.columns WHERE table_schema || '.' || table_name = $1 LIMIT 1`,
        [table],
      );
      const column = columns[0]?.column_name ?? '';
      await pg.sql(`BEGIN; UPDATE ${table} SET ${column} = ${column}; DELETE FROM ${table}; ROLLBACK`);
    }
  });

  test('keeps everything when it is run again', async () => {
    expect(did(await setUp(knex, options))).toEqual([
      'schema kept',
      'publication kept',
      'replica identity kept',
      'slot kept',
      'baseline kept',
    ]);
  });

  test('alters the publication when asked for whole tables, and the start comparison then agrees', async () => {
    const reports = await setUp(knex, { ...options, wholeTables: true });
    expect(reports.find(({ step }) => step === 'publication')).toMatchObject({ did: 'changed' });
    const stored = await readCheckpoint(knex, options.slotName);
    const current = await readPublication(knex, 'segment');
    expect(current?.tables.every(({ columns }) => columns === null)).toBe(true);
    expect(stored === null ? null : comparePublication(stored.publication, current)).toEqual([]);
    const gaps = await readGaps(knex, options.slotName);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toMatchObject({ closedBy: 'setup', fromLsn: stored?.endLsn });
  });
});

describe('set-up where commits may be lost', () => {
  beforeAll(async () => {
    await fresh();
    await setUp(knex, options);
  });
  afterAll(end);

  test('refuses to make a vanished slot anew, and with accept-gap writes down what was lost', async () => {
    const before = await readCheckpoint(knex, options.slotName);
    await dropSlot(knex, options.slotName);
    await expect(setUp(knex, options)).rejects.toMatchObject({
      code: 'SETUP_REFUSED',
      message: expect.stringContaining('the slot is gone: from ') as string,
    });
    expect(await readSlot(knex, options.slotName)).toBeNull();

    const reports = await setUp(knex, { ...options, acceptGap: true });
    expect(did(reports)).toContain('gap created');
    const slot = await readSlot(knex, options.slotName);
    const [gap] = await readGaps(knex, options.slotName);
    expect(gap).toMatchObject({ fromLsn: before?.endLsn, toLsn: slot?.confirmedFlushLsn, closedAtUs: null });
    expect(gap?.toTimeUs).toBeGreaterThan(0);
    const after = await readCheckpoint(knex, options.slotName);
    expect(after?.endLsn).toBe(slot?.confirmedFlushLsn);
    expect(after?.enabledFromUs).toBe(before?.enabledFromUs);
    expect(did(await setUp(knex, options))).not.toContain('gap created');
  });

  test('a table taken out and put back by hand is not quietly accepted', async () => {
    await pg.sql('ALTER PUBLICATION segment DROP TABLE loyalty.referral');
    await pg.sql(`ALTER PUBLICATION segment ADD TABLE loyalty.referral (referral_id, merchant_id, referrer_account_id,
      referral_code, channel, referred_account_id, status, created_at)`);
    await expect(setUp(knex, options)).rejects.toMatchObject({
      message: expect.stringContaining('loyalty.referral was taken out and put back') as string,
    });
    await setUp(knex, { ...options, acceptGap: true });
    const gaps = await readGaps(knex, options.slotName);
    expect(gaps.at(-1)).toMatchObject({ closedAtUs: null });
    expect(gaps.at(-1)?.reason).toContain('taken out and put back');
    expect(did(await setUp(knex, options))).not.toContain('publication changed');
  });

  test('a publication dropped and made again by hand needs a new slot, and says so', async () => {
    await pg.sql('DROP PUBLICATION segment');
    await expect(setUp(knex, options)).rejects.toMatchObject({
      message: expect.stringContaining('the publication is gone') as string,
    });
    const before = await readSlot(knex, options.slotName);
    const reports = await setUp(knex, { ...options, acceptGap: true });
    expect(did(reports)).toEqual([
      'schema kept',
      'publication created',
      'replica identity kept',
      'slot changed',
      'baseline kept',
      'gap created',
    ]);
    const after = await readSlot(knex, options.slotName);
    expect(after?.confirmedFlushLsn).toBeGreaterThan(before?.confirmedFlushLsn ?? 0n);
  });

  test('a slot that belongs to something else is never touched', async () => {
    const foreign = `foreign_${pg.name}`;
    await pg.sql(`SELECT pg_create_physical_replication_slot($1)`, [foreign]);
    const attempt = setUp(knex, { ...options, slotName: foreign, acceptGap: true });
    await expect(attempt).rejects.toMatchObject({ code: 'SETUP_REFUSED' });
    await pg.sql(`SELECT pg_drop_replication_slot($1)`, [foreign]);
  });
});

test('a slot of another database is refused with one advice, and nothing is said of its replay slot', async () => {
  await using mine = await testDatabase();
  await using other = await testDatabase({ migrate: false });
  const slotName = `slot_${other.name}`;
  for (const name of [slotName, `${slotName}_replay`]) {
    await other.sql(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [name]);
  }
  const own = openKnex({ url: mine.url });
  const settings = { database: { url: mine.url }, publicationName: 'segment', slotName, compareStart };
  const refused: unknown = await setUp(own, settings).catch((error: unknown) => error);
  await own.destroy();
  expect(refused).toMatchObject({
    code: 'SETUP_REFUSED',
    message: expect.stringContaining('set SLOT_NAME to a name that is free') as string,
    advice: expect.not.stringContaining('--accept-gap') as string,
  });
  const findings = await checkDatabase(settings);
  expect(findings.find(({ id }) => id === 'slot-kind')?.fix).toContain('Set SLOT_NAME');
  expect(findings.filter(({ id }) => id.startsWith('replay-slot'))).toEqual([]);
});

test('an open transaction that keeps the slot from beginning is said, and leaves no half-made slot', async () => {
  await using database = await testDatabase();
  const session = await database.session();
  await session.query('BEGIN');
  await session.query('SELECT pg_current_xact_id()');
  const impatient = openKnex({ url: database.url, statementTimeoutMs: 700 });
  const slotName = `slot_${database.name}`;
  const attempt = setUp(impatient, {
    database: { url: database.url },
    publicationName: 'p',
    slotName,
    compareStart,
  });
  await expect(attempt).rejects.toMatchObject({ code: 'DATABASE_BUSY', action: 'retry' });
  expect(await readSlot(impatient, slotName)).toBeNull();

  await session.query('COMMIT');
  const reports = await setUp(impatient, {
    database: { url: database.url },
    publicationName: 'p',
    slotName,
    compareStart,
  });
  expect(did(reports)).toContain('slot created');
  await impatient.destroy();
});

describe('set-up of unfit tables', () => {
  beforeAll(fresh);
  afterAll(end);

  test('refuses when a mapped column is missing, before it publishes anything', async () => {
    await pg.sql('ALTER TABLE loyalty.store RENAME COLUMN timezone TO time_zone');
    await expect(setUp(knex, options)).rejects.toMatchObject({
      code: 'TABLES_MISSING',
      message: expect.stringContaining('loyalty.store.timezone') as string,
    });
    expect(await readPublication(knex, 'segment')).toBeNull();
    await pg.sql('ALTER TABLE loyalty.store RENAME COLUMN time_zone TO timezone');
  });

  test('refuses to publish a table whose updates would then fail', async () => {
    await pg.sql('ALTER TABLE txn.transaction_default REPLICA IDENTITY NOTHING');
    await expect(setUp(knex, options)).rejects.toMatchObject({
      code: 'SETUP_REFUSED',
      message: expect.stringContaining('txn.transaction_default') as string,
    });
    await pg.sql('ALTER TABLE txn.transaction_default REPLICA IDENTITY DEFAULT');
  });

  test('publishes a table whole that has FULL already, on a partition at least', async () => {
    await pg.sql('ALTER TABLE txn.wallet_entry_default REPLICA IDENTITY FULL');
    await setUp(knex, options);
    const publication = await readPublication(knex, 'segment');
    expect(publication?.tables.find(({ table }) => table === 'txn.wallet_entry')?.columns).toBeNull();
  });
});
