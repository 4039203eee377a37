import type { JobsOptions, Queue } from 'bullmq';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDelivery, type Delivery } from '../../src/delivery/delivery.js';
import { startReceiver, type Receiver } from '../../src/demo/receiver.js';
import type { DeadLetters } from '../../src/queue/dead-letters.js';
import { encodeJob, formatCallLine, type JobData } from '../../src/queue/job.js';
import { DEFAULT_PREFIX, jobKeyPrefix, laneQueueName, laneStateKey } from '../../src/queue/keys.js';
import { openQueue } from '../../src/queue/lane-queue.js';
import type { QueueSink } from '../../src/queue/event-sink.js';
import { fuzzTimeoutMs, runs } from '../support/fuzz-runs.js';
import { QueueRig, until } from '../queue/rig.js';
import { brotliBomb, eventCall, queuedCall, transaction } from '../queue/sample-calls.js';
import { delivering, WRITE_KEY } from './settings.js';

let rig: QueueRig;
let receiver: Receiver;
let rounds = 0;

beforeAll(async () => {
  rig = await QueueRig.open({ appendOnly: false });
  receiver = await startReceiver({ writeKeys: [WRITE_KEY], limitPerSecond: null });
  rig.onClose(async () => receiver.close());
});
afterAll(async () => rig[Symbol.asyncDispose]());

/** A lane of its own: our side of it, and the queue as somebody with BullMQ sees it. */
class Lane implements AsyncDisposable {
  readonly source: string;
  readonly queue: Queue<unknown>;
  readonly letters: DeadLetters;
  readonly sink: QueueSink;
  readonly #deliveries: Delivery[] = [];
  readonly #stopped: string[] = [];
  #sent = 0;
  #others = 0;

  private constructor(source: string, sink: QueueSink) {
    this.source = source;
    this.sink = sink;
    const onError = (): void => undefined;
    this.queue = openQueue(laneQueueName(source, 0), { client: rig.client, prefix: DEFAULT_PREFIX, onError });
    this.letters = rig.letters(source);
  }

  static async open(): Promise<Lane> {
    const name = `s${(rounds += 1)}`;
    return new Lane(name, await rig.sink({ sources: [{ name, lanes: 1 }], laneCheckMs: 50 }));
  }

  async deliver(): Promise<void> {
    const delivery = createDelivery({
      redis: rig.settings,
      sources: [delivering(receiver.url, { name: this.source })],
      probeIntervalMs: 100,
      timing: { lockDurationMs: 1_000, stalledIntervalMs: 300 },
      observer: { stopped: (_source, _lane, code) => this.#stopped.push(code) },
    });
    this.#deliveries.push(delivery);
    await delivery.start();
  }

  /** Queues a job of ours. */
  async ours(calls: number): Promise<void> {
    const ids = Array.from({ length: calls }, () => `${this.source}-${(this.#sent += 1)}`);
    const events = ids.map((id, i) => eventCall(id, { key: String(i + 1) }));
    await this.sink.offer(transaction(this.#sent, events, undefined, this.source));
    await this.sink.flush();
  }

  /** Queues something of somebody else's. Returns the name of its job. */
  async theirs(name: string, data: unknown, options: JobsOptions = {}): Promise<string> {
    const own = options.jobId === undefined ? {} : { jobId: `${options.jobId}-${(this.#others += 1)}` };
    const job = await this.queue.add(name, data, { ...options, ...own });
    return job.id ?? '';
  }

  /** The lane's numbers as they are now: what a forger would copy. */
  async place(): Promise<{ epoch: number; queued: number; delivered: number }> {
    const state = await rig.client.hgetall(laneStateKey(DEFAULT_PREFIX, this.source, 0));
    const queued = Math.max(Number(state['queuedSeq'] ?? 0), Number(state['pendingSeq'] ?? 0));
    return { epoch: Number(state['epoch']), queued, delivered: Number(state['deliveredSeq'] ?? 0) };
  }

  key(id: string): string {
    return jobKeyPrefix(DEFAULT_PREFIX, laneQueueName(this.source, 0)) + id;
  }

  arrived(): string[] {
    return receiver.events.map((event) => event.messageId).filter((id) => id.startsWith(`${this.source}-`));
  }

  /** All of ours arrive once and in order, and `letters` others are set aside. */
  async settles(letters: number): Promise<void> {
    const all = Array.from({ length: this.#sent }, (_, i) => `${this.source}-${i + 1}`);
    await until(() => this.arrived().length >= all.length, `${all.length} arrive`, 10_000);
    await until(async () => (await this.letters.count()) >= letters, `${letters} dead letters`, 10_000);
    await until(async () => Object.values(await this.queue.getJobCounts()).every((n) => n === 0), 'empty');
    expect(this.arrived()).toEqual(all);
    expect(this.#stopped).toEqual([]);
    const found = await this.letters.list({ limit: 1_000 });
    expect(found).toHaveLength(letters);
    for (const letter of found) {
      expect(letter).toMatchObject({ reason: 'foreign_job', name: 'foreign_job', source: this.source });
      expect(letter.detail).not.toBe('');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const delivery of this.#deliveries) await delivery.close({ graceMs: 100 });
    await this.sink.close();
    await this.queue.close();
  }
}

function job(place: { seq: number; epoch: number }, id = 'forged'): JobData {
  const head = { ...place, first: '0/1', last: '0/1', receivedAtMs: 1, queuedAtMs: 1 };
  return encodeJob(head, [formatCallLine(queuedCall(id))]);
}

const names = fc.oneof(fc.string(), fc.constantFrom('batch', '__proto__', 'toString', '', '\u0000'));
const options: fc.Arbitrary<JobsOptions> = fc.record(
  {
    lifo: fc.boolean(),
    priority: fc.integer({ min: 1, max: 20 }),
    delay: fc.integer({ min: 1, max: 40 }),
    attempts: fc.integer({ min: 1, max: 3 }),
    jobId: fc.constantFrom('x', 'b', 'b1', 'r', 'r-d', '__proto__', 'constructor', 'a b'),
    removeOnComplete: fc.constant(true),
  },
  { requiredKeys: [] },
);

type Forgery =
  | { readonly tag: 'any'; readonly data: unknown }
  | { readonly tag: 'claim' | 'copy' | 'broken' | 'newer'; readonly ahead: number; readonly epoch: boolean }
  | { readonly tag: 'bomb' }
  | { readonly tag: 'text'; readonly text: string };

const ahead = fc.integer({ min: -2, max: 3 });
const forgeries: fc.Arbitrary<Forgery> = fc.oneof(
  fc.record({ tag: fc.constant('any' as const), data: fc.jsonValue() }),
  fc.record({
    tag: fc.constantFrom('claim' as const, 'copy' as const, 'broken' as const, 'newer' as const),
    ahead,
    epoch: fc.boolean(),
  }),
  fc.constant({ tag: 'bomb' as const }),
  fc.record({
    tag: fc.constant('text' as const),
    text: fc.string().filter((text) => text !== '' && !json(text)),
  }),
);

function json(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const BOMB = brotliBomb(64);

async function forge(lane: Lane, forgery: Forgery, name: string, given: JobsOptions): Promise<void> {
  const place = await lane.place();
  switch (forgery.tag) {
    case 'any':
      await lane.theirs(name, forgery.data, given);
      return;
    case 'bomb':
      await lane.theirs(name, { ...job({ seq: 1, epoch: 1 }), rawBytes: 4_000_000, body: BOMB }, given);
      return;
    case 'text': {
      // Delayed so that its data are there before a worker is.
      const id = await lane.theirs(name, {}, { ...given, delay: 30 });
      await rig.client.hset(lane.key(id), 'data', forgery.text);
      return;
    }
    case 'claim':
    case 'copy':
    case 'broken':
    case 'newer': {
      const seq = Math.max(1, place.delivered + forgery.ahead);
      const whole = job({ seq, epoch: forgery.epoch ? place.epoch : 7 });
      if (forgery.tag === 'claim') await lane.theirs(name, { v: 1, seq }, given);
      else if (forgery.tag === 'copy') await lane.theirs(name, whole, given);
      else if (forgery.tag === 'broken')
        await lane.theirs(name, { ...whole, body: whole.body.slice(8) }, given);
      else await lane.theirs(name, { ...whole, v: 2 }, given);
      return;
    }
    default:
      forgery satisfies never;
  }
}

const steps = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ ours: fc.integer({ min: 1, max: 5 }) }) },
    { weight: 3, arbitrary: fc.record({ forgery: forgeries, name: names, options }) },
  ),
  { minLength: 1, maxLength: 12 },
);

test(
  'whatever somebody queues in a lane is set aside with a reason; ours neither wait for it, nor are lost or reordered',
  async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(12), async (asked, deliverFrom) => {
        await using lane = await Lane.open();
        let letters = 0;
        for (const [i, step] of asked.entries()) {
          if (i === deliverFrom) await lane.deliver();
          if ('ours' in step) await lane.ours(step.ours);
          else {
            letters += 1;
            await forge(lane, step.forgery, step.name, step.options);
          }
        }
        if (deliverFrom >= asked.length) await lane.deliver();
        await lane.ours(1);
        await lane.settles(letters);
      }),
      { ...runs(8), interruptAfterTimeLimit: fuzzTimeoutMs(12_000) },
    );
  },
  fuzzTimeoutMs(40_000),
);

test.each(['claim', 'copy', 'broken'] as const)(
  'a foreign job that names the next place in the lane does not pass it: the job it belongs to is still sent (%s)',
  async (tag) => {
    await using lane = await Lane.open();
    await lane.ours(2);
    await lane.deliver();
    await until(() => lane.arrived().length === 2, 'the lane under way');
    await until(async () => (await lane.place()).delivered === 1, 'the place passed');
    await forge(lane, { tag, ahead: 1, epoch: true }, 'batch', {});
    await until(async () => (await lane.letters.count()) === 1, 'the letter');
    await lane.ours(2);
    await lane.settles(1);
  },
);

test('a broken job of a producer that was replaced does not pass the place that its successor uses', async () => {
  await using lane = await Lane.open();
  await lane.ours(1);
  const { epoch } = await lane.place();
  const old = epoch - 1;
  const late = { ...job({ seq: 1, epoch: old }), body: 'AAAA' };
  await lane.queue.add('batch', late, { jobId: `b1-${old}-x`, lifo: true, removeOnComplete: true });
  await lane.deliver();
  await lane.settles(1);
});

test('the same id with other data is another letter', async () => {
  await using lane = await Lane.open();
  await lane.deliver();
  for (const n of [1, 2]) {
    await lane.queue.add('mail', { n }, { jobId: 'mail', removeOnComplete: true });
    await until(async () => (await lane.letters.count()) === n, 'the letter');
  }
  expect((await lane.letters.list()).map((letter) => letter.json)).toEqual(['{"n":1}', '{"n":2}']);
});

test('a queue paused by hand stands still and loses nothing; resumed it goes on in order', async () => {
  await using lane = await Lane.open();
  await lane.ours(2);
  await lane.queue.pause();
  await lane.deliver();
  await lane.ours(2);
  await lane.theirs('mail', {});
  await lane.ours(1);
  expect(lane.arrived()).toEqual([]);
  await lane.queue.resume();
  await lane.settles(1);
});

test('a job moved to the failed ones by hand is missed by its successor and queued again; retried by hand it is passed over', async () => {
  await using lane = await Lane.open();
  for (let n = 0; n < 3; n += 1) await lane.ours(1);
  const [head = ''] = await rig.client.lrange(lane.key('wait'), -1, -1);
  await rig.client.lrem(lane.key('wait'), 1, head);
  await rig.client.zadd(lane.key('failed'), Date.now(), head);
  await lane.deliver();
  const stored = lane.sink.laneSnapshot();
  await until(() => lane.sink.failure !== null, 'the loss noticed');
  expect(lane.sink.failure).toMatchObject({ code: 'QUEUE_LOST' });
  await lane.sink.close();
  const next = await rig.sink({ sources: [{ name: lane.source, lanes: 1 }] });
  await expect(next.compareWithCheckpoint(stored)).rejects.toMatchObject({ code: 'QUEUE_LOST' });
  await next.renew(stored);
  for (let n = 1; n <= 3; n += 1) {
    await next.offer(transaction(n, [eventCall(`${lane.source}-${n}`)], undefined, lane.source));
  }
  await next.flush();
  await until(() => lane.arrived().length === 3, 'all arrive');
  await lane.queue.retryJobs();
  await until(async () => Object.values(await lane.queue.getJobCounts()).every((n) => n === 0), 'empty');
  expect(lane.arrived()).toEqual([1, 2, 3].map((n) => `${lane.source}-${n}`));
  expect(await lane.letters.count()).toBe(0);
});
