import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDelivery } from '../../src/delivery/delivery.js';
import type { DeliveryObserver } from '../../src/delivery/observer.js';
import { startReceiver, type Fault } from '../../src/demo/receiver.js';
import { QueueRig, until } from '../queue/rig.js';
import { eventCall, transaction } from '../queue/sample-calls.js';
import { ids } from './rig.js';
import { delivering, WRITE_KEY } from './settings.js';

/** For faults that the client gives up on. */
const TIMEOUT_MS = 300;
/** For those that answer at once: a busy machine must not make a silence of them. */
const PATIENT_MS = 10_000;
const SILENT: readonly Fault['tag'][] = ['hang', 'delay', 'slow_body'];
const CALLS = ids(1, 5);

interface Case {
  readonly answer: string;
  /** What the first request gets; everything after it is answered by the rules. */
  readonly fault: () => Fault;
  /** Calls that arrive a second time, with the same ids. */
  readonly again: number;
  /** The next request comes no sooner than this after the first was sent. */
  readonly notBeforeMs?: number;
  readonly requests: number;
  readonly stops?: true;
}

/** Retry-After as a date has whole seconds: two ahead is at least one. */
function inTwoSeconds(): string {
  return new Date(Date.now() + 2_000).toUTCString();
}

const CASES: readonly Case[] = [
  {
    answer: '429 with Retry-After in seconds',
    fault: () => ({ tag: 'status', status: 429, headers: { 'Retry-After': '1' } }),
    again: 0,
    notBeforeMs: 950,
    requests: 2,
  },
  {
    answer: '429 with Retry-After as an HTTP date',
    fault: () => ({ tag: 'status', status: 429, headers: { 'Retry-After': inTwoSeconds() } }),
    again: 0,
    notBeforeMs: 900,
    requests: 2,
  },
  { answer: '500', fault: () => ({ tag: 'status', status: 500 }), again: 0, requests: 2 },
  { answer: '503', fault: () => ({ tag: 'status', status: 503 }), again: 0, requests: 2 },
  { answer: '503 after the events were taken', fault: () => taken(503), again: 5, requests: 2 },
  { answer: 'a reset', fault: () => ({ tag: 'reset' }), again: 0, requests: 2 },
  {
    answer: 'a reset after the events were taken',
    fault: () => ({ tag: 'reset', accept: true }),
    again: 5,
    requests: 2,
  },
  { answer: 'none at all', fault: () => ({ tag: 'hang' }), again: 0, notBeforeMs: TIMEOUT_MS, requests: 2 },
  {
    answer: 'none, though the events were taken',
    fault: () => ({ tag: 'hang', accept: true }),
    again: 5,
    requests: 2,
  },
  {
    answer: '200 after the client gave up',
    fault: () => ({ tag: 'delay', ms: 3 * TIMEOUT_MS }),
    again: 5,
    requests: 2,
  },
  {
    answer: '200 with a body that never comes',
    fault: () => ({ tag: 'slow_body', ms: 60_000 }),
    again: 0,
    requests: 1,
  },
  {
    answer: '200 with a body that breaks off',
    fault: () => ({ tag: 'truncate', status: 200, body: '{"success":true}', accept: true }),
    again: 0,
    requests: 1,
  },
  {
    answer: '502 with a body that breaks off',
    fault: () => ({ tag: 'truncate', status: 502, body: '<html>bad gateway</html>' }),
    again: 0,
    requests: 2,
  },
  {
    answer: 'a redirect',
    fault: () => ({ tag: 'status', status: 302, headers: { Location: 'http://127.0.0.1:1/' } }),
    again: 0,
    requests: 2,
    stops: true,
  },
];

function taken(status: number): Fault {
  return { tag: 'status', status, accept: true };
}

let queue: QueueRig;
let sources = 0;
beforeAll(async () => {
  queue = await QueueRig.open();
});
afterAll(async () => queue[Symbol.asyncDispose]());

/** A source of its own: queued, delivered to a receiver of its own that makes this fault once. */
async function deliverThrough(client: 'batch' | 'sdk', fault: () => Fault) {
  sources += 1;
  const name = `s${sources}`;
  const receiver = await startReceiver({ writeKeys: [WRITE_KEY], limitPerSecond: null });
  receiver.respondWith((request) => (request.no === 1 ? fault() : null));
  const sink = await queue.sink({ sources: [{ name, lanes: 1 }] });
  const calls = CALLS.map((id, i) => eventCall(id, { key: String(i) }));
  await sink.offer(transaction(1, calls, undefined, name));
  await sink.flush();
  const requestTimeoutMs = SILENT.includes(fault().tag) ? TIMEOUT_MS : PATIENT_MS;
  const stops: string[] = [];
  // By the sender's clock: a busy receiver notes the first one late.
  const sentAtMs: number[] = [];
  const observer: DeliveryObserver = {
    stopped: (_source, _lane, code) => stops.push(code),
    resumed: () => stops.push('resumed'),
    attempted: ({ roundTripMs }) => sentAtMs.push(performance.timeOrigin + performance.now() - roundTripMs),
  };
  const delivery = createDelivery({
    redis: queue.settings,
    sources: [delivering(receiver.url, { name, client, requestTimeoutMs })],
    probeIntervalMs: 100,
    observer,
  });
  await delivery.start();
  return {
    receiver,
    stops,
    sentAtMs,
    letters: queue.letters(name),
    lane: async () => (await queue.jobs(0, name)).length,
    async [Symbol.asyncDispose]() {
      await delivery.close({ graceMs: 100 });
      await receiver.close();
    },
  };
}

for (const client of ['batch', 'sdk'] as const) {
  test.concurrent.each(CASES)(
    `${client}: $answer loses nothing, keeps the order and brings at most the request itself again`,
    async ({ fault, again, notBeforeMs, requests, stops }) => {
      await using r = await deliverThrough(client, fault);
      await r.receiver.waitUntil(() => r.receiver.counts.events >= CALLS.length + again);
      await until(async () => (await r.lane()) === 0, 'the lane empty');
      const { events } = r.receiver;
      expect(events.filter((event) => !event.duplicate).map((event) => event.messageId)).toEqual(CALLS);
      expect(r.receiver.counts.duplicates).toBe(again);
      expect(r.receiver.counts.requests).toBe(requests);
      if (notBeforeMs !== undefined) {
        const next = r.receiver.requests[1]?.arrivedAtMs ?? 0;
        expect(next - (r.sentAtMs[0] ?? Infinity)).toBeGreaterThanOrEqual(notBeforeMs);
      }
      const told = stops === true ? ['SOURCE_REFUSED', 'resumed'] : [];
      // The job may be gone from the lane a moment before its sender says so.
      await until(() => r.stops.length >= told.length, 'every stop told');
      expect(r.stops).toEqual(told);
      expect(await r.letters.count()).toBe(0);
    },
  );

  test.concurrent(
    `${client}: 400 with a body that breaks off sets the event aside with as much of it as came`,
    async () => {
      await using r = await deliverThrough(client, () => ({ tag: 'reset' }));
      r.receiver.respondWith(({ messageIds }) =>
        messageIds.includes('m3') ? { tag: 'truncate', status: 400, body: '0123456789' } : null,
      );
      await r.receiver.waitUntil(() => r.receiver.counts.events >= CALLS.length - 1);
      await until(async () => (await r.letters.count()) === 1, 'the letter');
      expect(await r.letters.get('m3')).toMatchObject({ response: { status: 400, bodyExcerpt: '01234' } });
      expect(r.receiver.events.map((event) => event.messageId)).toEqual(CALLS.filter((id) => id !== 'm3'));
    },
  );
}
