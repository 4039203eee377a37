import { monitorEventLoopDelay } from 'node:perf_hooks';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ReceivedRequest } from '../../src/demo/receiver.js';
import { parseMemoryInfo } from '../../src/queue/memory-guard.js';
import { lingerMs } from '../../src/queue/nagle.js';
import { HurriedClock } from '../support/hurried-clock.js';
import { until } from '../queue/rig.js';
import { eventCall, transaction } from '../queue/sample-calls.js';
import { ids, openDelivery, type DeliveryRig } from './rig.js';

const HOUR_MS = 3_600_000;
const EVENTS_PER_SECOND = 50;
/** One event stands for two hundred: 7,200 of the 1,440,000 of eight hours. */
const SCALE = 200;
const EVENTS = (8 * 3_600 * EVENTS_PER_SECOND) / SCALE;
const LIMIT_PER_SECOND = 1_000;
/** Default of QUEUE_BUDGET. */
const BUDGET_BYTES = 1024 ** 3;

/** What makes each call's bytes its own, as amounts, ids and names do in real ones. */
const PARTICULARS = fc.sample(fc.stringMatching(/^[a-z0-9 ]{120}$/), { numRuns: 500, seed: 8 });

async function redisBytes(r: DeliveryRig): Promise<number> {
  return parseMemoryInfo(await r.queue.client.info('memory')).usedBytes;
}

/** As capture would: jobs grow with the jobs that wait. Returns how many there are. */
async function enqueueBacklog(r: DeliveryRig, source: string): Promise<number> {
  const sink = await r.queue.sink({ sources: [{ name: source, lanes: 1 }] });
  let n = 0;
  let jobs = 0;
  while (n < EVENTS) {
    const size = Math.max(1, Math.ceil((EVENTS_PER_SECOND * lingerMs(jobs)) / 1_000));
    for (const end = Math.min(EVENTS, n + size); n < end;) {
      n += 1;
      const more = { particulars: PARTICULARS[n % PARTICULARS.length] };
      const call = eventCall(`m${n}`, { key: String(n), account: String(n % 997), more });
      await sink.offer(transaction(n, [call], undefined, source));
    }
    await sink.flush();
    jobs += 1;
  }
  return jobs;
}

/** The most events that arrived in any second, and how many a second on average. */
function pace(requests: readonly ReceivedRequest[]): { peak: number; mean: number } {
  const sent = requests.map(({ arrivedAtMs, messageIds }) => ({
    atMs: arrivedAtMs,
    events: messageIds.length,
  }));
  let [peak, inWindow, head] = [0, 0, 0];
  for (const { atMs, events } of sent) {
    inWindow += events;
    for (let first = sent[head]; first !== undefined && first.atMs <= atMs - 1_000; first = sent[head]) {
      inWindow -= first.events;
      head += 1;
    }
    peak = Math.max(peak, inWindow);
  }
  const all = sent.reduce((sum, { events }) => sum + events, 0);
  const lastShareMs = ((sent.at(-1)?.events ?? 0) * 1_000) / LIMIT_PER_SECOND;
  return { peak, mean: (all * 1_000) / ((sent.at(-1)?.atMs ?? 0) - (sent[0]?.atMs ?? 0) + lastShareMs) };
}

test('eight hours without Segment at 50 events a second: nothing is lost, Redis stays within the budget, tries are few, and the backlog drains at the limit and never above it', async () => {
  await using r = await openDelivery();
  const before = await redisBytes(r);
  const jobs = await enqueueBacklog(r, 'outage');
  const bytesPerEvent = ((await redisBytes(r)) - before) / EVENTS;
  expect(bytesPerEvent * EVENTS * SCALE).toBeLessThan(BUDGET_BYTES);
  expect(jobs).toBeLessThan(EVENTS / 40);

  const clock = new HurriedClock();
  const downAtMs = clock.now();
  const stalls = monitorEventLoopDelay({ resolution: 5 });
  let tries = 0;
  r.receiver.respondWith(({ no }) => {
    if (clock.now() - downAtMs < 8 * HOUR_MS) return { tag: 'status', status: 503 };
    // Segment is back, and time is what it is for everyone again.
    clock.calm();
    stalls.enable();
    tries = no - 1;
    r.receiver.respondWith(null);
    return null;
  });
  await r.deliver({ clock }, { name: 'outage', rateLimitPerSecond: LIMIT_PER_SECOND });
  await r.receiver.waitUntil(() => tries > 0, 60_000);
  // Backoff at its cap is 15 to 30 seconds between two tries.
  expect(tries).toBeLessThan(8 * 60 * 4 + 20);
  expect(tries).toBeGreaterThan(8 * 60 * 2 - 20);
  expect(new Set(r.receiver.requests.slice(0, tries).map(({ messageIds }) => messageIds.join())).size).toBe(
    1,
  );
  // Trying adds nothing: beside the backlog there are delivery's connections.
  expect((await redisBytes(r)) - before).toBeLessThan(bytesPerEvent * EVENTS * 1.2 + 1024 ** 2);

  await r.receiver.waitUntil(() => r.receiver.counts.events >= EVENTS, 60_000);
  expect(r.arrived()).toEqual(ids(1, EVENTS));
  stalls.disable();
  const drain = r.receiver.requests.slice(tries);
  const { peak } = pace(drain);
  // The outage's first jobs hold an event or two, and each takes a round trip of its own.
  const { mean } = pace(drain.slice(drain.findIndex(({ messageIds }) => messageIds.length > 50)));
  // A process that stood still between its turn and its request sends that request late, beside the next one.
  const late = stalls.max / 1e6 > 50 ? LIMIT_PER_SECOND / 10 : 0;
  expect(peak).toBeLessThanOrEqual(LIMIT_PER_SECOND * 1.1 + late);
  expect(mean).toBeGreaterThan(LIMIT_PER_SECOND * (late > 0 ? 0.5 : 0.95));
  expect(mean).toBeLessThanOrEqual(LIMIT_PER_SECOND * 1.02);
  await until(async () => (await r.queue.jobs(0, 'outage')).length === 0, 'the lane empty');
  expect(await r.queue.letters('outage').count()).toBe(0);
}, 120_000);

test('an outage longer than the budget holds capture back instead of filling Redis, and all of it arrives afterwards', async () => {
  await using r = await openDelivery();
  r.receiver.respondWith(() => ({ tag: 'status', status: 503 }));
  const budgetBytes = 64 * 1024;
  const waits: string[] = [];
  let settled = 0;
  const sink = await r.queue.sink({
    sources: [{ name: 'long', lanes: 1 }],
    queueBudgetBytes: budgetBytes,
    bufferBytes: 256 * 1024,
    observer: { waiting: (why) => waits.push(why), resumed: (why) => waits.push(`resumed ${why}`) },
  });
  await r.deliver({}, { name: 'long', rateLimitPerSecond: 10_000 });
  const before = await redisBytes(r);
  const events = 6_000;
  const offering = (async () => {
    for (let n = 1; n <= events; n += 1) {
      const more = { particulars: PARTICULARS[n % PARTICULARS.length] };
      const call = eventCall(`m${n}`, { key: String(n), account: String(n % 97), more });
      await sink.offer(transaction(n, [call], () => (settled += 1), 'long'));
    }
    await sink.flush();
  })();
  await until(() => waits.includes('queue_budget'), 'the budget used up');
  // Nothing moves any more: what is not queued is not settled, so the server keeps its WAL.
  const heldAt = settled;
  expect(heldAt).toBeLessThan(events / 2);
  const tries = r.receiver.counts.requests;
  await r.receiver.waitUntil(() => r.receiver.counts.requests >= tries + 3);
  expect(settled).toBe(heldAt);
  expect((await redisBytes(r)) - before).toBeLessThan(budgetBytes * 8);
  r.receiver.respondWith(null);
  await offering;
  expect(settled).toBe(events);
  await r.receiver.waitUntil(() => r.receiver.counts.events >= events);
  expect(r.arrived()).toEqual(ids(1, events));
  expect(waits).toContain('resumed queue_budget');
}, 60_000);
