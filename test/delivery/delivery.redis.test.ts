import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { DeliveryObserver } from '../../src/delivery/observer.js';
import {
  decodeJob,
  encodeJob,
  formatCallLine,
  JOB_READERS,
  type JobData,
  type JobReader,
} from '../../src/queue/job.js';
import { DEFAULT_PREFIX, laneQueueName, laneStateKey } from '../../src/queue/keys.js';
import { openQueue } from '../../src/queue/lane-queue.js';
import { publishListed } from '../../src/queue/listed-guests.js';
import { suppressGuests } from '../../src/queue/suppressions.js';
import { range, until } from '../queue/rig.js';
import { eventCall, queuedCall, transaction } from '../queue/sample-calls.js';
import { setOf } from '../suppression/sets.js';
import { ids, openDelivery, type DeliveryRig } from './rig.js';

const STATE = laneStateKey(DEFAULT_PREFIX, 'default', 0);

for (const client of ['batch', 'sdk'] as const) {
  const settings = { client };

  test(`${client}: everything arrives once, in order, and the lane ends empty with its position`, async () => {
    await using r = await openDelivery();
    for (const n of range(0, 9)) await r.enqueue(ids(n * 30 + 1, n * 30 + 30));
    await r.deliver({}, settings);
    await r.receiver.waitUntil(() => r.receiver.counts.events >= 300);
    expect(r.arrived()).toEqual(ids(1, 300));
    await until(async () => (await r.queue.client.hget(STATE, 'deliveredSeq')) === '10', 'delivered seq');
    expect(await r.queue.client.hget(STATE, 'deliveredPosition')).toBe('0/A');
    expect(await r.queue.jobs()).toEqual([]);
  });

  test(`${client}: 408, 5xx, a cut connection, a hang and 429 are waited out without changing the order`, async () => {
    await using r = await openDelivery();
    for (const n of range(1, 8)) await r.enqueue([`m${n}`]);
    const faults = [
      { tag: 'status', status: 408 },
      { tag: 'status', status: 503 },
      { tag: 'reset' },
      { tag: 'hang' },
      { tag: 'status', status: 429, headers: { 'Retry-After': '1' } },
    ] as const;
    let i = 0;
    r.receiver.respondWith((request) => (request.no % 2 === 1 ? (faults[i++] ?? null) : null));
    const paused: number[] = [];
    const observer: DeliveryObserver = { paused: (_source, ms) => paused.push(ms) };
    await r.deliver({ observer }, { ...settings, requestTimeoutMs: 300 });
    await r.receiver.waitUntil(() => r.receiver.counts.events >= 8);
    expect(r.arrived()).toEqual(ids(1, 8));
    expect(paused).toEqual([1_000]);
    const limited = r.receiver.requests.find((request) => request.status === 429);
    const next = r.receiver.requests.find((request) => request.no === (limited?.no ?? 0) + 1);
    expect((next?.arrivedAtMs ?? 0) - (limited?.arrivedAtMs ?? 0)).toBeGreaterThan(950);
  });

  test(`${client}: poison events are isolated with Segment's answer, the rest goes out in order`, async () => {
    await using r = await openDelivery();
    await r.enqueue(ids(1, 60));
    await r.enqueue(ids(61, 62));
    const poison = new Set(['m7', 'm8', 'm60']);
    r.receiver.respondWith((request) =>
      request.messageIds.some((id) => poison.has(id))
        ? { tag: 'status', status: 400, body: 'bad event' }
        : null,
    );
    await r.deliver({}, settings);
    await r.receiver.waitUntil(() => r.receiver.counts.events >= 59);
    expect(r.arrived()).toEqual(ids(1, 62).filter((id) => !poison.has(id)));
    const letters = r.queue.letters();
    expect((await letters.list()).map((letter) => letter.messageId)).toEqual([...poison]);
    expect(await letters.get('m7')).toMatchObject({
      reason: 'refused',
      response: { status: 400, bodyExcerpt: 'bad event' },
      position: '0/1',
    });
  });

  test(`${client}: a refused write key stops the source, keeps everything, and goes on when it is mended`, async () => {
    await using r = await openDelivery();
    for (const n of range(1, 3)) await r.enqueue([`m${n}`]);
    r.receiver.respondWith(() => ({ tag: 'status', status: 401, body: 'who are you' }));
    const seen: string[] = [];
    const observer: DeliveryObserver = {
      stopped: (source, lane, code) => seen.push(`${source} ${lane} ${code}`),
      resumed: () => seen.push('resumed'),
    };
    const delivery = await r.deliver({ observer }, settings);
    await until(() => seen.length >= 2, 'a probe');
    expect(delivery.stopped()).toEqual([
      { source: 'default', code: 'SOURCE_REFUSED', detail: 'status 401: who are you' },
    ]);
    r.receiver.respondWith(null);
    await r.receiver.waitUntil(() => r.receiver.counts.events >= 3);
    expect(r.arrived()).toEqual(ids(1, 3));
    expect(seen[0]).toBe('default null SOURCE_REFUSED');
    expect(seen.at(-1)).toBe('resumed');
    expect(await r.queue.letters().count()).toBe(0);
  });
}

test('a job refused as a whole stops the source instead of setting its events aside', async () => {
  await using r = await openDelivery();
  await r.enqueue(ids(1, 9));
  r.receiver.respondWith(() => ({ tag: 'status', status: 400, body: 'everything is wrong' }));
  const seen: string[] = [];
  await r.deliver({ observer: { stopped: (_source, _lane, code) => seen.push(code) } });
  await until(() => seen.length >= 2, 'a probe');
  expect(new Set(seen)).toEqual(new Set(['ALL_REFUSED']));
  expect(await r.queue.letters().count()).toBe(0);
  r.receiver.respondWith(null);
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 9);
  expect(r.arrived()).toEqual(ids(1, 9));
});

test('single-event jobs refused in a row stop the source before all of them are set aside', async () => {
  await using r = await openDelivery();
  for (const n of range(1, 30)) await r.enqueue([`m${n}`]);
  r.receiver.respondWith(() => ({ tag: 'status', status: 400 }));
  const seen: string[] = [];
  await r.deliver({ observer: { stopped: (_source, _lane, code) => seen.push(code) } });
  await until(() => seen.length >= 2, 'a probe');
  expect(await r.queue.letters().count()).toBe(20);
  r.receiver.respondWith(null);
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 10);
  expect(r.arrived()).toEqual(ids(21, 30));
});

test('a redirect is a configuration error that stops the source', async () => {
  await using r = await openDelivery();
  await r.enqueue(['m1']);
  r.receiver.respondWith(() => ({ tag: 'status', status: 301, headers: { Location: 'https://elsewhere/' } }));
  const delivery = await r.deliver();
  await until(() => delivery.stopped().length > 0, 'stopped');
  expect(delivery.stopped()[0]?.detail).toContain('https://elsewhere/');
});

test('sentAt is fresh at every attempt while the events stay the same bytes', async () => {
  await using r = await openDelivery();
  await r.enqueue(['m1']);
  r.receiver.respondWith((request) => (request.no <= 2 ? { tag: 'status', status: 500 } : null));
  await r.deliver();
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 1);
  const sent = r.receiver.requests.map((request) => request.sentAt);
  expect(new Set(sent).size).toBe(3);
  expect(new Set(r.receiver.requests.map((request) => request.bodyBytes)).size).toBe(1);
});

test('closing lets the request in flight finish, and the next process goes on behind it, in order, sending nothing twice', async () => {
  await using r = await openDelivery();
  for (const n of range(0, 3)) await r.enqueue(ids(n * 50 + 1, n * 50 + 50));
  r.receiver.respondWith(() => ({ tag: 'delay', ms: 30 }));
  const rate = { rateLimitPerSecond: 200 };
  const first = await r.deliver({}, rate);
  await r.receiver.waitUntil(() => r.receiver.counts.requests >= 3);
  await first.close({ graceMs: 2_000 });
  const sofar = r.arrived().length;
  expect(sofar).toBeGreaterThan(0);
  expect(sofar).toBeLessThan(200);
  await r.deliver({}, { rateLimitPerSecond: 0 });
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 200);
  expect(r.arrived()).toEqual(ids(1, 200));
});

test('a second process waits its turn and takes over at once when the first gives its job back', async () => {
  await using r = await openDelivery();
  for (const n of range(0, 3)) await r.enqueue(ids(n * 20 + 1, n * 20 + 20));
  const first = await r.deliver({}, { rateLimitPerSecond: 100 });
  await r.deliver({}, { rateLimitPerSecond: 100 });
  await r.receiver.waitUntil(() => r.receiver.counts.requests >= 2);
  const closedAt = performance.now();
  await first.close({ graceMs: 2_000 });
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 80);
  expect(performance.now() - closedAt).toBeLessThan(3_000);
  expect(r.arrived()).toEqual(ids(1, 80));
});

test('a grace that runs out cuts the request, and the job is still at the head of its lane', async () => {
  await using r = await openDelivery();
  await r.enqueue(ids(1, 5));
  await r.enqueue(ids(6, 9));
  r.receiver.respondWith(() => ({ tag: 'hang' }));
  const first = await r.deliver();
  await r.receiver.waitUntil(() => r.receiver.counts.requests >= 1);
  const startedAt = performance.now();
  await first.close({ graceMs: 100 });
  expect(performance.now() - startedAt).toBeLessThan(1_500);
  expect((await r.queue.jobs()).map(({ data }) => data.seq)).toEqual([1, 2]);
});

async function child(r: DeliveryRig): Promise<ChildProcess> {
  const file = fileURLToPath(new URL('./delivery-child.ts', import.meta.url));
  const args = ['--import', 'tsx', file, r.queue.redis.url, r.receiver.url];
  const deliver = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (deliver.stdout === null) throw new Error('no output');
  await once(deliver.stdout, 'data');
  return deliver;
}

test('after a SIGKILL the lane goes on within some ten seconds: at least once, in order, at most one request doubled', async () => {
  await using r = await openDelivery();
  for (const n of range(0, 9)) await r.enqueue(ids(n * 400 + 1, n * 400 + 400));
  const victim = await child(r);
  await r.receiver.waitUntil(() => r.receiver.counts.requests >= 3);
  await r.deliver({}, { rateLimitPerSecond: 0 });
  victim.kill('SIGKILL');
  await once(victim, 'exit');
  const killedAt = performance.now();
  const before = r.receiver.counts.requests;
  await r.receiver.waitUntil(() => r.receiver.counts.requests > before);
  expect(performance.now() - killedAt).toBeLessThan(12_000);
  await r.receiver.waitUntil(() => r.receiver.counts.events - r.receiver.counts.duplicates >= 4_000);
  const firsts = r.receiver.events.filter((event) => !event.duplicate).map((event) => event.messageId);
  expect(firsts).toEqual(ids(1, 4_000));
  expect(r.receiver.counts.duplicates).toBeLessThanOrEqual(200);
}, 30_000);

test('a worker whose lock is gone stops sending and writes nothing; the job is not lost', async () => {
  await using r = await openDelivery();
  await r.enqueue(ids(1, 40));
  const seen: string[] = [];
  const observer: DeliveryObserver = { lockLost: () => seen.push('lost') };
  const timing = { lockDurationMs: 1_000, stalledIntervalMs: 300 };
  await r.deliver({ observer, timing }, { rateLimitPerSecond: 20 });
  await r.receiver.waitUntil(() => r.receiver.counts.requests >= 2);
  const [lock = ''] = await r.queue.client.keys('*:lock');
  await r.queue.client.del(lock);
  await until(() => seen.length > 0, 'the loss noticed');
  await r.receiver.waitUntil(() => r.receiver.counts.events - r.receiver.counts.duplicates >= 40);
  const firsts = r.receiver.events.filter((event) => !event.duplicate).map((event) => event.messageId);
  expect(firsts).toEqual(ids(1, 40));
  expect(r.receiver.counts.duplicates).toBeLessThanOrEqual(2);
});

test('a hole in the sequence stops the lane with an alarm and keeps the job', async () => {
  await using r = await openDelivery();
  await r.enqueue(['m1']);
  await r.enqueue(['m2']);
  const head = (await r.queue.client.lrange(`${DEFAULT_PREFIX}:segment/default/0:wait`, -1, -1))[0] ?? '';
  await r.queue.client.lrem(`${DEFAULT_PREFIX}:segment/default/0:wait`, 1, head);
  const seen: string[] = [];
  await r.deliver({ observer: { stopped: (source, lane, code) => seen.push(`${source}/${lane} ${code}`) } });
  await until(() => seen.length >= 2, 'the alarm, twice');
  expect(seen[0]).toBe('default/0 QUEUE_HOLE');
  expect(r.receiver.counts.requests).toBe(0);
  await r.queue.client.rpush(`${DEFAULT_PREFIX}:segment/default/0:wait`, head);
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 2);
  expect(r.arrived()).toEqual(['m1', 'm2']);
});

test('a broken job is set aside and its place passed; a job of a newer format stops the lane and is kept', async () => {
  await using r = await openDelivery();
  const options = { client: r.queue.client, prefix: DEFAULT_PREFIX, onError: () => undefined };
  const lane = openQueue<unknown>(laneQueueName('default', 0), options);
  r.queue.onClose(async () => lane.close());
  const epoch = Number(await r.queue.client.hget(STATE, 'epoch'));
  const head = { epoch, first: '0/1', last: '0/1', receivedAtMs: 1, queuedAtMs: 1 };
  const job = (seq: number, id: string): JobData =>
    encodeJob({ ...head, seq }, [formatCallLine(queuedCall(id))]);
  await lane.add('mail', { to: 'someone' }, { jobId: 'x-1' });
  await lane.add('batch', { ...job(1, 'm1'), body: 'AAAA' }, { jobId: `b1-${epoch}-x` });
  await lane.add('batch', job(2, 'm2'), { jobId: `b2-${epoch}-x` });
  await lane.add('batch', { ...job(3, 'm3'), v: 2 }, { jobId: `b3-${epoch}-x` });
  const seen: string[] = [];
  await r.deliver({ observer: { stopped: (_source, _lane, code) => seen.push(code) } });
  await until(() => seen.length > 0, 'the lane stopped');
  expect(seen[0]).toBe('JOB_FORMAT_NEWER');
  expect(r.arrived()).toEqual(['m2']);
  const letters = await r.queue.letters().list();
  expect(letters.map((letter) => letter.reason)).toEqual(['foreign_job', 'foreign_job']);
  await until(async () => (await lane.getWaitingCount()) === 1, 'the newer job kept');
});

test('a rolling upgrade: the former release stands still at a job it cannot read, the next one takes over in order, and each reads the other’s', async () => {
  await using r = await openDelivery();
  const options = { client: r.queue.client, prefix: DEFAULT_PREFIX, onError: () => undefined };
  const lane = openQueue<unknown>(laneQueueName('default', 0), options);
  r.queue.onClose(async () => lane.close());
  const epoch = Number(await r.queue.client.hget(STATE, 'epoch'));
  const head = { epoch, first: '0/1', last: '0/1', receivedAtMs: 1, queuedAtMs: 1 };
  const queued = async (seq: number, v: number): Promise<void> => {
    const job = encodeJob({ ...head, seq }, [formatCallLine(queuedCall(`m${seq}`))]);
    // A next version that says the same in another form.
    const { body, ...rest } = job;
    await lane.add('batch', v === 1 ? job : { ...rest, v, lines: body }, { jobId: `b${seq}-${epoch}-x` });
  };
  for (const [seq, v] of [1, 1, 2, 1, 2, 2, 1].entries()) await queued(seq + 1, v);
  const next = new Map<number, JobReader>([
    ...JOB_READERS,
    [2, (job) => decodeJob({ ...job, v: 1, body: (job as { lines?: unknown }).lines })],
  ]);
  const seen: string[] = [];
  const observer: DeliveryObserver = {
    stopped: (_source, _lane, code) => seen.push(code),
    resumed: () => seen.push('resumed'),
  };
  const former = await r.deliver({ observer });
  await until(() => seen.length >= 2, 'the former release standing still, and looking again');
  expect(new Set(seen)).toEqual(new Set(['JOB_FORMAT_NEWER']));
  expect(r.arrived()).toEqual(['m1', 'm2']);
  await r.deliver({ readers: next });
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 7);
  expect(r.arrived()).toEqual(ids(1, 7));
  await until(
    () => seen.at(-1) === 'resumed',
    'the former release at rest: it has nothing to stand still at',
  );
  // A job of the former version is for whoever comes first.
  await former.close({ graceMs: 100 });
  await queued(8, 1);
  await queued(9, 2);
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 9);
  expect(r.arrived()).toEqual(ids(1, 9));
  expect(await r.queue.letters().count()).toBe(0);
});

test('a job added twice, and one of a producer that was replaced, are not sent again', async () => {
  await using r = await openDelivery();
  await r.enqueue(['m1']);
  const skipped: string[] = [];
  await r.deliver({ observer: { skippedJob: (_source, _lane, why) => skipped.push(why) } });
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 1);
  const options = { client: r.queue.client, prefix: DEFAULT_PREFIX, onError: () => undefined };
  const lane = openQueue<JobData>(laneQueueName('default', 0), options);
  r.queue.onClose(async () => lane.close());
  const head = { first: '0/1', last: '0/1', receivedAtMs: 1, queuedAtMs: 1 };
  const line = formatCallLine(queuedCall('late'));
  await lane.add('batch', encodeJob({ ...head, seq: 1, epoch: 1 }, [line]), { jobId: 'b1-1-again' });
  await lane.add('batch', encodeJob({ ...head, seq: 2, epoch: 0 }, [line]), { jobId: 'b2-0-old' });
  await until(() => skipped.length === 2, 'both skipped');
  expect(skipped).toEqual(['delivered', 'superseded']);
  await r.enqueue(['m2']);
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 2);
  expect(r.arrived()).toEqual(['m1', 'm2']);
});

test('a suppressed guest’s queued events are dropped and counted, the others go out', async () => {
  await using r = await openDelivery();
  await r.enqueue(ids(1, 6));
  await suppressGuests(r.queue.client, DEFAULT_PREFIX, ['g2', 'g5']);
  const dropped: string[] = [];
  await r.deliver({
    observer: { suppressed: (_source, calls) => dropped.push(...calls.map((call) => call.messageId)) },
  });
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 4);
  expect(r.arrived()).toEqual(['m1', 'm3', 'm4', 'm6']);
  await until(() => dropped.length === 2, 'counted');
  expect(dropped).toEqual(['m2', 'm5']);
});

test('a listed guest’s queued events are dropped and counted; once off the list, later ones go out', async () => {
  await using r = await openDelivery();
  const publish = async (...guests: string[]): Promise<boolean> =>
    publishListed(
      { prefix: DEFAULT_PREFIX, sources: ['default'], patiently: async (step) => step(r.queue.client) },
      setOf(...guests),
    );
  await r.enqueue(ids(1, 4));
  await suppressGuests(r.queue.client, DEFAULT_PREFIX, ['g2']);
  await publish('g2', 'g3');
  const dropped: string[] = [];
  await r.deliver({
    observer: { suppressed: (_source, calls) => dropped.push(...calls.map((call) => call.messageId)) },
  });
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 2);
  await until(() => dropped.length === 2, 'counted');
  await publish();
  await r.enqueue(ids(2, 4));
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 4);
  expect(r.arrived()).toEqual(['m1', 'm4', 'm3', 'm4']);
  await until(() => dropped.length === 3, 'counted');
  expect(dropped).toEqual(['m2', 'm3', 'm2']);
});

test('a process with a list of its own drops whoever is on either', async () => {
  await using r = await openDelivery();
  await publishListed(
    { prefix: DEFAULT_PREFIX, sources: ['default'], patiently: async (step) => step(r.queue.client) },
    setOf('g2'),
  );
  await r.enqueue(ids(1, 4));
  await r.deliver({ listed: { guests: setOf('g3') } });
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 2);
  expect(r.arrived()).toEqual(['m1', 'm4']);
});

test('where capture alone can read the list, delivery begins once it is published', async () => {
  await using r = await openDelivery();
  await r.enqueue(ids(1, 2));
  let waiting = 0;
  const started = r.deliver({ needsPublishedList: true, observer: { awaitsList: () => (waiting += 1) } });
  await until(() => waiting > 0, 'told of');
  expect(r.arrived()).toEqual([]);
  await publishListed(
    { prefix: DEFAULT_PREFIX, sources: ['default'], patiently: async (step) => step(r.queue.client) },
    setOf('g1'),
  );
  await started;
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 1);
  expect(r.arrived()).toEqual(['m2']);
});

test('a dead letter that is put back goes out in its lane without disturbing the sequence', async () => {
  await using r = await openDelivery();
  await r.enqueue(['m1', 'm2']);
  r.receiver.respondWith((request) =>
    request.messageIds.includes('m1') ? { tag: 'status', status: 400 } : null,
  );
  await r.deliver();
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 1);
  const letters = r.queue.letters();
  await until(async () => (await letters.count()) === 1, 'the letter');
  r.receiver.respondWith(null);
  expect(await letters.retry('m1', 1, Date.now())).toBe(true);
  await r.enqueue(['m3']);
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 3);
  expect(r.arrived()).toEqual(['m2', 'm1', 'm3']);
});

test('Redis away for a while delays delivery and loses nothing', async () => {
  await using r = await openDelivery();
  await r.enqueue(ids(1, 60));
  await r.deliver({}, { rateLimitPerSecond: 100 });
  await r.receiver.waitUntil(() => r.receiver.counts.requests >= 2);
  await r.queue.redis.stop();
  await r.queue.redis.start();
  await r.receiver.waitUntil(() => r.receiver.counts.events - r.receiver.counts.duplicates >= 60);
  const firsts = r.receiver.events.filter((event) => !event.duplicate).map((event) => event.messageId);
  expect(firsts).toEqual(ids(1, 60));
});

test('three processes with two lanes share the limit: no 429, the rate on average, order per account', async () => {
  await using r = await openDelivery({ limitPerSecond: 500, limitTolerance: 1.3 });
  const sink = await r.queue.sink({ sources: [{ name: 'wide', lanes: 2 }] });
  for (const n of range(1, 2_400)) {
    await sink.offer(transaction(n, [eventCall(`m${n}`, { account: String(n % 20) })], undefined, 'wide'));
  }
  await sink.flush();
  const settings = { name: 'wide', lanes: 2, rateLimitPerSecond: 500 };
  for (let i = 0; i < 3; i += 1) await r.deliver({}, settings);
  await r.receiver.waitUntil(() => r.receiver.counts.events >= 2_400);
  const { requests, counts } = r.receiver;
  expect(counts.limited).toBe(0);
  const last = requests.at(-1);
  const spanMs =
    (last?.arrivedAtMs ?? 0) - (requests[0]?.arrivedAtMs ?? 0) + (last?.messageIds.length ?? 0) * 2;
  expect(2_400_000 / spanMs).toBeGreaterThan(470);
  expect(2_400_000 / spanMs).toBeLessThan(515);
  for (const account of range(0, 19)) {
    const events = r.receiver.events.filter((event) => event.userId === String(account));
    const numbers = events.map((event) => Number(event.messageId.slice(1)));
    expect(numbers).toHaveLength(120);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  }
});
