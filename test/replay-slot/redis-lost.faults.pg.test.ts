import { cp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULT_PREFIX, laneStateKey } from '../../src/queue/keys.js';
import { closeRedis, connectRedis, type RedisClient } from '../../src/queue/redis.js';
import { invoked } from '../backfill/invoked.js';
import { slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { system, type System } from '../support/system.js';
import { unending } from '../support/unending.js';
import { SHORT, sampled } from '../support/short-form.js';

async function onRedis<T>(brand: System, work: (client: RedisClient) => Promise<T>): Promise<T> {
  const settings = { url: brand.redis.url, tls: null };
  const client = connectRedis({ settings, use: 'worker', onError: () => undefined });
  try {
    return await work(client);
  } finally {
    await closeRedis(client);
  }
}

async function appendOnlyFiles(brand: System): Promise<string> {
  const [, directory = ''] = await onRedis(
    brand,
    (client) => client.config('GET', 'dir') as Promise<string[]>,
  );
  return join(directory, 'appendonlydir');
}

/** Segment is down until `mend` is called, so that jobs pile up in Redis. */
function segmentDown(brand: System): { readonly mend: () => void } {
  brand.receiver.respondWith(() => ({ tag: 'status', status: 503 }));
  return { mend: () => brand.receiver.respondWith(null) };
}

async function jobsWaiting(brand: System): Promise<number> {
  return onRedis(brand, (client) => client.llen('paytronix:segment/default/0:wait'));
}

/** The last job that Redis may hold: the one that was announced. */
async function seqInRedis(brand: System): Promise<number> {
  const key = laneStateKey(DEFAULT_PREFIX, 'default', 0);
  return Number(await onRedis(brand, (client) => client.hget(key, 'pendingSeq')));
}

/** Jobs that the checkpoint knows to be queued. */
async function queuedSeq(brand: System): Promise<number> {
  const { rows } = await brand.db.sql<{ seq: number | null }>(
    `SELECT (lanes -> 'default/0' ->> 'seq')::int AS seq FROM segment_connector.checkpoint WHERE slot_name = $1`,
    [slotOf(brand.db)],
  );
  return rows[0]?.seq ?? 0;
}

test('a Redis emptied under load, twice, with jobs waiting in it, is healed with no command given', async () => {
  await using brand = await system({ seed: 21 });
  const connector = brand.run('all');
  await connector.logged('capture is streaming');
  const business = unending(brand);
  await eventually(() => brand.arrivals.calls.length > 100, 'calls', 30_000);
  const segment = segmentDown(brand);
  await eventually(async () => (await jobsWaiting(brand)) >= 3, 'a backlog');
  await onRedis(brand, (client) => client.flushall());
  await connector.logged('redis is healed');
  segment.mend();
  const before = brand.arrivals.calls.length;
  await eventually(() => brand.arrivals.calls.length > before + 100, 'calls after', 30_000);
  await onRedis(brand, (client) => client.flushall());
  await business.end();
  const verdict = await brand.verdict();
  expect(verdict.findings).toEqual([]);
  expect(connector.log()).toContain('"code":"QUEUE_LOST"');
  expect(await connector.end('SIGTERM')).toBe(0);
}, 120_000);

test.skipIf(SHORT)(
  'another, empty Redis in place of the one that held a backlog is filled at the next start',
  async () => {
    await using brand = await system({ seed: 22 });
    const first = brand.run('all');
    await first.logged('capture is streaming');
    await brand.business(2);
    const segment = segmentDown(brand);
    await brand.business(2);
    await eventually(async () => (await jobsWaiting(brand)) >= 1, 'a backlog');
    await first.end('SIGKILL');
    const files = await appendOnlyFiles(brand);
    await brand.redis.kill();
    await rm(files, { recursive: true });
    await brand.redis.start();
    segment.mend();
    const second = brand.run('all');
    await second.logged('redis is healed');
    const verdict = await brand.verdict();
    expect(verdict.findings).toEqual([]);
    expect(await second.end('SIGTERM')).toBe(0);
  },
  120_000,
);

test('an old copy of Redis put back under load: what it has forgotten is queued again', async () => {
  await using brand = await system({ seed: 23 });
  const connector = brand.run('all');
  await connector.logged('capture is streaming');
  const business = unending(brand);
  await eventually(() => brand.arrivals.calls.length > 50, 'calls', 30_000);
  const files = await appendOnlyFiles(brand);
  await cp(files, `${files}.old`, { recursive: true });
  const segment = segmentDown(brand);
  await eventually(async () => (await jobsWaiting(brand)) >= 3, 'a backlog');
  // Newer than the checkpoint, an old copy has forgotten nothing that the slot does not send again.
  const copied = await queuedSeq(brand);
  await eventually(async () => (await queuedSeq(brand)) > copied + 2, 'a later checkpoint');
  await brand.redis.kill();
  await rm(files, { recursive: true });
  await cp(`${files}.old`, files, { recursive: true });
  await brand.redis.start();
  segment.mend();
  await connector.logged('redis is healed');
  await business.end();
  const verdict = await brand.verdict();
  expect(verdict.findings).toEqual([]);
  expect(await connector.end('SIGTERM')).toBe(0);
}, 120_000);

/** The file that Redis appends to: the last part of what it holds. */
async function appendedFile(files: string): Promise<string> {
  const names = (await readdir(files)).filter((name) => name.endsWith('.incr.aof'));
  expect(names).toHaveLength(1);
  return join(files, names[0] ?? '');
}

test('a Redis killed under load, AOF everysec, comes back with what it had, and nothing is missing', async () => {
  await using brand = await system({ seed: 26 });
  const connector = brand.run('all');
  await connector.logged('capture is streaming');
  const business = unending(brand);
  for (let round = 0; round < 2; round += 1) {
    const before = brand.arrivals.calls.length;
    await eventually(() => brand.arrivals.calls.length > before + 50, 'calls', 30_000);
    await brand.redis.kill();
    await brand.redis.start();
  }
  await business.end();
  expect((await brand.verdict()).findings, connector.log()).toEqual([]);
  // SIGKILL leaves to the kernel what was written, and that is all: only a machine that falls loses the last second.
  expect(connector.log()).not.toContain('"code":"QUEUE_LOST"');
  expect(await connector.end('SIGTERM')).toBe(0);
}, 90_000);

const LAST_SECONDS = [
  ['while it was up', 27, false],
  ['while Segment was down, with a backlog', 28, true],
] as const;

test.each(sampled(LAST_SECONDS))(
  'a Redis killed under load whose last second was not on disk, %s, is given it again',
  async (_, seed, isSegmentDown) => {
    await using brand = await system({ seed });
    const connector = brand.run('all');
    await connector.logged('capture is streaming');
    const business = unending(brand);
    await eventually(() => brand.arrivals.calls.length > 50, 'calls', 30_000);
    const segment = isSegmentDown ? segmentDown(brand) : null;
    if (isSegmentDown) await eventually(async () => (await jobsWaiting(brand)) >= 3, 'a backlog');
    const appended = await appendedFile(await appendOnlyFiles(brand));
    const { size: from } = await stat(appended);
    // The checkpoint knows what is lost by then, so that the slot does not send it again by itself.
    const kept = await seqInRedis(brand);
    await eventually(async () => (await queuedSeq(brand)) > kept, 'a later checkpoint');
    await brand.redis.kill();
    expect((await stat(appended)).size).toBeGreaterThan(from + 1_024);
    // In the midst of a command, as a file ends that a machine did not write to its end.
    await truncate(appended, from + 7);
    await brand.redis.start();
    segment?.mend();
    await connector.logged('redis is healed');
    await business.end();
    expect((await brand.verdict()).findings, connector.log()).toEqual([]);
    expect(connector.log()).toContain('"code":"QUEUE_LOST"');
    expect(await connector.end('SIGTERM')).toBe(0);
  },
  90_000,
);

test('an idle connector notices within seconds, sends nothing twice that it knows to be delivered, and goes on', async () => {
  await using brand = await system({ seed: 24 });
  const connector = brand.run('all');
  await connector.logged('capture is streaming');
  await brand.business(2);
  await brand.verdict();
  const slot = slotOf(brand.db);
  await eventually(async () => {
    const { rows } = await brand.db.sql<{ done: boolean }>(
      `SELECT (delivered ->> 'commitTimeUs')::bigint = (extract(epoch FROM commit_time) * 1000000)::bigint AS done
      FROM segment_connector.checkpoint WHERE slot_name = $1`,
      [slot],
    );
    return rows[0]?.done === true;
  }, 'the delivered position in the checkpoint');
  const before = brand.arrivals.calls.length;
  const atMs = Date.now();
  await onRedis(brand, (client) => client.flushall());
  await connector.logged('redis is healed');
  expect(Date.now() - atMs).toBeLessThan(8_000);
  expect(brand.arrivals.calls.length).toBe(before);
  await brand.business(2);
  const verdict = await brand.verdict();
  expect(verdict.findings).toEqual([]);
  expect(await connector.end('SIGTERM')).toBe(0);
}, 120_000);

test('where the window is too short the gap is named with its span and command, once, and `recover` fills it', async () => {
  await using brand = await system({ seed: 25 });
  const first = brand.run('all');
  await first.logged('capture is streaming');
  const segment = segmentDown(brand);
  await brand.business(2);
  await eventually(async () => (await jobsWaiting(brand)) >= 1, 'a backlog');
  await first.end('SIGTERM');
  await brand.db.sql(`SELECT pg_drop_replication_slot('${slotOf(brand.db)}_replay')`);
  await onRedis(brand, (client) => client.flushall());
  segment.mend();
  for (let start = 1; start <= 2; start += 1) {
    const connector = brand.run('all');
    await eventually(() => connector.child.exitCode !== null, 'the end of the process', 20_000);
    expect(connector.child.exitCode).not.toBe(0);
    expect(connector.log()).toMatch(
      /redis lost what was queued.*from [0-9A-F]+\/[0-9A-F]+ \(20.*to [0-9A-F]+\/[0-9A-F]+/,
    );
    expect(connector.log()).toContain('paytronix-segment recover');
    expect(connector.log()).toMatch(/paytronix-segment backfill .*--since 20/);
  }
  const gaps = `SELECT reason, closed_at IS NOT NULL AS closed, from_lsn < to_lsn AS span FROM segment_connector.gap`;
  expect((await brand.db.sql(gaps)).rows).toEqual([
    { reason: 'redis lost what was queued', closed: false, span: true },
  ]);
  const recovered = await invoked(['recover'], brand.env);
  expect(recovered, recovered.out).toMatchObject({ code: 0, err: '' });
  const last = brand.run('all');
  await last.logged('redis is healed');
  await brand.business(1);
  const verdict = await brand.verdict();
  expect(verdict.findings).toEqual([]);
  expect(await last.end('SIGTERM')).toBe(0);
}, 120_000);
