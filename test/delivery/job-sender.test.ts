import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JobSender, type JobContext } from '../../src/delivery/job-sender.js';
import type { SegmentResponse } from '../../src/delivery/segment-client.js';
import { MAX_REQUEST_BYTES, MAX_REQUEST_CALLS } from '../../src/delivery/segment-client.js';
import { SourceGate } from '../../src/delivery/source-gate.js';
import type { Clock } from '../../src/lifecycle/clock.js';
import type { QueuedCall } from '../../src/queue/job.js';
import { runs } from '../support/fuzz-runs.js';

/** Time that passes by sleeping alone. */
class SleptClock implements Clock {
  #nowMs = 1_000_000;
  now = (): number => this.#nowMs;
  sleep = async (ms: number): Promise<void> => {
    this.#nowMs += ms;
    await Promise.resolve();
  };
}

function response(status: number): SegmentResponse {
  const none = { retryAfter: null, rateLimitReset: null, location: null };
  return { tag: 'response', status, ...none, bodyExcerpt: '', roundTripMs: 5 };
}

interface World {
  /** Calls that Segment refuses, by number. */
  readonly poison: ReadonlySet<number>;
  readonly suppressed: ReadonlySet<number>;
  /** What the next requests are answered with instead, whatever is in them. */
  readonly faults: ('busy' | 'down' | 'cut' | 'limited')[];
  /** The rate decides how much one request holds. */
  readonly ratePerSecond: number | null;
  /** The worker is told to end after so many requests; null: never. */
  readonly endAfter: number | null;
}

function callsOf(count: number, bytes: readonly number[]): QueuedCall[] {
  return Array.from({ length: count }, (_, i) => ({
    accountKey: '1:1',
    guestId: `g${i}`,
    commitTimeMs: 1,
    position: '0/1',
    name: 'POS Activity',
    messageId: String(i),
    json: `{${'x'.repeat(bytes[i % bytes.length] ?? 0)}`,
  }));
}

/** Sends a job, again from its saved progress whenever the worker ended, and tells what became of each call. */
async function sent(calls: readonly QueuedCall[], world: World) {
  const clock = new SleptClock();
  const gate = new SourceGate({ source: 's', clock, observer: {}, probeIntervalMs: 60_000 });
  const delivered: number[] = [];
  const setAside: number[] = [];
  const faults = [...world.faults];
  let requests = 0;
  let saved = 0;
  let ending = new AbortController();
  const sender = new JobSender({
    source: 's',
    lane: 0,
    gate,
    clock,
    observer: {},
    limiter: { ratePerSecond: world.ratePerSecond, acquire: async () => 0, pause: async () => undefined },
    suppressedAmong: async (guests) =>
      new Set(guests.filter((guest) => world.suppressed.has(Number(guest.slice(1))))),
    client: {
      close: async () => undefined,
      send: async ({ calls: batch }) => {
        requests += 1;
        if (requests === world.endAfter) ending.abort();
        expect(batch.length).toBeGreaterThan(0);
        expect(batch.length).toBeLessThanOrEqual(MAX_REQUEST_CALLS);
        const bytes = batch.reduce((sum, call) => sum + Buffer.byteLength(call.json) + 1, 0);
        if (batch.length > 1) expect(bytes).toBeLessThan(MAX_REQUEST_BYTES);
        const numbers = batch.map((call) => Number(call.messageId));
        expect(numbers.some((n) => world.suppressed.has(n))).toBe(false);
        switch (faults.shift()) {
          case 'busy':
            return response(503);
          case 'limited':
            return response(429);
          case 'down':
            return { tag: 'no_response', reason: 'network', error: new Error('down'), roundTripMs: 1 };
          case 'cut':
            // It arrived, and nobody was told.
            if (!numbers.some((n) => world.poison.has(n))) delivered.push(...numbers);
            return { tag: 'no_response', reason: 'timeout', error: new Error('cut'), roundTripMs: 1 };
          case undefined:
            break;
        }
        if (numbers.some((n) => world.poison.has(n))) return response(400);
        delivered.push(...numbers);
        return response(200);
      },
    },
  });
  for (let end = 'interrupted'; end === 'interrupted';) {
    const job: JobContext = {
      calls,
      start: saved,
      queuedAtMs: 0,
      closing: ending.signal,
      abort: new AbortController().signal,
      onDelivered: () => undefined,
      onSuppressed: () => undefined,
      saveProgress: async (done) => {
        expect(done).toBeGreaterThan(saved);
        saved = done;
      },
      setAside: async (call) => void setAside.push(Number(call.messageId)),
    };
    end = await sender.send(job);
    ending = new AbortController();
  }
  return { delivered, setAside, requests, stopped: gate.stopped };
}

const some = fc.uniqueArray(fc.nat(119), { maxLength: 12 }).map((numbers) => new Set(numbers));
const world: fc.Arbitrary<World> = fc.record({
  poison: some,
  suppressed: some,
  faults: fc.array(fc.constantFrom('busy' as const, 'down' as const, 'cut' as const, 'limited' as const), {
    maxLength: 5,
  }),
  ratePerSecond: fc.constantFrom(null, 1_000, 70, 5),
  endAfter: fc.option(fc.integer({ min: 1, max: 20 })),
});
const sizes = fc.array(fc.constantFrom(2, 400, 20_000, 200_000), { minLength: 1, maxLength: 5 });

describe('the calls of a job', () => {
  test('are each delivered or set aside, in order, whatever is refused, suppressed or fails on the way', async () => {
    await fc.assert(
      fc.asyncProperty(world, fc.integer({ min: 1, max: 120 }), sizes, async (given, count, bytes) => {
        const numbers = Array.from({ length: count }, (_, i) => i);
        const good = numbers.filter((n) => !given.poison.has(n) && !given.suppressed.has(n));
        const bad = numbers.filter((n) => given.poison.has(n) && !given.suppressed.has(n));
        // Where nothing can be delivered the source stops, by design: see below.
        fc.pre(good.length > 0);
        const { delivered, setAside } = await sent(callsOf(count, bytes), given);
        expect([...new Set(delivered)]).toEqual(good);
        expect([...new Set(setAside)].sort((a, b) => a - b)).toEqual(bad);
        const doubles =
          given.faults.filter((fault) => fault === 'cut').length + (given.endAfter === null ? 0 : 1);
        if (doubles === 0) {
          expect(delivered).toEqual(good);
          expect(setAside).toEqual(bad);
        }
      }),
      runs(150),
    );
  });

  test('a poisoned one among many costs about two requests for each halving', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(499), async (poison) => {
        const nothing = { suppressed: new Set<number>(), faults: [], ratePerSecond: null, endAfter: null };
        const { delivered, setAside, requests } = await sent(callsOf(500, [400]), {
          ...nothing,
          poison: new Set([poison]),
        });
        expect(setAside).toEqual([poison]);
        expect(delivered).toHaveLength(499);
        expect(requests).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(500)) + 2);
      }),
      runs(40),
    );
  });
});

test('a lane that loses its job while it probes leaves the probing to the others', async () => {
  const clock = new SleptClock();
  const gate = new SourceGate({ source: 's', clock, observer: {}, probeIntervalMs: 1_000 });
  gate.stop('SOURCE_REFUSED', 'status 401');
  const lost = new AbortController();
  const sender = new JobSender({
    source: 's',
    lane: 0,
    gate,
    clock,
    observer: {},
    limiter: { ratePerSecond: null, acquire: async () => 0, pause: async () => undefined },
    suppressedAmong: async () => new Set(),
    client: {
      close: async () => undefined,
      send: async () => {
        lost.abort();
        return response(503);
      },
    },
  });
  const nothing = async (): Promise<void> => undefined;
  const end = await sender.send({
    calls: callsOf(1, [2]),
    start: 0,
    queuedAtMs: 0,
    closing: new AbortController().signal,
    abort: lost.signal,
    onDelivered: () => undefined,
    onSuppressed: () => undefined,
    saveProgress: nothing,
    setAside: nothing,
  });
  expect(end).toBe('interrupted');
  const other = {};
  const impatient = new AbortController();
  const asked = gate.pass(other, impatient.signal);
  expect(await Promise.race([asked, clock.sleep(1).then(() => 'waits')])).toBe(true);
  impatient.abort();
});
