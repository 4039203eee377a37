import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createConnector, type Connector } from '../../src/app.js';
import { parseConfig } from '../../src/config/parse.js';
import { startReceiver, type Receiver } from '../../src/demo/receiver.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { createLogger } from '../../src/observability/logger.js';
import { DEFAULT_PREFIX } from '../../src/queue/keys.js';
import { countListed } from '../../src/queue/listed-guests.js';
import { queuedCalls } from '../../src/queue/queued-calls.js';
import { closeRedis, connectRedis, type RedisClient } from '../../src/queue/redis.js';
import { invoked } from '../backfill/invoked.js';
import { purchase, seedAccount, seedBrand } from '../support/brand.js';
import { PUBLICATION, setUpConnector, slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { testRedis, type TestRedis } from '../support/redis.js';

const WRITE_KEY = 'test-write-key';

let db: TestDatabase;
let redis: TestRedis;
let receiver: Receiver;
let client: RedisClient;
let directory: string;
let log: string;
let running: Connector[];

beforeEach(async () => {
  db = await testDatabase();
  redis = await testRedis();
  receiver = await startReceiver({ writeKeys: [WRITE_KEY], limitPerSecond: null });
  client = connectRedis({ settings: { url: redis.url, tls: null }, use: 'worker', onError: () => undefined });
  directory = await mkdtemp(join(tmpdir(), 'listed-'));
  log = '';
  running = [];
  await seedBrand(db);
  for (const accountId of [1, 2, 3, 4]) await seedAccount(db, { accountId });
  await setUpConnector(db);
});

afterEach(async () => {
  for (const connector of running) await connector.stop();
  await closeRedis(client);
  await receiver.close();
  await redis.dispose();
  await db.close();
  await rm(directory, { recursive: true });
});

function env(more: Readonly<Record<string, string>>): Record<string, string> {
  return {
    DATABASE_URL: db.url,
    REDIS_URL: redis.url,
    SEGMENT_WRITE_KEY: WRITE_KEY,
    SEGMENT_HOST: receiver.url,
    PUBLICATION_NAME: PUBLICATION,
    SLOT_NAME: slotOf(db),
    SPILL_DIR: directory,
    HTTP_PORT: '0',
    ...more,
  };
}

function connectorOf(role: 'all' | 'capture' | 'deliver', more: Readonly<Record<string, string>>): Connector {
  const connector = createConnector(parseConfig(env(more), { command: 'run', role }), {
    logger: createLogger('info', { write: (line) => void (log += line) }),
    role,
    clock: systemClock,
  });
  running.push(connector);
  return connector;
}

function has(...transactions: number[]): boolean {
  return transactions.every((transaction) =>
    receiver.events.some(({ messageId }) => messageId === `px-777777-pos_activity-${transaction}`),
  );
}

function arrivedOf(account: string): number {
  return receiver.events.filter(({ userId }) => userId === account).length;
}

async function bought(transactionId: number, accountId: number): Promise<void> {
  await purchase(db, { transactionId, accountId, points: 1 });
}

async function inQueue(): Promise<string[]> {
  const ids: string[] = [];
  for await (const call of queuedCalls(client, DEFAULT_PREFIX, 'default', 0)) ids.push(call.messageId);
  return ids.filter((id) => id.includes('-pos_activity-')).map((id) => id.replace(/.*-/, ''));
}

async function published(guests: number): Promise<void> {
  await eventually(
    async () => (await countListed(client, DEFAULT_PREFIX, ['default'])) === guests,
    `a list of ${guests} in redis:\n${log}`,
  );
}

async function listFile(...guests: string[]): Promise<string> {
  const path = join(directory, 'guests');
  await writeFile(`${path}.new`, guests.join('\n'));
  await rename(`${path}.new`, path);
  return path;
}

/** What was captured is in the checkpoint: a replay ends there, and nothing before it is `to capture`. */
async function settled(): Promise<void> {
  await eventually(async () => {
    const { rows } = await db.sql<{ reached: boolean }>(
      `SELECT commit_time >= (SELECT max(pg_xact_commit_timestamp(xmin)) FROM txn.transaction) AS reached
       FROM segment_connector.checkpoint WHERE slot_name = $1`,
      [slotOf(db)],
    );
    return rows[0]?.reached === true;
  }, 'the checkpoint past all of it');
}

test('a listed guest is neither queued nor sent nor called missing; off the list only what is new goes out, and a deleted one stays away', async () => {
  const file = { SUPPRESSION_FILE: await listFile('# opted out', '2') };
  const connector = connectorOf('all', file);
  await connector.start();
  await bought(1, 1);
  await bought(2, 2);
  await bought(3, 3);
  await receiver.waitUntil(() => has(1, 3));
  expect(arrivedOf('2')).toBe(0);

  // Queued, then listed.
  receiver.respondWith(() => ({ tag: 'status', status: 503 }));
  await bought(10, 1);
  await bought(11, 2);
  await bought(12, 3);
  await eventually(async () => (await inQueue()).includes('12'), 'queued');
  expect((await inQueue()).toSorted()).toEqual(['10', '12']);
  await db.sql(`UPDATE loyalty.guest SET status = 'DELETED' WHERE user_id = 3`);
  await listFile('1', '2', '3');
  await published(3);
  await bought(13, 4);
  receiver.respondWith(null);
  await receiver.waitUntil(() => has(13));
  expect([has(10), has(12)]).toEqual([false, false]);

  // Taken off.
  await listFile();
  await published(0);
  for (const [transaction, account] of [
    [20, 1],
    [21, 2],
    [22, 3],
    [23, 4],
  ] as const)
    await bought(transaction, account);
  await receiver.waitUntil(() => has(20, 21, 23));
  expect(arrivedOf('3')).toBe(2);
  expect([has(2), has(10), has(11), has(12), has(22)]).toEqual(Array(5).fill(false));
  await settled();
  const off = await invoked(['reconcile', '--json'], env(file));
  expect(JSON.parse(off.out), off.err).toMatchObject({ equal: true, total: { missing: 0, extra: 0 } });
  expect(JSON.parse(off.out).total.suppressed).toBeGreaterThanOrEqual(6);

  // Listed again: whatever command is given, nothing comes.
  await listFile('2', '3');
  await published(2);
  await bought(30, 2);
  await bought(31, 4);
  await receiver.waitUntil(() => has(31));
  await settled();
  const before = { of2: arrivedOf('2'), of3: arrivedOf('3') };
  const { rows } = await db.sql<{ lsn: string }>(
    `SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1`,
    [`${slotOf(db)}_replay`],
  );
  const from = ['--from', rows[0]?.lsn ?? ''];
  const since = ['--event', 'all', '--since', '2020-01-01T00:00:00Z'];
  for (const command of [
    ['replay', ...from],
    ['backfill', ...since],
    ['reconcile', '--repair'],
  ]) {
    const ended = await invoked(command, env(file));
    expect(ended.code, `${command.join(' ')}: ${ended.out} ${ended.err}`).toBe(0);
    expect({ of2: arrivedOf('2'), of3: arrivedOf('3') }, command.join(' ')).toEqual(before);
  }
  const preview = await invoked(['preview', ...from, '--limit', '1000'], env(file));
  const users = new Set(
    preview.out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { userId: string }).userId),
  );
  expect(users).toEqual(new Set(['1', '4']));
  const counted = await invoked(['backfill', ...since, '--dry-run'], env(file));
  expect(counted.out).toMatch(/\b6 {2}POS Activity/);
  const now = await invoked(['reconcile', '--json'], env(file));
  expect(JSON.parse(now.out), now.err).toMatchObject({ equal: true, total: { missing: 0 } });

  // Redis forgets both kinds, and is given back both.
  await client.flushall();
  await eventually(
    () => log.includes('redis is healed'),
    () => log,
  );
  await published(2);
  await bought(40, 1);
  await bought(41, 2);
  await receiver.waitUntil(() => has(40));
  expect(arrivedOf('2')).toBe(before.of2);
}, 120_000);

test('a table of the database is the list as well, and a deliver process of its own learns it from Redis', async () => {
  await db.sql(
    'CREATE TABLE public.opted_out (guest integer); INSERT INTO public.opted_out VALUES (2), (NULL), (2)',
  );
  const table = { SUPPRESSION_TABLE: 'public.opted_out.guest', SUPPRESSION_TABLE_REFRESH: '1s' };
  const deliver = connectorOf('deliver', { ...table, DATABASE_URL: '' });
  const started = deliver.start();
  await eventually(
    () => log.includes('delivery waits for capture to publish'),
    () => log,
  );
  const early = await invoked(['check', '--role', 'deliver', '--json'], env(table));
  expect(early.out).toContain('capture has published no suppression list yet');

  const capture = connectorOf('capture', table);
  await capture.start();
  await started;
  await bought(1, 1);
  await bought(2, 2);
  await receiver.waitUntil(() => has(1));

  receiver.respondWith(() => ({ tag: 'status', status: 503 }));
  await bought(10, 1);
  await eventually(async () => (await inQueue()).length === 1, 'queued');
  const versions = async (): Promise<string | null> =>
    client.hget(`${DEFAULT_PREFIX}:listed-guests`, 'default');
  const before = await versions();
  await db.sql('INSERT INTO public.opted_out VALUES (1); DELETE FROM public.opted_out WHERE guest = 2');
  await eventually(async () => (await versions()) !== before, 'another list of 1');
  await bought(11, 2);
  await bought(12, 3);
  await eventually(async () => {
    const queued = await inQueue();
    return queued.includes('11') && queued.includes('12');
  }, 'queued behind it');
  receiver.respondWith(null);
  await receiver.waitUntil(() => has(11, 12));
  expect([has(2), has(10)]).toEqual([false, false]);

  // The table goes: whoever was on it stays on it.
  await db.sql('DROP TABLE public.opted_out');
  await eventually(
    () => capture.health().reasons.some((reason) => reason.includes('SUPPRESSION_TABLE')),
    'degraded',
  );
  expect(capture.health()).toMatchObject({
    ready: true,
    reasons: [expect.stringMatching(/^degraded: .*whoever was on it \(1\) stays on it$/)],
  });
  await bought(20, 1);
  await bought(21, 2);
  await receiver.waitUntil(() => has(21));
  expect(has(20)).toBe(false);
  expect(log.match(/the suppression list cannot be read; whoever was on it stays on it/g)).toHaveLength(1);
  const { port } = capture.address ?? { port: 0 };
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(metrics).toMatch(/^paytronix_segment_suppression_list_unreadable\{from="table"\} 1$/m);
  expect(metrics).toMatch(/^paytronix_segment_suppression_list_guests 1$/m);
  expect(metrics).toMatch(
    /^paytronix_segment_events_total\{.*event="POS Activity",outcome="suppressed"\} 2$/m,
  );
  await db.sql('CREATE TABLE public.opted_out (guest text)');
  await eventually(() => capture.health().reasons.length === 0, 'whole again');
}, 90_000);

test('at the start a list that cannot be read refuses to start, in every role and command, and check says how to mend it', async () => {
  const gone = { SUPPRESSION_FILE: join(directory, 'nobody') };
  await bought(1, 1);
  for (const role of ['all', 'capture', 'deliver'] as const) {
    await expect(connectorOf(role, gone).start(), role).rejects.toMatchObject({
      code: 'SUPPRESSION_UNREADABLE',
    });
  }
  const lsn = ['--from', '0/1'];
  const since = ['--event', 'all', '--since', '2020-01-01T00:00:00Z'];
  for (const command of [
    ['replay', ...lsn],
    ['backfill', ...since],
    ['preview'],
    ['reconcile'],
    ['recover'],
  ]) {
    const { code, err } = await invoked(command, env(gone));
    expect([command[0], code, err.split(':')[0]]).toEqual([command[0], 70, 'SUPPRESSION_UNREADABLE']);
  }
  expect(receiver.events).toEqual([]);
  expect(await client.keys('*')).toEqual([]);

  const findings = async (more: Readonly<Record<string, string>>): Promise<unknown[]> => {
    const { out, err } = await invoked(['check', '--json'], env(more));
    expect(err).toBe('');
    return (JSON.parse(out) as { findings: { area: string }[] }).findings.filter(
      ({ area }) => area === 'Suppression list',
    );
  };
  await db.sql('CREATE TABLE public.opted_out AS SELECT generate_series(1, 25000)::text AS guest');
  expect(await findings({ ...gone, SUPPRESSION_TABLE: 'public.opted_out.guest' })).toMatchObject([
    { level: 'error', what: 'the suppression list of SUPPRESSION_FILE cannot be read: ENOENT' },
    { level: 'ok', what: 'SUPPRESSION_TABLE lists 25000 guests' },
  ]);
  const role = `nobody_${db.name}`;
  await db.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
  try {
    const url = new URL(db.url);
    [url.username, url.password] = [role, 'x'];
    const asRole = { DATABASE_URL: url.href, SUPPRESSION_TABLE: 'public.opted_out.guest' };
    expect(await findings(asRole)).toMatchObject([
      { level: 'error', fix: expect.stringContaining('GRANT SELECT ("guest") ON "public"."opted_out" TO') },
    ]);
    await expect(connectorOf('capture', asRole).start()).rejects.toMatchObject({
      code: 'SUPPRESSION_UNREADABLE',
    });
  } finally {
    await db.sql(`DROP ROLE ${role}`);
  }
  for (const place of ['public.opted_out.nobody', 'public.nobody.guest', 'nobody.opted_out.guest']) {
    await expect(connectorOf('capture', { SUPPRESSION_TABLE: place }).start(), place).rejects.toMatchObject({
      code: 'SUPPRESSION_UNREADABLE',
    });
  }
}, 60_000);
