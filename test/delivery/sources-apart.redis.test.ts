import { expect, test } from 'vitest';
import { createDelivery } from '../../src/delivery/delivery.js';
import { startReceiver, type Fault, type ReceivedRequest } from '../../src/demo/receiver.js';
import { QueueRig, range, until } from '../queue/rig.js';
import { eventCall, transaction } from '../queue/sample-calls.js';
import { ids } from './rig.js';
import { delivering } from './settings.js';

/** A minute, compressed. */
const PROBE_MS = 250;
const TIMEOUT_MS = 300;
const FAULTS: Readonly<Record<string, Fault>> = {
  refused: { tag: 'status', status: 401, body: 'unknown write key' },
  limited: { tag: 'status', status: 429, headers: { 'Retry-After': '1' } },
  hanging: { tag: 'hang' },
  down: { tag: 'status', status: 503 },
};
const SOURCES = ['healthy', ...Object.keys(FAULTS)];
const IDS = ids(1, 60);

function sourceOf({ authorization }: ReceivedRequest): string {
  const key = Buffer.from((authorization ?? '').replace('Basic ', ''), 'base64').toString();
  return key.replace(/^wk_|:$/g, '');
}

test('a source with a bad key, one told to wait, one that hangs and one that is down stand alone; each goes on by itself, and nothing is lost', async () => {
  await using queue = await QueueRig.open();
  await using receiver = await startReceiver({
    writeKeys: SOURCES.map((name) => `wk_${name}`),
    limitPerSecond: null,
  });
  let mended = false;
  receiver.respondWith((request) => (mended ? null : (FAULTS[sourceOf(request)] ?? null)));
  const sink = await queue.sink({ sources: SOURCES.map((name) => ({ name, lanes: 1 })) });
  for (const name of SOURCES) {
    // Ids are Segment's key within a source only; here one receiver stands for all of them.
    for (const job of range(0, 3)) {
      const calls = IDS.slice(job * 15, job * 15 + 15).map((id) =>
        eventCall(`${name}-${id}`, { key: id, account: id }),
      );
      await sink.offer(transaction(job + 1, calls, undefined, name));
      await sink.flush();
    }
  }
  const told: string[] = [];
  const delivery = createDelivery({
    redis: queue.settings,
    sources: SOURCES.map((name) =>
      delivering(receiver.url, { name, writeKey: `wk_${name}`, requestTimeoutMs: TIMEOUT_MS }),
    ),
    probeIntervalMs: PROBE_MS,
    observer: {
      stopped: (source, _lane, code) => told.push(`${source} ${code}`),
      resumed: (source) => told.push(`${source} resumed`),
    },
  });
  queue.onClose(async () => delivery.close({ graceMs: 100 }));
  await delivery.start();
  const keptOf = (name: string): string[] =>
    receiver.events
      .filter(({ messageId, duplicate }) => !duplicate && messageId.startsWith(`${name}-`))
      .map(({ messageId }) => messageId.slice(name.length + 1));
  const requestsOf = (name: string): readonly ReceivedRequest[] =>
    receiver.requests.filter((request) => sourceOf(request) === name);

  await receiver.waitUntil(() => keptOf('healthy').length === IDS.length);
  expect(keptOf('healthy')).toEqual(IDS);
  await until(
    () =>
      requestsOf('refused').length >= 4 &&
      requestsOf('limited').length >= 3 &&
      requestsOf('hanging').length >= 3,
    'a few tries of each',
  );
  expect(delivery.stopped()).toEqual([
    { source: 'refused', code: 'SOURCE_REFUSED', detail: 'status 401: unknown write key' },
  ]);
  for (const name of Object.keys(FAULTS)) {
    expect(keptOf(name)).toEqual([]);
    const tries = requestsOf(name);
    // The head job's first request again and again: nothing else leaves, nothing is reordered.
    for (const { messageIds } of tries) expect(messageIds).toEqual(tries[0]?.messageIds);
  }
  for (const [name, leastMs] of [
    ['refused', PROBE_MS],
    ['limited', 1_000],
    ['hanging', TIMEOUT_MS],
  ] as const) {
    const times = requestsOf(name).map(({ arrivedAtMs }) => arrivedAtMs);
    // Receiver and sender share this process, so an arrival may be noted late: never by a whole pause.
    const pauses = (times.at(-1) ?? 0) - (times[0] ?? 0);
    expect(times.length, name).toBeGreaterThan(2);
    expect(pauses, name).toBeGreaterThan((times.length - 2) * leastMs);
  }

  mended = true;
  await receiver.waitUntil(() => SOURCES.every((name) => keptOf(name).length === IDS.length));
  for (const name of SOURCES) {
    expect(keptOf(name)).toEqual(IDS);
    expect(await queue.letters(name).count()).toBe(0);
  }
  expect(receiver.counts.duplicates).toBe(0);
  expect(delivery.stopped()).toEqual([]);
  // Only the one that a person must look at was told of.
  expect(new Set(told)).toEqual(new Set(['refused SOURCE_REFUSED', 'refused resumed']));
});

test('of fifty sources one is told to wait and one hangs: the others are delivered as if they were alone', async () => {
  await using queue = await QueueRig.open();
  const names = range(1, 50).map((n) => `s${n}`);
  const faults: Readonly<Record<string, Fault>> = { s7: FAULTS['limited'] as Fault, s31: { tag: 'hang' } };
  const healthy = names.filter((name) => faults[name] === undefined);
  await using receiver = await startReceiver({
    writeKeys: names.map((name) => `wk_${name}`),
    limitPerSecond: null,
  });
  receiver.respondWith((request) => faults[sourceOf(request)] ?? null);
  const sink = await queue.sink({ sources: names.map((name) => ({ name, lanes: 1 })) });
  const delivery = createDelivery({
    redis: queue.settings,
    sources: names.map((name) => delivering(receiver.url, { name, writeKey: `wk_${name}` })),
  });
  queue.onClose(async () => delivery.close({ graceMs: 100 }));
  await delivery.start();
  const queuedAtMs = new Map<string, number>();
  const rounds = range(1, 5);
  for (const round of rounds) {
    for (const name of names) {
      const calls = range(1, 4).map((n) =>
        eventCall(`${name}-${round}-${n}`, { key: `${round}${n}`, account: String(n) }),
      );
      await sink.offer(transaction(round, calls, undefined, name));
      queuedAtMs.set(`${name}-${round}`, Date.now());
    }
  }
  const wanted = healthy.length * rounds.length * 4;
  const arrived = (): number => receiver.events.filter(({ duplicate }) => !duplicate).length;
  await receiver.waitUntil(() => arrived() >= wanted);
  expect(arrived()).toBe(wanted);
  const delays = receiver.events
    .map(({ messageId, arrivedAtMs }) => arrivedAtMs - (queuedAtMs.get(messageId.replace(/-\d+$/, '')) ?? 0))
    .toSorted((a, b) => a - b);
  // Neither the second that one is told to wait nor the hanging one's timeout shows in anybody's.
  expect(delays.at(-1), `of ${delays.length} the median ${delays[delays.length >> 1] ?? 0} ms`).toBeLessThan(
    3_000,
  );
  for (const name of healthy) {
    const own = receiver.events.filter(({ messageId }) => messageId.startsWith(`${name}-`));
    expect(own.map(({ messageId }) => messageId)).toEqual(
      rounds.flatMap((round) => range(1, 4).map((n) => `${name}-${round}-${n}`)),
    );
  }
  expect(delivery.stopped()).toEqual([]);
}, 60_000);

test('sources of one group together keep the limit of one, and what one is told to wait holds for all of them', async () => {
  await using queue = await QueueRig.open();
  const names = ['east', 'west'];
  await using receiver = await startReceiver({
    writeKeys: names.map((name) => `wk_${name}`),
    limitPerSecond: 200,
  });
  const sink = await queue.sink({ sources: names.map((name) => ({ name, lanes: 1 })) });
  for (const name of names) {
    const calls = range(1, 300).map((n) => eventCall(`${name}-${n}`, { key: String(n), account: String(n) }));
    await sink.offer(transaction(1, calls, undefined, name));
    await sink.flush();
  }
  const delivery = createDelivery({
    redis: queue.settings,
    sources: names.map((name) =>
      delivering(receiver.url, {
        name,
        writeKey: `wk_${name}`,
        rateLimitPerSecond: 200,
        rateLimitGroup: 'workspace',
      }),
    ),
  });
  queue.onClose(async () => delivery.close({ graceMs: 100 }));
  let refused = false;
  receiver.respondWith(() => {
    if (refused || receiver.events.length < 200) return null;
    refused = true;
    return { tag: 'status', status: 429, headers: { 'Retry-After': '1' } };
  });
  await delivery.start();
  await receiver.waitUntil(() => receiver.events.length >= 600);
  // The receiver takes 110 % of the limit in a sliding second and refuses what is beyond: only the one we made it refuse.
  expect(receiver.counts).toMatchObject({ limited: 1, duplicates: 0 });
  const times = receiver.requests
    .filter(({ status }) => status === 200)
    .map(({ arrivedAtMs }) => arrivedAtMs);
  const refusedAt = receiver.requests.find(({ status }) => status === 429)?.arrivedAtMs ?? 0;
  const next = Math.min(...times.filter((at) => at > refusedAt));
  expect(next - refusedAt).toBeGreaterThan(800);
}, 60_000);
