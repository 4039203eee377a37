import { expect, test } from 'vitest';
import type { BackfillLane } from '../../src/backfill/fill.js';
import { fill } from '../../src/backfill/fill.js';
import { openRun } from '../../src/backfill/run-store.js';
import { openBackfillLane } from '../../src/cli/backfill-lane.js';
import { parseConfig } from '../../src/config/parse.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import { openKnex } from '../../src/postgres/connection.js';
import { closeRedis, connectRedis, untilReady } from '../../src/queue/redis.js';
import { eventually } from '../support/eventually.js';
import { EVERYTHING } from './collected.js';
import { invoked } from './invoked.js';
import { servers } from './servers.js';
import { tills } from './tills.js';

async function redisCommand(url: string, command: 'flushall'): Promise<void> {
  const client = connectRedis({ settings: { url, tls: null }, use: 'worker', onError: () => undefined });
  await untilReady(client, AbortSignal.timeout(5_000));
  await client[command]();
  await closeRedis(client);
}

test('reading waits while the lane holds enough, and goes on when it is delivered', async () => {
  await using brand = await servers();
  await tills(brand.db, { members: 5, purchases: 120 });
  const config = parseConfig(brand.env, { command: 'run' });
  const knex = openKnex({ url: brand.db.url });
  const request = { ...EVERYTHING, events: ['POS Activity'] as const };
  const run = await openRun({
    knex,
    source: 'default',
    request,
    gapId: null,
    span: { sinceUs: null, untilUs: Date.now() * 1_000 },
    unconfirmed: null,
  });
  await using lane = openBackfillLane({
    config,
    source: config.sources[0],
    logger: silentLogger,
    list: null,
    withLiveLanes: false,
    onObstacle: () => undefined,
  });
  let looks = 0;
  let looksWithRoom = 0;
  let rowsRead = 0;
  const watched: BackfillLane = {
    ...lane,
    delivery: { start: async () => undefined, close: async () => undefined },
    depth: async () => {
      const depth = await lane.depth();
      looks += 1;
      if (depth.backfill <= 3) looksWithRoom = looks;
      return depth;
    },
  };
  const common = {
    knex,
    clock: systemClock,
    source: config.sources[0].settings,
    request,
    run,
    rowsPerSecond: 100_000,
  };
  const stop = new AbortController();
  const waiting = fill(
    {
      ...common,
      lane: watched,
      pageRows: 10,
      maxJobs: 3,
      graceMs: 1_000,
      observer: { page: (status) => (rowsRead = status.rowsRead) },
    },
    stop.signal,
  );
  await eventually(() => looks - looksWithRoom >= 4, 'a lane that is full four times in a row');
  const readWhenFull = rowsRead;
  expect(readWhenFull).toBeLessThan(60);
  const looksWhenFull = looks;
  await eventually(() => looks > looksWhenFull + 3, 'more looks');
  expect(rowsRead).toBe(readWhenFull);
  // A page may leave as two batches: what comes first is not kept waiting.
  expect((await lane.depth()).backfill).toBeLessThanOrEqual(5);
  stop.abort();
  expect((await waiting).tag).toBe('interrupted');
  await knex.destroy();

  const ended = await invoked(['backfill', '--event', 'POS Activity'], brand.env);
  expect(ended).toMatchObject({ code: 0, err: '' });
  await eventually(
    () => new Set(brand.arrivals.calls.map(({ messageId }) => messageId)).size === 120,
    'all of them',
  );
}, 60_000);

test('a Redis that lost what it had confirmed makes the run begin again: nothing is missing in the end', async () => {
  await using brand = await servers();
  await tills(brand.db, { members: 5, purchases: 150 });
  const env = { ...brand.env, RATE_LIMIT_PER_SECOND: '200' };
  const running = invoked(['backfill', '--event', 'POS Activity', 'add_redeem'], env);
  await eventually(() => brand.arrivals.calls.length >= 60, 'the first calls', 30_000);
  await redisCommand(brand.redis.url, 'flushall');
  const ended = await running;
  expect(ended.out).toContain('beginning again');
  expect(ended.out).toContain('Delivered 300 calls from 150 rows');
  expect(ended.code).toBe(0);
  expect(new Set(brand.arrivals.calls.map(({ messageId }) => messageId)).size).toBe(300);
}, 60_000);

test('a dry run counts what a run then sends, and sends nothing', async () => {
  await using brand = await servers();
  await tills(brand.db, { members: 3, purchases: 25 });
  const dry = await invoked(['backfill', '--event', 'all', '--identify', '--dry-run'], brand.env);
  expect(dry).toMatchObject({ code: 0, err: '' });
  expect(brand.arrivals.calls).toEqual([]);
  const sent = await invoked(['backfill', '--event', 'all', '--identify'], brand.env);
  const counts = (out: string): string[] => out.split('\n').filter((line) => /^ +\d+ {2}/.test(line));
  expect(counts(dry.out)).toEqual(counts(sent.out));
  expect(counts(sent.out)).toEqual([
    '   6  identify',
    '   3  Loyalty Registration',
    '  25  POS Activity',
    '  25  Add/Redeem',
  ]);
  expect(brand.arrivals.calls).toHaveLength(59);
  const { rows } = await brand.db.sql('SELECT count(*)::int AS runs FROM segment_connector.backfill_run');
  expect(rows).toEqual([{ runs: 1 }]);
}, 60_000);

test('a request that would send nothing is refused, and what was sent days ago needs a confirmation', async () => {
  await using brand = await servers();
  await tills(brand.db, { members: 1, purchases: 1 });
  const refusals: readonly [argv: readonly string[], says: string][] = [
    [['backfill'], 'name the events'],
    [['backfill', '--event', 'check_in', '--since', 'yesterday'], 'is no time'],
    [['backfill', '--event', 'check_in', '--source', 'defualt'], 'Did you mean default?'],
    [['backfill', '--event', 'check_in', '--since', '1h', '--until', '2h'], 'earlier than --until'],
  ];
  for (const [argv, says] of refusals) {
    const { code, err } = await invoked(argv, brand.env);
    expect(err).toContain(says);
    expect(code).toBe(70);
  }
  const off = await invoked(['backfill', '--event', 'referral'], { ...brand.env, EVENTS: 'check_in' });
  expect(off.err).toContain('not among the EVENTS');
  await brand.db.sql(`UPDATE segment_connector.checkpoint SET enabled_from = now() - interval '9 days'`);
  const again = await invoked(['backfill', '--event', 'all'], brand.env);
  expect(again.err).toContain('add --yes');
  const recent = await invoked(['backfill', '--event', 'all', '--since', '23h'], brand.env);
  expect(recent).toMatchObject({ code: 0, err: '' });
  const confirmed = await invoked(['backfill', '--event', 'all', '--yes'], brand.env);
  expect(confirmed).toMatchObject({ code: 0, err: '' });
}, 60_000);
