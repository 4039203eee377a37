import type { Knex } from 'knex';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.js';
import { clientConfig, openKnex } from '../../src/postgres/connection.js';
import { checkDatabase } from '../../src/postgres/preflight/check-database.js';
import { setUp, type SetupOptions } from '../../src/postgres/setup.js';
import { judgeReplaySlot } from '../../src/postgres/preflight/replay-slot.js';
import { FAILOVER_SINCE, createSlot, readSlot } from '../../src/postgres/slot.js';
import { wouldWork, type Finding } from '../../src/preflight/finding.js';
import { setUpReplaySlot } from '../../src/replay/setup-replay-slot.js';
import { compareStart } from '../../src/replication/startup.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

/** Findings the shared cluster gives whatever the database looks like. */
const ALWAYS = ['slot-wal-keep-size'];

const notOk = (findings: readonly Finding[]): Finding[] =>
  findings.filter(({ id, level }) => level !== 'ok' && !ALWAYS.includes(id));

let db: TestDatabase;
let knex: Knex;
let options: SetupOptions;
let role: string;
let roleUrl: string;

beforeAll(async () => {
  db = await testDatabase();
  knex = openKnex({ url: db.url });
  options = {
    database: { url: db.url },
    publicationName: 'segment',
    slotName: `slot_${db.name}`,
    compareStart,
    replaySlot: setUpReplaySlot,
  };
  await setUp(knex, options);
  role = `role_${db.name}`;
  await db.sql(`CREATE ROLE ${role} LOGIN REPLICATION PASSWORD 'x'`);
  await db.sql(`GRANT USAGE ON SCHEMA loyalty, txn, survey, segment_connector TO ${role}`);
  await db.sql(`GRANT SELECT ON ALL TABLES IN SCHEMA loyalty, txn, survey TO ${role}`);
  await db.sql(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA segment_connector TO ${role}`);
  const url = new URL(db.url);
  url.username = role;
  url.password = 'x';
  roleUrl = url.href;
});

afterAll(async () => {
  await db.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await knex.destroy();
  await db.close();
});

const check = (url = roleUrl): Promise<readonly Finding[]> =>
  checkDatabase({ ...options, database: { url } });

/** Does what a finding says. */
async function apply(fix: string): Promise<void> {
  const command = /^paytronix-segment setup( --accept-gap)?$/.exec(fix);
  if (command === null) await db.sql(fix.replace(/;.*$/s, ''));
  else await setUp(knex, { ...options, acceptGap: command[1] !== undefined });
}

test('a database that was set up passes with the least rights the connector needs', async () => {
  const findings = await check();
  expect(notOk(findings)).toEqual([]);
  expect(wouldWork(findings)).toBe(true);
  expect(findings.map(({ id }) => id)).toContain('clock');
});

interface Breakage {
  readonly name: string;
  readonly breaks: string;
  readonly id: string;
  readonly level?: 'warning';
  readonly says: string;
  /** Findings that come with it for the same cause. */
  readonly also?: readonly string[];
  /** Where the fix is not a statement or command that can be run as it stands. */
  readonly repair?: string;
  /** Server version that can be broken so; older ones cannot. */
  readonly since?: number;
}

const sample = `referral_id, merchant_id, referrer_account_id, referral_code, channel, referred_account_id, status, created_at`;

describe('one finding for each thing broken, and its fix mends it', () => {
  const breakages: readonly Breakage[] = [
    {
      name: 'a role without REPLICATION',
      breaks: 'ALTER ROLE ROLE NOREPLICATION',
      id: 'replication-right',
      says: 'may not replicate',
    },
    {
      name: 'a schema without USAGE',
      breaks: 'REVOKE USAGE ON SCHEMA survey FROM ROLE',
      id: 'schema-usage',
      says: 'schema survey',
    },
    {
      name: 'a table without SELECT',
      breaks: 'REVOKE SELECT ON loyalty.tier FROM ROLE',
      id: 'table-select',
      says: 'of loyalty.tier',
    },
    {
      name: 'a column without SELECT',
      breaks:
        'REVOKE SELECT ON survey.answer FROM ROLE; GRANT SELECT (response_id, question_id, choice_code, xmin) ON survey.answer TO ROLE',
      id: 'table-select',
      says: 'may not read numeric_value of survey.answer',
    },
    {
      name: 'a checkpoint table that cannot be written',
      breaks: 'REVOKE UPDATE ON segment_connector.checkpoint FROM ROLE',
      id: 'state-write',
      says: 'segment_connector.checkpoint',
    },
    {
      name: 'a missing index for look-ups',
      breaks: 'DROP INDEX loyalty.account_merged_into_account_id_idx',
      id: 'index',
      level: 'warning',
      says: 'merged_into_account_id',
    },
    {
      name: 'a table without the old row that events need',
      breaks: 'ALTER TABLE txn.recharge REPLICA IDENTITY DEFAULT',
      id: 'replica-identity',
      says: 'txn.recharge has REPLICA IDENTITY DEFAULT',
    },
    {
      name: 'a partition with no identity',
      breaks: 'ALTER TABLE txn.transaction_default REPLICA IDENTITY NOTHING',
      id: 'primary-key',
      says: 'txn.transaction_default has REPLICA IDENTITY NOTHING',
    },
    {
      name: 'a partition with FULL under a column list',
      breaks: 'ALTER TABLE txn.wallet_entry_default REPLICA IDENTITY FULL',
      id: 'column-list-and-full',
      says: 'txn.wallet_entry is published with a column list',
      repair: 'ALTER TABLE txn.wallet_entry_default REPLICA IDENTITY DEFAULT',
    },
    {
      name: 'a table with FULL and a column list',
      breaks: 'ALTER TABLE txn.check_card REPLICA IDENTITY FULL',
      id: 'column-list-and-full',
      says: 'txn.check_card',
    },
    {
      name: 'a table without a primary key',
      breaks: 'ALTER TABLE txn.check_card DROP CONSTRAINT check_card_pkey',
      id: 'primary-key',
      says: 'txn.check_card has no primary key',
    },
    {
      name: 'a table that is not published',
      breaks: 'ALTER PUBLICATION segment DROP TABLE loyalty.tier',
      id: 'publication-table',
      says: 'lacks loyalty.tier',
      also: ['publication-drift'],
    },
    {
      name: 'a column that is not published',
      breaks: `ALTER PUBLICATION segment DROP TABLE loyalty.referral;
        ALTER PUBLICATION segment ADD TABLE loyalty.referral (${sample.replace('channel, ', '')})`,
      id: 'publication-columns',
      says: 'leaves out channel of loyalty.referral',
      also: ['publication-drift'],
    },
    {
      name: 'a row filter',
      breaks: `ALTER PUBLICATION segment DROP TABLE loyalty.referral;
        ALTER PUBLICATION segment ADD TABLE loyalty.referral (${sample}) WHERE (referral_id > 5)`,
      id: 'publication-filter',
      says: 'only rows of loyalty.referral',
      also: ['publication-drift'],
    },
    {
      name: 'a kind of change that is not published',
      breaks: `ALTER PUBLICATION segment SET (publish = 'insert, delete')`,
      id: 'publication-kinds',
      says: 'does not publish update',
      also: ['publication-drift'],
    },
    {
      name: 'a table that no event needs',
      breaks:
        'CREATE TABLE loyalty.extra (id int PRIMARY KEY); ALTER PUBLICATION segment ADD TABLE loyalty.extra',
      id: 'publication-extra',
      level: 'warning',
      says: 'also sends loyalty.extra',
      also: ['publication-drift'],
    },
    {
      name: 'a missing publication',
      breaks: 'DROP PUBLICATION segment',
      id: 'publication',
      says: 'there is no publication segment',
      also: ['publication-drift'],
    },
    {
      name: 'a checkpoint of another cluster',
      breaks: `UPDATE segment_connector.checkpoint SET system_identifier = '1'`,
      id: 'gap',
      says: 'the checkpoint is of another cluster',
    },
    {
      name: 'a missing checkpoint',
      breaks: 'DELETE FROM segment_connector.checkpoint',
      id: 'checkpoint',
      says: 'no checkpoint for the slot',
    },
    {
      name: 'a missing slot',
      breaks: `SELECT pg_drop_replication_slot('SLOT')`,
      id: 'gap',
      says: 'the slot is gone',
    },
    {
      name: 'a schema that was never made',
      breaks: 'DROP SCHEMA segment_connector CASCADE',
      id: 'migrations',
      says: 'lacks 0001-connector',
    },
    {
      name: 'a missing replay slot',
      breaks: `SELECT pg_drop_replication_slot('SLOT_replay')`,
      id: 'replay-slot',
      level: 'warning',
      says: 'there is no replay slot',
    },
    {
      name: 'a replay slot without the failover property of the main one',
      breaks: `SELECT pg_drop_replication_slot('SLOT_replay'); SELECT pg_copy_logical_replication_slot('SLOT', 'SLOT_replay')`,
      id: 'replay-slot',
      level: 'warning',
      says: 'is not kept on physical standbys',
      since: FAILOVER_SINCE,
      repair: 'paytronix-segment setup',
    },
    {
      name: 'a schema of a newer version',
      breaks: `INSERT INTO segment_connector.migration (name) VALUES ('9999-future')`,
      id: 'migrations',
      says: 'does not know',
      repair: `DELETE FROM segment_connector.migration WHERE name = '9999-future'`,
    },
    {
      name: 'a table under another name',
      breaks: 'ALTER TABLE survey.invitation RENAME TO invitations',
      id: 'table-missing',
      says: 'no table survey.invitation. Did you mean survey.invitations?',
      also: ['publication-table', 'publication-extra', 'publication-drift'],
      repair: 'ALTER TABLE survey.invitations RENAME TO invitation',
    },
    {
      name: 'a column under another name',
      breaks: 'ALTER TABLE loyalty.account RENAME COLUMN registered_at TO registred_at',
      id: 'column-missing',
      says: 'loyalty.account has no column registered_at. Did you mean registred_at?',
      repair: 'ALTER TABLE loyalty.account RENAME COLUMN registred_at TO registered_at',
    },
  ];

  test.each(breakages)('$name', async ({ breaks, id, level, says, also, repair, since = 0 }) => {
    const { rows } = await db.sql<{ version: number }>(
      `SELECT current_setting('server_version_num')::int AS version`,
    );
    if ((rows[0]?.version ?? 0) < since) return;
    await db.sql(
      breaks
        .replaceAll('ROLE NO', `${role} NO`)
        .replace(/\bROLE\b(?! )/g, role)
        .replaceAll('SLOT', options.slotName),
    );
    const findings = notOk(await check());
    const found = findings.find((finding) => finding.id === id && finding.what.includes(says));
    expect(found, JSON.stringify(findings, null, 1)).toMatchObject({ level: level ?? 'error' });
    expect(found?.why).not.toBe('');
    expect(findings.map((finding) => finding.id).sort()).toEqual([id, ...(also ?? [])].sort());

    await apply(repair ?? found?.fix ?? '');
    await db.sql(`GRANT USAGE ON SCHEMA segment_connector TO ${role}`);
    await db.sql(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA segment_connector TO ${role}`);
    expect(notOk(await check())).toEqual([]);
  });
});

test('a publication that sends partitions under their own names is refused', async () => {
  await db.sql(`CREATE PUBLICATION leaves FOR TABLE txn.transaction, txn.wallet_entry`);
  const findings = notOk(await checkDatabase({ ...options, publicationName: 'leaves' }));
  await db.sql('DROP PUBLICATION leaves');
  const found = findings.find(({ id }) => id === 'publication-via-root');
  expect(found).toMatchObject({ level: 'error' });
  expect(found?.what).toContain('txn.transaction, txn.wallet_entry');
  expect(findings.map(({ id }) => id)).not.toContain('publication-extra');
});

describe('the slot', () => {
  test('that is missing before anything was ever captured is made by set-up', async () => {
    const findings = notOk(await checkDatabase({ ...options, slotName: `unused_${db.name}` }));
    expect(findings.map(({ id, fix }) => [id, fix])).toEqual([['slot', 'paytronix-segment setup']]);
  });

  test('of another kind under our name is refused, with advice to take another name', async () => {
    const slotName = `physical_${db.name}`;
    await db.sql('SELECT pg_create_physical_replication_slot($1)', [slotName]);
    const findings = notOk(await checkDatabase({ ...options, slotName }));
    await db.sql('SELECT pg_drop_replication_slot($1)', [slotName]);
    expect(findings.map(({ id }) => id)).toEqual(['slot-kind']);
  });

  test('of another database is refused', async () => {
    await using other = await testDatabase({ migrate: false });
    const otherKnex = openKnex({ url: other.url });
    const slotName = `other_${db.name}`;
    await createSlot(otherKnex, slotName);
    await otherKnex.destroy();
    const findings = notOk(await checkDatabase({ ...options, slotName }));
    expect(findings[0]).toMatchObject({ id: 'slot-kind', level: 'error' });
    expect(findings[0]?.what).toContain(`is of database ${other.name}`);
  });

  test.each([
    { application: 'paytronix-segment', expected: [] },
    { application: 'somebody else', expected: ['slot-active'] },
  ])('in use by $application', async ({ application, expected }) => {
    const extra: Record<string, unknown> = { replication: 'database' };
    const walsender = new pg.Client({
      ...clientConfig({ url: db.url, applicationName: application }),
      ...extra,
    });
    // Ended by pg_terminate_backend below, which the client reports as an error.
    walsender.on('error', () => undefined);
    await walsender.connect();
    const streaming = walsender
      .query(
        `START_REPLICATION SLOT ${options.slotName} LOGICAL 0/0 (proto_version '1', publication_names 'segment')`,
      )
      .catch((error: unknown) => error);
    await expect
      .poll(
        async () =>
          (
            await db.sql('SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1', [
              options.slotName,
            ])
          ).rows[0]?.['active_pid'],
      )
      .not.toBeNull();
    const findings = notOk(await check(db.url));
    await db.sql(
      'SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = $1',
      [options.slotName],
    );
    await streaming;
    await walsender.end();
    expect(findings.map(({ id }) => id)).toEqual(expected);
  });
});

test('a server whose own limit is below that of the replay slot is told so', async () => {
  const findings = await checkDatabase({ ...options, replayMaxWalBytes: 4 * 1024 ** 3 });
  expect(findings.map(({ id }) => id)).not.toContain('replay-slot-limit');
  const slot = await readSlot(knex, options.slotName);
  const facts = { name: 'x_replay', main: slot, replay: null, maxWalBytes: 4 * 1024 ** 3 };
  const limited = judgeReplaySlot({ ...facts, maxSlotWalKeepMiB: 1_000 });
  expect(limited.map(({ id, level }) => [id, level])).toEqual([
    ['replay-slot', 'warning'],
    ['replay-slot-limit', 'warning'],
  ]);
  expect(limited[1]?.fix).toContain('REPLAY_MAX_WAL to at most 1000MiB');
});

describe('the connection', () => {
  test.each([
    { name: 'a wrong password', change: (url: URL) => (url.password = 'wrong'), code: 'DATABASE_AUTH' },
    { name: 'no such database', change: (url: URL) => (url.pathname = '/nowhere'), code: 'DATABASE_MISSING' },
    { name: 'no server', change: (url: URL) => (url.port = '1'), code: 'DATABASE_UNREACHABLE' },
  ])('$name is one finding with advice, and the password is not in it', async ({ change, code }) => {
    const url = new URL(roleUrl);
    url.password = 'x-secret-x';
    if (code !== 'DATABASE_AUTH') url.password = 'x';
    change(url);
    const findings = await check(url.href);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ id: 'connection', level: 'error' });
    expect(findings[0]?.why).toContain(code);
    expect(findings[0]?.fix).not.toBe('');
    expect(JSON.stringify(findings)).not.toContain(url.password === 'x' ? ':x@' : url.password);
  });

  test('a server without TLS is not spoken to in clear when TLS is asked for', async () => {
    const tls = { mode: 'verify-full', ca: null, cert: null, key: null } as const;
    const findings = await checkDatabase({ ...options, database: { url: db.url, tls } });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ id: 'connection', level: 'error' });
  });
});

test('a server with every setting wrong is told each of them', async () => {
  await using server = await startEmbeddedPostgres({
    trackCommitTimestamp: false,
    walSenderTimeoutMs: 0,
    settings: {
      wal_level: 'replica',
      max_replication_slots: '1',
      max_wal_senders: '0',
      max_slot_wal_keep_size: '64MB',
      idle_replication_slot_timeout: '60s',
    },
  });
  const client = new pg.Client(clientConfig({ url: server.url() }));
  await client.connect();
  await client.query(`SELECT pg_create_physical_replication_slot('other')`);
  await client.end();
  const findings = await checkDatabase({
    ...options,
    database: { url: server.url() },
    clock: { now: () => Date.now() + 60_000, sleep: () => Promise.resolve() },
  });
  const levels = Object.fromEntries(findings.map(({ id, level }) => [id, level]));
  expect(levels).toMatchObject({
    version: 'ok',
    'wal-level': 'error',
    primary: 'ok',
    'free-slots': 'error',
    'free-senders': 'error',
    'wal-sender-timeout': 'warning',
    'slot-wal-keep-size': 'warning',
    'idle-slot-timeout': 'warning',
    'track-commit-timestamp': 'warning',
    clock: 'warning',
    'table-missing': 'error',
    migrations: 'error',
    publication: 'error',
    slot: 'error',
  });
});
