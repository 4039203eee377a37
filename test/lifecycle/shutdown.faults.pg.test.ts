import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.js';
import type { PostgresServer } from '../../src/demo/postgres-server.js';
import { DEFAULT_PREFIX, jobKeyPrefix, laneQueueName, laneStateKey } from '../../src/queue/keys.js';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { eventually } from '../support/eventually.js';
import { freeze } from '../support/frozen.js';
import { system, type RunningProcess, type System } from '../support/system.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { unending, type Business } from '../support/unending.js';

const GRACE_MS = 3_000;
const GRACE = { SHUTDOWN_GRACE: `${GRACE_MS}ms` };
/** To notice that the time is up, to write the last lines of the log and to end. */
const SLACK_MS = 1_500;

/** In a line of the log. */
const FATAL = '"level":60';

const DRAINED = 0;
const CUT_SHORT = 75;

interface Lane {
  /** Sequence number of the job that is next, and of the last one delivered. */
  readonly head: number | null;
  readonly delivered: number;
  /** Jobs that some process has in hand. */
  readonly inHand: number;
  readonly waiting: number;
}

async function laneOf(brand: System): Promise<Lane> {
  const settings = { url: brand.redis.url, tls: null };
  const client = connectRedis({ settings, use: 'worker', onError: () => undefined });
  try {
    const prefix = jobKeyPrefix(DEFAULT_PREFIX, laneQueueName('default', 0));
    const waiting = await client.lrange(`${prefix}wait`, 0, -1);
    const state = await client.hget(laneStateKey(DEFAULT_PREFIX, 'default', 0), 'deliveredSeq');
    return {
      // `b<seq>-<epoch>-…`; the head is the last of the list.
      head: Number(/^b(\d+)-/.exec(waiting.at(-1) ?? '')?.[1] ?? 0) || null,
      delivered: Number(state ?? 0),
      inHand: await client.llen(`${prefix}active`),
      waiting: waiting.length,
    };
  } finally {
    await closeRedis(client);
  }
}

/** SIGTERM, and the time until the process has ended. */
async function terminated(process: RunningProcess): Promise<{ code: number | null; tookMs: number }> {
  const sentAt = performance.now();
  const code = await process.end('SIGTERM');
  return { code, tookMs: performance.now() - sentAt };
}

async function flowing(brand: System): Promise<void> {
  const before = brand.arrivals.calls.length;
  await eventually(() => brand.arrivals.calls.length > before + 20, 'calls', 30_000);
}

/** Segment stops answering: one request hangs, and jobs wait behind the one in hand. */
async function backlog(brand: System): Promise<void> {
  let hanging = false;
  brand.receiver.respondWith(() => {
    hanging = true;
    return { tag: 'hang' };
  });
  await eventually(async () => {
    const { waiting, inHand } = await laneOf(brand);
    return hanging && waiting > 1 && inHand === 1;
  }, 'a backlog behind the job in hand');
}

/** The lane holds everything after what is delivered, and the next job is the first of it. */
async function expectHeadNext(brand: System): Promise<void> {
  const lane = await laneOf(brand);
  expect(lane.waiting).toBeGreaterThan(0);
  expect({ inHand: lane.inHand, head: lane.head }).toEqual({ inHand: 0, head: lane.delivered + 1 });
}

it('SIGTERM while Segment and Redis are slow drains within the default grace, and loses, reorders and doubles nothing', async () => {
  await using brand = await system({ seed: 40 });
  await using way = await startTcpProxy(brand.redis.port);
  const business = unending(brand);
  const connector = brand.run('all', { REDIS_URL: way.through(brand.redis.url) });
  await flowing(brand);
  brand.receiver.respondWith(() => ({ tag: 'delay', ms: 400 }));
  way.set({ tag: 'slow', delayMs: 40 });
  await eventually(async () => (await laneOf(brand)).waiting > 2, 'a backlog');
  const { code, tookMs } = await terminated(connector);
  expect(code, connector.log()).toBe(DRAINED);
  expect(tookMs).toBeLessThan(25_000);
  await expectHeadNext(brand);
  brand.receiver.respondWith(null);
  const last = brand.run('all');
  await business.end();
  const verdict = await brand.verdict();
  expect(verdict.findings).toEqual([]);
  expect(verdict.total.again).toBe(0);
  expect(await terminated(last)).toMatchObject({ code: DRAINED });
}, 90_000);

describe('SIGTERM while servers stand still', () => {
  let brand: System;
  let business: Business;
  beforeAll(async () => {
    brand = await system({ seed: 41 });
  });
  beforeEach(() => {
    business = unending(brand);
  });
  afterEach(async () => {
    brand.receiver.respondWith(null);
    await business.end().catch(() => undefined);
  });
  afterAll(async () => brand[Symbol.asyncDispose]());

  it('of deliver while Segment hangs gives the job in hand back to the head of its lane', async () => {
    const capture = brand.run('capture', GRACE);
    const deliver = brand.run('deliver', GRACE);
    await flowing(brand);
    await backlog(brand);
    const { code, tookMs } = await terminated(deliver);
    expect(code, deliver.log()).toBe(CUT_SHORT);
    expect(tookMs).toBeLessThan(GRACE_MS + SLACK_MS);
    await expectHeadNext(brand);
    // Capture has what it needs.
    expect(await terminated(capture)).toMatchObject({ code: DRAINED });
  });

  it('twice ends the process at once', async () => {
    const connector = brand.run('all');
    await flowing(brand);
    await backlog(brand);
    connector.child.kill('SIGTERM');
    await connector.logged('a second signal ends the process at once');
    const { code, tookMs } = await terminated(connector);
    expect(code).toBe(CUT_SHORT);
    expect(tookMs).toBeLessThan(1_000 + SLACK_MS);
  });

  it('of capture and deliver while Redis is frozen ends within the grace; nothing is lost in any of these ways, nothing reordered, and only what was in hand doubled', async () => {
    const both = [brand.run('capture', GRACE), brand.run('deliver', GRACE)];
    await flowing(brand);
    await using redis = await freeze(brand.redis);
    const ends = await Promise.all(both.map(terminated));
    for (const [i, { code, tookMs }] of ends.entries()) {
      expect(code, both[i]?.log()).toBe(CUT_SHORT);
      expect(tookMs).toBeLessThan(GRACE_MS + SLACK_MS);
    }
    await redis.thaw();
    const last = brand.run('all', GRACE);
    await business.end();
    const verdict = await brand.verdict();
    expect(verdict.findings).toEqual([]);
    // A request holds at most 100 events at the default rate; what a hanging receiver did not take is not counted.
    expect(verdict.total.again).toBeLessThanOrEqual(2 * 100);
    expect(await terminated(last)).toMatchObject({ code: DRAINED });
  });
}, 90_000);

describe('SIGTERM while PostgreSQL is frozen', () => {
  let server: PostgresServer;
  let brand: System;
  beforeAll(async () => {
    server = await startEmbeddedPostgres();
    brand = await system({ server: server.url(), seed: 42 });
  });
  afterAll(async () => {
    await brand[Symbol.asyncDispose]();
    await server.stop();
  });

  it('ends within the grace, whether Redis is frozen too or not, and gives the job in hand back to the head of its lane where it can; nothing is lost', async () => {
    const business = unending(brand);
    const first = brand.run('all', GRACE);
    await flowing(brand);
    await backlog(brand);
    await business.end();
    const postgres = await freeze(server);
    const frozen = await terminated(first);
    expect(frozen.code, first.log()).toBe(CUT_SHORT);
    expect(frozen.tookMs).toBeLessThan(GRACE_MS + SLACK_MS);
    await expectHeadNext(brand);
    await postgres.thaw();

    brand.receiver.respondWith(null);
    const second = brand.run('all', GRACE);
    await flowing(brand);
    const servers = await Promise.all([freeze(server), freeze(brand.redis)]);
    const bothFrozen = await terminated(second);
    expect(bothFrozen.code, second.log()).toBe(CUT_SHORT);
    expect(bothFrozen.tookMs).toBeLessThan(GRACE_MS + SLACK_MS);
    for (const each of servers) await each.thaw();

    const last = brand.run('all', GRACE);
    const verdict = await brand.verdict();
    expect(verdict.findings).toEqual([]);
    expect(verdict.total.again).toBeLessThanOrEqual(100);
    expect(await terminated(last), last.log()).toMatchObject({ code: DRAINED });
  });

  it('from the start on ends within the grace, and tells of no failure', async () => {
    await using postgres = await freeze(server);
    await using redis = await freeze(brand.redis);
    const connector = brand.run('all', GRACE);
    await connector.logged('serving /livez');
    const { code, tookMs } = await terminated(connector);
    expect(code, connector.log()).toBe(DRAINED);
    expect(connector.log()).not.toContain(FATAL);
    expect(tookMs).toBeLessThan(GRACE_MS + SLACK_MS);
    await redis.thaw();
    await postgres.thaw();
  });
}, 90_000);

it('SIGTERM while PostgreSQL goes away is a draining cut short, and not told as what ended the connector', async () => {
  await using brand = await system({ seed: 43 });
  await using way = await startTcpProxy(Number(new URL(brand.db.url).port));
  const connector = brand.run('all', { DATABASE_URL: way.through(brand.db.url) });
  const business = unending(brand);
  await flowing(brand);
  way.set({ tag: 'hold' });
  const ended = terminated(connector);
  await connector.logged('draining');
  way.set({ tag: 'refuse' });
  way.cut();
  const { code, tookMs } = await ended;
  expect(code, connector.log()).toBe(CUT_SHORT);
  expect(tookMs).toBeLessThan(25_000);
  expect(connector.log()).toContain('capture could not drain');
  expect(connector.log()).not.toContain(FATAL);
  const last = brand.run('all');
  await business.end();
  expect((await brand.verdict()).findings).toEqual([]);
  expect(await terminated(last)).toMatchObject({ code: DRAINED });
}, 90_000);
