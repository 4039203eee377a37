import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Lsn } from '../../src/postgres/lsn.js';
import { BatchBuffer, originOf, type Batch } from '../../src/queue/batch.js';
import { MAX_JOB_CALLS, MAX_JOB_JSON_BYTES } from '../../src/queue/job.js';
import { laneOf } from '../../src/queue/lanes.js';
import { placeOf } from '../../src/queue/lane-progress.js';
import { formatMark, isQueued, markUpTo, tryParseMark, type Mark } from '../../src/queue/mark.js';
import { isTooFull, parseMemoryInfo } from '../../src/queue/memory-guard.js';
import { lingerMs } from '../../src/queue/nagle.js';
import { redisOptions } from '../../src/queue/redis.js';
import { runs } from '../support/fuzz-runs.js';
import { Settlement } from '../../src/queue/settlement.js';
import { eventCall } from './sample-calls.js';

const ORIGIN = { endLsn: 16n as Lsn, commitTimeUs: 1_000, receivedAtMs: 5 };

test('no batch exceeds 500 calls or 400 KiB of true UTF-8, and the calls keep their order', () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1_000, max: 20_000 })), {
    minLength: 1,
    maxLength: 1_200,
  });
  fc.assert(
    fc.property(sizes, (lengths) => {
      const buffer = new BatchBuffer();
      const origin = originOf(ORIGIN, new Settlement(() => undefined));
      for (const [i, length] of lengths.entries()) {
        buffer.push({ ...eventCall(`m${i}`), json: `{${'é'.repeat(length)}` }, origin, 0);
      }
      const batches: Batch[] = [];
      for (let batch = buffer.take(); batch !== null; batch = buffer.take()) batches.push(batch);
      for (const batch of batches) {
        expect(batch.lines.length).toBeLessThanOrEqual(MAX_JOB_CALLS);
        expect(batch.jsonBytes).toBeLessThanOrEqual(MAX_JOB_JSON_BYTES);
        expect(batch.shares.reduce((sum, share) => sum + share.calls, 0)).toBe(batch.lines.length);
      }
      const ids = batches.flatMap((batch) => batch.lines.map((line) => line.split('\t')[5]));
      expect(ids).toEqual(lengths.map((_, i) => `m${i}`));
    }),
    runs(30),
  );
});

test('however offering and taking are interleaved: nothing is lost, the order is kept, and a transaction settles with its last job', () => {
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ offer: fc.array(fc.integer({ min: 2, max: 60_000 }), { maxLength: 40 }) }),
    },
    { weight: 3, arbitrary: fc.constant('take' as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const buffer = new BatchBuffer();
      const settled: number[] = [];
      const taken: { transaction: number; call: string }[] = [];
      const offered: { transaction: number; call: string }[] = [];
      const take = (): boolean => {
        const batch = buffer.take();
        if (batch === null) return false;
        expect(batch.lines.length).toBeGreaterThan(0);
        const calls = batch.lines.map((line) => line.split('\t')[5] ?? '');
        taken.push(...calls.map((call) => ({ transaction: Number(call.split('.')[0]), call })));
        // The mark and the first position are those of the calls in it.
        expect(batch.last.endLsn).toBe(BigInt(taken.at(-1)?.transaction ?? 0));
        expect(batch.first).toBe(BigInt((calls[0] ?? '').split('.')[0] ?? ''));
        for (const share of batch.shares) share.settlement.done(share.calls);
        return true;
      };
      for (const [i, one] of steps.entries()) {
        const transaction = i + 1;
        if (one === 'take') {
          const some = offered.length > taken.length;
          expect(take()).toBe(some);
          continue;
        }
        const settlement = new Settlement(() => settled.push(transaction));
        const origin = originOf({ ...ORIGIN, endLsn: BigInt(transaction) as Lsn }, settlement);
        for (const [n, length] of one.offer.entries()) {
          settlement.expect();
          const call = `${transaction}.${n}`;
          offered.push({ transaction, call });
          buffer.push({ ...eventCall(call), json: `{${'x'.repeat(length)}` }, origin, 0);
        }
        settlement.offered();
        expect(settled.includes(transaction)).toBe(one.offer.length === 0);
      }
      for (const transaction of settled) {
        // Settled: all of it is in jobs that were taken.
        const mine = (calls: typeof taken): number =>
          calls.filter((each) => each.transaction === transaction).length;
        expect(mine(taken)).toBe(mine(offered));
      }
      while (take());
      expect(buffer.isEmpty).toBe(true);
      expect(taken).toEqual(offered);
      expect(settled.toSorted((a, b) => a - b)).toEqual(
        steps.flatMap((one, i) => (one === 'take' ? [] : [i + 1])),
      );
      expect(new Set(settled).size).toBe(settled.length);
    }),
    runs(60),
  );
});

test('any mark survives its text, and is at or before exactly the calls that come later', () => {
  const rank = fc.record({
    kind: fc.nat(8),
    key: fc.bigInt({ min: 0n, max: 2n ** 63n }).map(String),
    part: fc.constantFrom(0 as const, 1 as const),
  });
  const mark = fc.record({
    endLsn: fc.bigInt({ min: 0n, max: 30n }).map((n) => n as Lsn),
    slice: fc.nat(3),
    rank,
  });
  const far = fc.record({
    endLsn: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((n) => n as Lsn),
    slice: fc.nat(),
    // A database's keys may be any text.
    rank: fc.oneof(
      rank,
      fc.record({ kind: fc.nat(8), key: fc.string({ unit: 'binary' }), part: fc.constant(1 as const) }),
    ),
  });
  const order = (a: Mark, b: Mark): number => {
    const [x, y] = [a, b].map(
      (m) => [m.endLsn, m.slice, m.rank.kind, BigInt(m.rank.key), m.rank.part] as const,
    );
    for (let i = 0; i < 5; i += 1) {
      const [left, right] = [x?.[i] ?? 0, y?.[i] ?? 0];
      if (left !== right) return left < right ? -1 : 1;
    }
    return 0;
  };
  fc.assert(
    fc.property(far, mark, mark, fc.bigInt({ min: 0n, max: 30n }), (any, a, b, trusted) => {
      expect(tryParseMark(formatMark(any))).toEqual(any);
      expect(isQueued(a, b)).toBe(order(b, a) <= 0);
      const upTo = markUpTo(a, trusted as Lsn);
      expect(isQueued(upTo, b)).toBe(order(b, a) <= 0 && (a.endLsn <= trusted || b.endLsn <= trusted));
    }),
    runs(1_000),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
      const parsed = tryParseMark(text);
      if (parsed !== null) expect(formatMark(parsed)).toBe(text);
    }),
    runs(500),
  );
});

test('a transaction settles once, after its last call, and not before all were offered', () => {
  let settled = 0;
  const settlement = new Settlement(() => (settled += 1));
  settlement.expect();
  settlement.expect();
  settlement.done(2);
  expect(settled).toBe(0);
  settlement.offered();
  expect(settled).toBe(1);
});

test('a mark says of every later call that it is not queued, by number and not by text', () => {
  const mark: Mark = { endLsn: 0x9n as Lsn, slice: 2, rank: { kind: 4, key: '99', part: 0 } };
  const queued = (lsn: bigint, slice: number, kind: number, key: string, part: 0 | 1): boolean =>
    isQueued(mark, { endLsn: lsn as Lsn, slice, rank: { kind, key, part } });
  expect(tryParseMark(formatMark(mark))).toEqual(mark);
  expect(queued(0x10n, 0, 0, '1', 0)).toBe(false);
  expect(queued(0x8n, 9, 8, '1', 1)).toBe(true);
  expect(queued(0x9n, 1, 8, '1', 1)).toBe(true);
  expect(queued(0x9n, 3, 0, '1', 0)).toBe(false);
  expect(queued(0x9n, 2, 4, '99', 0)).toBe(true);
  expect(queued(0x9n, 2, 4, '99', 1)).toBe(false);
  expect(queued(0x9n, 2, 4, '100', 0)).toBe(false);
  expect(isQueued(null, mark)).toBe(false);
  expect(tryParseMark('rubbish')).toBeNull();
});

test('after a failover a mark skips nothing beyond where the histories part', () => {
  const mark: Mark = { endLsn: 0x20n as Lsn, slice: 0, rank: { kind: 4, key: '9', part: 1 } };
  const rank = { kind: 0, key: '1', part: 0 } as const;
  const trusted = markUpTo(mark, 0x10n as Lsn);
  expect(isQueued(trusted, { endLsn: 0x10n as Lsn, slice: 5, rank: { kind: 8, key: '5', part: 1 } })).toBe(
    true,
  );
  expect(isQueued(trusted, { endLsn: 0x11n as Lsn, slice: 0, rank })).toBe(false);
  expect(markUpTo(mark, null)).toBe(mark);
  expect(markUpTo(mark, 0x20n as Lsn)).toBe(mark);
});

test('lanes are stable over releases, and accounts spread over them', () => {
  expect([laneOf('777777:1', 4), laneOf('777777:2', 4), laneOf('777777:3', 4)]).toMatchInlineSnapshot(`
    [
      1,
      0,
      0,
    ]
  `);
  expect(laneOf('anything', 1)).toBe(0);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 4_000; i += 1)
    counts[laneOf(`777777:${i}`, 4)] = (counts[laneOf(`777777:${i}`, 4)] ?? 0) + 1;
  for (const count of counts) expect(count).toBeGreaterThan(850);
});

test('the linger is nothing when nothing waits, and grows with the jobs waiting up to its bound', () => {
  expect([0, 1, 5, 100, 1_000].map((jobs) => lingerMs(jobs))).toEqual([0, 10, 50, 1_000, 5_000]);
});

test('adding stops at 70 % of maxmemory, and never without a limit', () => {
  const use = parseMemoryInfo('# Memory\r\nused_memory:700\r\nused_memory_rss:999\r\nmaxmemory:1000\r\n');
  expect(use).toEqual({ usedBytes: 700, maxBytes: 1_000 });
  expect(isTooFull(use)).toBe(true);
  expect(isTooFull({ ...use, usedBytes: 699 })).toBe(false);
  expect(isTooFull({ usedBytes: 10 ** 12, maxBytes: 0 })).toBe(false);
});

test('a worker knows the next job, a repeated one, one of a replaced producer, and a hole', () => {
  const lane = {
    deliveredSeq: 4,
    run: 0,
    epochs: [
      { epoch: 1, fromSeq: 1 },
      { epoch: 3, fromSeq: 5 },
    ],
    doneSeq: 5,
    doneCalls: 40,
  };
  expect(placeOf({ seq: 5, epoch: 3 }, lane)).toEqual({ tag: 'next', doneCalls: 40 });
  expect(placeOf({ seq: 5, epoch: 1 }, lane)).toEqual({ tag: 'superseded' });
  expect(placeOf({ seq: 4, epoch: 1 }, lane)).toEqual({ tag: 'delivered' });
  expect(placeOf({ seq: 6, epoch: 3 }, lane)).toEqual({ tag: 'hole', expectedSeq: 5 });
  expect(placeOf({ seq: 0, epoch: 0 }, lane)).toEqual({ tag: 'outside_sequence' });
  expect(placeOf({ seq: 5, epoch: 3 }, { ...lane, doneSeq: 4 })).toEqual({ tag: 'next', doneCalls: 0 });
});

test('a Redis URL gives address, credentials, database, TLS and Sentinel', () => {
  const onError = (): void => undefined;
  const plain = { url: 'redis://me:s%40crt@db.internal:6380/3', tls: null };
  expect(redisOptions({ settings: plain, use: 'producer', onError })).toMatchObject({
    host: 'db.internal',
    port: 6380,
    db: 3,
    username: 'me',
    password: 's@crt',
    enableOfflineQueue: false,
  });
  const secure = {
    url: 'rediss://db.internal',
    tls: { mode: 'verify-full', ca: 'CA', cert: null, key: null },
  } as const;
  expect(redisOptions({ settings: secure, use: 'worker', onError })).toMatchObject({
    tls: { rejectUnauthorized: true, ca: 'CA' },
    maxRetriesPerRequest: null,
  });
  const sentinel = { url: 'redis://:pw@s1:26379/0?sentinel_master=main&sentinels=s2:26380,s3', tls: null };
  expect(redisOptions({ settings: sentinel, use: 'worker', onError })).toMatchObject({
    name: 'main',
    password: 'pw',
    sentinels: [
      { host: 's1', port: 26379 },
      { host: 's2', port: 26380 },
      { host: 's3', port: 26379 },
    ],
  });
});

test('a mark of a history that ended proves nothing beyond where the histories part', () => {
  const mark: Mark = { endLsn: 0x90n as Lsn, slice: 0, rank: { kind: 4, key: '99', part: 0 } };
  const at = (endLsn: bigint): Mark => ({ ...mark, endLsn: endLsn as Lsn });
  expect(markUpTo(mark, null)).toBe(mark);
  expect(markUpTo(mark, 0x90n as Lsn)).toBe(mark);
  const trusted = markUpTo(mark, 0x50n as Lsn);
  expect([isQueued(trusted, at(0x50n)), isQueued(trusted, at(0x51n))]).toEqual([true, false]);
});
