import { expect, test } from 'vitest';
import pg from 'pg';
import { clientConfig } from '../../src/postgres/connection.js';
import { PUBLICATION, slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { system } from '../support/system.js';

test('SIGTERM in the middle of business, again and again, loses nothing and doubles nothing', async () => {
  await using brand = await system();
  const business = brand.business(10);
  for (let round = 0; round < 3; round += 1) {
    const connector = brand.run('all');
    const before = brand.arrivals.calls.length;
    await eventually(() => brand.arrivals.calls.length > before + 50, 'calls of this process', 30_000);
    expect(await connector.end('SIGTERM'), connector.log()).toBe(0);
  }
  const last = brand.run('all');
  await business;
  const verdict = await brand.verdict();
  expect(verdict.findings).toEqual([]);
  expect(verdict.total.again).toBe(0);
  expect(await last.end('SIGTERM')).toBe(0);
}, 120_000);

test('of two capture processes one waits, and takes over without a gap when the other is killed', async () => {
  await using brand = await system({ seed: 3 });
  const deliver = brand.run('deliver');
  const first = brand.run('capture');
  await first.logged('capture is streaming');
  const second = brand.run('capture');
  await second.logged('capture is standing-by');
  const business = brand.business(8);
  await eventually(() => brand.arrivals.calls.length > 100, 'calls', 30_000);
  expect(second.log()).not.toContain('capture is streaming');
  await first.end('SIGKILL');
  await second.logged('capture is streaming');
  await business;
  const verdict = await brand.verdict();
  expect(verdict.findings).toEqual([]);
  expect(await second.end('SIGTERM')).toBe(0);
  expect(await deliver.end('SIGTERM')).toBe(0);
}, 120_000);

test('a slot that somebody else streams from is waited for: the log names who, and nothing is missing afterwards', async () => {
  await using brand = await system({ seed: 8 });
  const stranger = new pg.Client({
    ...clientConfig({ url: brand.db.url, applicationName: 'pg_recvlogical' }),
    replication: 'database',
  } as pg.ClientConfig);
  const cut = new Promise((resolve) => stranger.on('error', resolve));
  await stranger.connect();
  // Takes all and confirms nothing, until its connection ends.
  stranger
    .query(
      `START_REPLICATION SLOT ${slotOf(brand.db)} LOGICAL 0/0 (proto_version '1', publication_names '${PUBLICATION}')`,
    )
    .catch(() => undefined);
  const held = async (): Promise<number | null> => {
    const { rows } = await brand.db.sql<{ pid: number | null }>(
      'SELECT active_pid AS pid FROM pg_replication_slots WHERE slot_name = $1',
      [slotOf(brand.db)],
    );
    return rows[0]?.pid ?? null;
  };
  await eventually(async () => (await held()) !== null, 'the slot is held');
  const pid = await held();
  const connector = brand.run('all');
  await connector.logged('capture is standing-by');
  await connector.logged(`"activePid":${pid},"holder":"pg_recvlogical"`);
  const business = brand.business(3);
  await eventually(() => connector.log().includes('serving'), 'its probes');
  expect(await held()).toBe(pid);
  expect(brand.arrivals.calls).toEqual([]);
  await brand.db.sql('SELECT pg_terminate_backend($1)', [pid]);
  await cut;
  await connector.logged('capture is streaming');
  await business;
  const verdict = await brand.verdict();
  expect(verdict.findings).toEqual([]);
  expect(verdict.total.again).toBe(0);
  expect(await connector.end('SIGTERM')).toBe(0);
}, 120_000);

test('while Redis is away capture waits with the WAL as its buffer, and nothing is lost', async () => {
  await using brand = await system({ seed: 4 });
  const connector = brand.run('all');
  await connector.logged('capture is streaming');
  const business = brand.business(8);
  await eventually(() => brand.arrivals.calls.length > 100, 'calls', 30_000);
  await brand.redis.stop();
  await connector.logged('the WAL is the buffer');
  await brand.redis.start();
  await business;
  const verdict = await brand.verdict();
  expect(verdict.findings).toEqual([]);
  expect(await connector.end('SIGTERM')).toBe(0);
}, 120_000);

test('SIGTERM while Redis has never been there ends the process in good order', async () => {
  await using brand = await system({ guests: 5 });
  await brand.redis.stop();
  for (const role of ['deliver', 'capture', 'all'] as const) {
    const connector = brand.run(role);
    await connector.logged('serving /livez');
    expect(await connector.end('SIGTERM'), connector.log()).toBe(0);
  }
}, 60_000);
