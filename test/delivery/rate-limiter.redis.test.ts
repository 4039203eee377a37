import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RateLimiter } from '../../src/delivery/rate-limiter.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { closeRedis, connectRedis, type RedisClient } from '../../src/queue/redis.js';
import { maxCallsPerRequest } from '../../src/delivery/request-plan.js';
import { QueueRig } from '../queue/rig.js';
import { runs } from '../support/fuzz-runs.js';

function limiter(client: RedisClient, ratePerSecond: number | null, source = 'default'): RateLimiter {
  return new RateLimiter({ client, prefix: 'p', source, ratePerSecond, clock: systemClock });
}

/** The most events in any second, and the mean from the first to the end of the last one's share. */
function measure(sent: readonly { atMs: number; events: number }[], ratePerSecond: number) {
  const sorted = sent.toSorted((a, b) => a.atMs - b.atMs);
  let peak = 0;
  for (const [i, first] of sorted.entries()) {
    let sum = 0;
    for (let j = i; j < sorted.length && (sorted[j]?.atMs ?? 0) < first.atMs + 1_000; j += 1) {
      sum += sorted[j]?.events ?? 0;
    }
    peak = Math.max(peak, sum);
  }
  const events = sorted.reduce((sum, entry) => sum + entry.events, 0);
  const lastShareMs = ((sorted.at(-1)?.events ?? 0) * 1_000) / ratePerSecond;
  const spanMs = (sorted.at(-1)?.atMs ?? 0) - (sorted[0]?.atMs ?? 0) + lastShareMs;
  return { peak, mean: (events * 1_000) / spanMs };
}

test('three processes together send exactly the limit on average and at most 110 % in any second', async () => {
  await using rig = await QueueRig.open();
  const rate = 1_000;
  const sent: { atMs: number; events: number }[] = [];
  const clients = [1, 2, 3].map(() =>
    connectRedis({ settings: rig.settings, use: 'worker', onError: () => undefined }),
  );
  const ending = new AbortController();
  const never = new AbortController();
  const workers = clients.map(async (client) => {
    const bucket = limiter(client, rate);
    while (!ending.signal.aborted) {
      await bucket.acquire(100, never.signal);
      sent.push({ atMs: performance.now(), events: 100 });
    }
  });
  await systemClock.sleep(3_000);
  ending.abort();
  await Promise.all(workers);
  for (const client of clients) await closeRedis(client);
  const { peak, mean } = measure(sent, rate);
  expect(peak).toBeLessThanOrEqual(1_100);
  expect(mean).toBeGreaterThan(980);
  expect(mean).toBeLessThan(1_020);
});

test('the waits are those of the model: each request gets the first moment after the shares of all before it', async () => {
  await using rig = await QueueRig.open();
  const rate = 10_000;
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 30 }),
      async (asks) => {
        run += 1;
        const bucket = limiter(rig.client, rate, `s${run}`);
        // The script runs at some moment between asking and being answered, so the model is a pair of bounds.
        let [freeLow, freeHigh] = [0, 0];
        for (const events of asks) {
          const before = performance.now();
          const waitMs = await bucket.reserve(events);
          const after = performance.now();
          expect(waitMs).toBeGreaterThanOrEqual(Math.max(0, freeLow - after) - 1);
          expect(waitMs).toBeLessThanOrEqual(Math.max(0, freeHigh - before) + 2);
          const shareMs = (events * 1_000) / rate;
          freeLow = Math.max(freeLow, before) + shareMs;
          freeHigh = Math.max(freeHigh, after) + shareMs;
        }
      },
    ),
    runs(20),
  );
});

/** What somebody asks of a bucket: room for a share of the largest request, several at once, or a pause. */
const share = fc.double({ min: 0, max: 1, noNaN: true });
const asks = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('reserve' as const), by: fc.nat(2), share }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('reserve_at_once' as const),
        shares: fc.array(share, { minLength: 2, maxLength: 3 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('pause' as const), by: fc.nat(2), ms: fc.nat(3_000) }),
    },
  ),
  { minLength: 1, maxLength: 40, size: 'max' },
);

test('the schedule itself, in Redis’ own time: no second holds more than the limit and one request, none is wasted, pauses hold', async () => {
  await using rig = await QueueRig.open({ appendOnly: false });
  const clients = [1, 2, 3].map(() =>
    connectRedis({ settings: rig.settings, use: 'worker', onError: () => undefined }),
  );
  rig.onClose(async () => {
    for (const client of clients) await closeRedis(client);
  });
  const timeUs = async (): Promise<number> => {
    const [seconds, micros] = await rig.client.time();
    return Number(seconds) * 1_000_000 + Number(micros);
  };
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(0.5, 5, 70, 1_000, 25_000), asks, async (rate, all) => {
      run += 1;
      const buckets = clients.map((client) => limiter(client, rate, `x${run}`));
      const key = `p:rate:x${run}`;
      const field = async (name: string): Promise<number> => Number((await rig.client.hget(key, name)) ?? 0);
      const largest = maxCallsPerRequest({ ratePerSecond: rate, roundTripMs: 5 });
      const eventsOf = (part: number): number => Math.max(1, Math.ceil(part * largest));
      const costUs = (events: number): number => Math.ceil((events * 1_000_000) / rate);
      const schedule: { startUs: number; events: number }[] = [];
      for (const ask of all) {
        const [freeUs, beforeUs] = [await field('next'), await timeUs()];
        if (ask.do === 'pause') {
          const earlier = await field('pausedUntil');
          await buckets[ask.by]?.pause(ask.ms);
          const until = await field('pausedUntil');
          const afterUs = await timeUs();
          expect(until).toBeGreaterThanOrEqual(Math.max(earlier, beforeUs + ask.ms * 1_000));
          expect(until).toBeLessThanOrEqual(Math.max(earlier, afterUs + ask.ms * 1_000));
          continue;
        }
        if (ask.do === 'reserve_at_once') {
          const events = ask.shares.map(eventsOf);
          await Promise.all(events.map(async (n, i) => buckets[i]?.reserve(n)));
          const total = events.reduce((sum, n) => sum + n, 0);
          const endUs = await field('next');
          // One behind the other without a gap, in whatever order they came; at worst each began anew.
          const spentUs = events.reduce((sum, n) => sum + costUs(n), 0);
          const pausedUs = await field('pausedUntil');
          expect(endUs).toBeGreaterThanOrEqual(Math.max(freeUs, beforeUs, pausedUs) + spentUs);
          for (let i = 0, startUs = endUs - spentUs; i < events.length; i += 1) {
            schedule.push({ startUs, events: events[i] ?? 0 });
            startUs += costUs(events[i] ?? 0);
          }
          expect(total).toBeGreaterThan(0);
          continue;
        }
        const events = eventsOf(ask.share);
        const waitMs = (await buckets[ask.by]?.reserve(events)) ?? Number.NaN;
        const startUs = (await field('next')) - costUs(events);
        const afterUs = await timeUs();
        const pausedUs = await field('pausedUntil');
        // The first moment that is free, not paused and not past, exactly.
        expect(startUs).toBeGreaterThanOrEqual(Math.max(freeUs, pausedUs, beforeUs));
        expect(startUs).toBeLessThanOrEqual(Math.max(freeUs, pausedUs, afterUs));
        expect(waitMs).toBeGreaterThanOrEqual(Math.ceil((startUs - afterUs) / 1_000));
        expect(waitMs).toBeLessThanOrEqual(Math.max(0, Math.ceil((startUs - beforeUs) / 1_000)));
        schedule.push({ startUs, events });
      }
      for (const [i, first] of schedule.entries()) {
        let sum = 0;
        for (
          let j = i;
          j < schedule.length && (schedule[j]?.startUs ?? 0) < first.startUs + 1_000_000;
          j += 1
        ) {
          sum += schedule[j]?.events ?? 0;
        }
        expect(sum).toBeLessThanOrEqual(Math.max(rate, 1) + largest);
      }
    }),
    runs(40),
  );
});

test('a pause holds everyone back, also who had a moment already, and they do not all go at its end', async () => {
  await using rig = await QueueRig.open();
  const rate = 1_000;
  const never = new AbortController().signal;
  const buckets = [limiter(rig.client, rate), limiter(rig.client, rate), limiter(rig.client, rate)];
  await buckets[0]?.reserve(100);
  const startedAt = performance.now();
  const times = buckets.map(async (bucket) => {
    await bucket.acquire(100, never);
    return performance.now() - startedAt;
  });
  await buckets[0]?.pause(500);
  const ordered = (await Promise.all(times)).toSorted((a, b) => a - b);
  expect(ordered[0]).toBeGreaterThan(495);
  for (const [i, time] of ordered.entries())
    if (i > 0) expect(time - (ordered[i - 1] ?? 0)).toBeGreaterThan(60);
});

test('without a limit nothing waits but for a pause, and giving up ends a wait', async () => {
  await using rig = await QueueRig.open();
  const bucket = limiter(rig.client, null);
  expect(await bucket.acquire(1_000_000, new AbortController().signal)).toBeLessThan(50);
  await bucket.pause(60_000);
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 30);
  expect(await bucket.acquire(1, abort.signal)).toBeLessThan(1_000);
});
