import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DerivedEvent } from '../../src/events/event.js';
import type { Lsn } from '../../src/postgres/lsn.js';
import { DEFAULT_PREFIX, laneStateKey } from '../../src/queue/keys.js';
import type { CatchUpSink, EventSinkOptions, QueueSink } from '../../src/queue/queue-sink.js';
import type { EventSink } from '../../src/queue/sink.js';
import { runs } from '../support/fuzz-runs.js';
import { QueueRig, range, until } from './rig.js';
import { eventCall, transaction } from './sample-calls.js';

const BUDGET_BYTES = 16 * 1024;
/** What makes a call take its room also when it is compressed. */
const PARTICULARS = fc.sample(fc.stringMatching(/^[a-zA-Z0-9]{400}$/), { numRuns: 400, seed: 5 });

/** Two calls of two accounts. */
function callsOf(n: number): DerivedEvent[] {
  return [1, 2].map((part) =>
    eventCall(`m${n}.${part}`, {
      key: String(part),
      account: String((n * part) % 7),
      more: { particulars: PARTICULARS[(n * 2 + part) % PARTICULARS.length] },
    }),
  );
}

class World {
  readonly rig: QueueRig;
  /** What stored rows would say: everything up to there is queued. */
  readonly parkedAt = new Map<string, number>();
  parkings = 0;
  witnessed = 0;
  readonly settled = new Map<string, number[]>();
  readonly waits: string[] = [];
  /** Resolve what makes parking durable; empty: it is at once. */
  readonly held: (() => void)[] = [];
  holdParking = false;

  readonly prefix: string;

  constructor(rig: QueueRig, prefix = DEFAULT_PREFIX) {
    this.rig = rig;
    this.prefix = prefix;
  }

  /** One that has seen the other source being delivered. */
  async sink(options: Partial<EventSinkOptions> = {}): Promise<QueueSink> {
    const sink = await this.open(options);
    for (let times = 0; times < 2; times += 1) {
      this.witnessed += 1;
      await sink.offer(transaction(this.witnessed, callsOf(this.witnessed), undefined, 'witness'));
      await sink.flush();
      await this.deliver('witness');
    }
    return sink;
  }

  async open(options: Partial<EventSinkOptions> = {}): Promise<QueueSink> {
    return this.rig.sink({
      prefix: this.prefix,
      sources: [
        { name: 'dead', lanes: 2, budgetBytes: BUDGET_BYTES },
        { name: 'well', lanes: 1 },
        { name: 'witness', lanes: 1 },
      ],
      bufferBytes: 64 * 1024,
      linger: { stepMs: 0, maxMs: 0 },
      observer: { waiting: (why, source) => this.waits.push(`${source ?? ''} ${why}`) },
      park: async (source) => {
        this.parkings += 1;
        // Parked anew before it has what it missed, it still misses that.
        if (!this.parkedAt.has(source)) this.parkedAt.set(source, this.floor(source));
        if (this.holdParking) await new Promise<void>((resolve) => this.held.push(resolve));
      },
      ...options,
    });
  }

  /** As much of it is delivered as Redis holds; the jobs stay, to be looked at. */
  async deliver(source: string): Promise<void> {
    for (const lane of [0, 1]) {
      const key = laneStateKey(this.prefix, source, lane);
      const fields = ['queuedBytes', 'pendingBytes', 'queuedSeq', 'pendingSeq'];
      const [bytes = 0, coming = 0, seq = 0, next = 0] = (await this.rig.client.hmget(key, ...fields)).map(
        Number,
      );
      if (bytes + coming === 0) continue;
      const delivered = { deliveredBytes: Math.max(bytes, coming), deliveredSeq: Math.max(seq, next) };
      await this.rig.client.hset(key, delivered);
    }
  }

  /** Everything up to there has settled. */
  floor(source: string): number {
    const settled = new Set(this.settled.get(source));
    let floor = 0;
    while (settled.has(floor + 1)) floor += 1;
    return floor;
  }

  async offer(sink: EventSink, source: string, n: number): Promise<void> {
    const settled = this.settled.get(source) ?? [];
    this.settled.set(source, settled);
    await sink.offer(transaction(n, callsOf(n), () => settled.push(n), source));
  }

  /** Per lane, in the order in which they leave. */
  async queued(source: string, lanes: readonly number[]): Promise<string[][]> {
    const queued: string[][] = [];
    for (const lane of lanes) queued.push(await this.rig.messageIds(lane, source));
    return queued;
  }
}

function inOrder(ids: readonly string[]): boolean {
  const places = ids.map((id) => Number(id.slice(1)));
  return places.every((place, index) => index === 0 || place > (places[index - 1] ?? 0));
}

test('a source past its budget is parked: the other goes on, and what it missed is queued later, once and in order', async () => {
  await using rig = await QueueRig.open();
  const world = new World(rig);
  const sink = await world.sink();
  for (const n of range(1, 200)) {
    await world.offer(sink, 'dead', n);
    await world.offer(sink, 'well', n);
  }
  await sink.flush();
  expect(sink.loads().get('dead')?.standing).toBe('parked');
  expect(sink.loads().get('dead')?.waitingBytes).toBeLessThan(BUDGET_BYTES * 4);
  expect(world.waits).toEqual([]);
  // Everything has settled for both: the live stream waits for nothing.
  for (const source of ['dead', 'well'])
    expect((world.settled.get(source) ?? []).toSorted((a, b) => a - b)).toEqual(range(1, 200));
  expect((await world.queued('well', [0])).flat()).toEqual(
    range(1, 200).flatMap((n) => [`m${n}.1`, `m${n}.2`]),
  );
  const upTo = world.parkedAt.get('dead') ?? 0;
  const before = (await world.queued('dead', [0, 1])).flat();
  // Everything up to there is in Redis, and not all of what comes after.
  expect(
    range(1, upTo)
      .flatMap((n) => [`m${n}.1`, `m${n}.2`])
      .filter((id) => !before.includes(id)),
  ).toEqual([]);
  expect(before.length).toBeLessThan(200);

  const late = await sink.catchUp('dead');
  let brought = false;
  const bringing = (async () => {
    for (const n of range(upTo + 1, 200)) await world.offer(late, 'dead', n);
    await late.flush();
    brought = true;
  })();
  // Only the one that catches up waits for its budget.
  for (const n of range(201, 260)) await world.offer(sink, 'well', n);
  await sink.flush();
  expect(brought).toBe(false);
  await until(async () => {
    await world.deliver('dead');
    return brought;
  }, 'all that was missed');
  await bringing;
  await world.deliver('dead');
  late.join();
  for (const n of range(201, 260)) {
    await world.offer(sink, 'dead', n);
    await sink.flush();
    await world.deliver('dead');
  }
  const lanes = await world.queued('dead', [0, 1]);
  expect(lanes.flat().toSorted()).toEqual(
    range(1, 260)
      .flatMap((n) => [`m${n}.1`, `m${n}.2`])
      .toSorted(),
  );
  expect(lanes.map(inOrder)).toEqual([true, true]);
  expect(world.waits).toEqual([]);
});

test('nothing that passes a source by settles before it is durable that the source is parked', async () => {
  await using rig = await QueueRig.open();
  const world = new World(rig);
  world.holdParking = true;
  const sink = await world.sink();
  const offering = (async () => {
    for (const n of range(1, 120)) await world.offer(sink, 'dead', n);
  })();
  await until(() => world.held.length > 0, 'parking');
  await until(() => sink.loads().get('dead')?.standing === 'parked', 'parked');
  await new Promise((resolve) => setTimeout(resolve, 100));
  const settled = (world.settled.get('dead') ?? []).toSorted((a, b) => a - b);
  const missed = (await world.queued('dead', [0, 1])).flat();
  for (const n of settled)
    expect(
      [1, 2].every((part) => missed.includes(`m${n}.${part}`)),
      `m${n}`,
    ).toBe(true);
  for (const resolve of world.held) resolve();
  await offering;
  await sink.flush();
  expect(world.settled.get('dead')).toHaveLength(120);
});

test('where nobody would be held up, or everybody has enough waiting, capture waits: the WAL is the better buffer', async () => {
  await using rig = await QueueRig.open();
  const alone = new World(rig);
  const one = await alone.open({ sources: [{ name: 'dead', lanes: 2, budgetBytes: BUDGET_BYTES }] });
  const offering = (async () => {
    for (const n of range(1, 150)) await alone.offer(one, 'dead', n);
    await one.flush();
  })();
  await until(() => alone.waits.includes('dead queue_budget'), 'the budget used up');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(alone.parkedAt.size).toBe(0);
  await until(async () => {
    await alone.deliver('dead');
    return (alone.settled.get('dead') ?? []).length === 150;
  }, 'everything');
  await offering;
  await one.close();

  const all = new World(rig, 'both');
  const both = await all.open({
    sources: ['left', 'right'].map((name) => ({ name, lanes: 1, budgetBytes: BUDGET_BYTES })),
  });
  const pairs = (async () => {
    for (const n of range(1, 150)) for (const name of ['left', 'right']) await all.offer(both, name, n);
    await both.flush();
  })();
  await until(() => all.waits.length > 0, 'one waits');
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(all.parkedAt.size).toBe(0);
  // Segment takes what is the other's: now that one is held up.
  const [waiting = ''] = (all.waits[0] ?? '').split(' ');
  let over = false;
  pairs.then(
    () => (over = true),
    () => (over = true),
  );
  await until(async () => {
    await all.deliver(waiting === 'left' ? 'right' : 'left');
    return over;
  }, 'the other goes on');
  await pairs;
  expect([...all.parkedAt.keys()]).toEqual([waiting]);
});

test('a source that is released while capture waits for it holds nobody up any more', async () => {
  await using rig = await QueueRig.open();
  const world = new World(rig);
  const sink = await world.open({ sources: [{ name: 'dead', lanes: 2, budgetBytes: BUDGET_BYTES }] });
  const offering = (async () => {
    for (const n of range(1, 150)) await world.offer(sink, 'dead', n);
  })();
  await until(() => world.waits.includes('dead queue_budget'), 'the budget used up');
  expect(await sink.release('dead')).toBeGreaterThan(0);
  await offering;
  await sink.flush();
  expect(world.settled.get('dead')).toHaveLength(150);
  await sink.forget('dead');
  expect(sink.laneSnapshot()).toEqual({});
  // Put back, it goes on behind what it has.
  await sink.open({ name: 'dead', lanes: 2, budgetBytes: 1024 ** 2 });
  sink.beginAt('dead', { after: 150n as Lsn, parked: false });
  for (const n of range(140, 160)) await world.offer(sink, 'dead', n);
  await sink.flush();
  const lanes = await world.queued('dead', [0, 1]);
  expect(lanes.map(inOrder)).toEqual([true, true]);
  const numbers = lanes.flat().map((id) => Math.floor(Number(id.slice(1))));
  expect(numbers.filter((n) => n > 150).toSorted((a, b) => a - b)).toEqual(
    range(151, 160).flatMap((n) => [n, n]),
  );
});

function soon(): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), 5));
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ tag: fc.constant('offer' as const), count: fc.integer({ min: 1, max: 25 }) }),
  },
  { weight: 3, arbitrary: fc.record({ tag: fc.constant('deliver' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ tag: fc.constant('catch up' as const), most: fc.integer({ min: 1, max: 60 }) }),
  },
  { weight: 2, arbitrary: fc.record({ tag: fc.constant('restart' as const) }) },
);

test('however often it is parked, brought further, given up and taken over by another process: every call once, in order', async () => {
  await using rig = await QueueRig.open();
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      round += 1;
      const prefix = `round-${round}`;
      const world = new World(rig, prefix);
      let sink = await world.sink();
      /** Of the live stream. */
      let last = 0;
      /** Brings what was missed, some of it, and joins where it was all. */
      const catchUp = async (most: number, mayGiveUp: boolean): Promise<void> => {
        const parkedAt = world.parkedAt.get('dead');
        if (parkedAt === undefined) return;
        const late: CatchUpSink = await sink.catchUp('dead');
        const settled: number[] = [];
        const to = Math.min(last, parkedAt + most);
        for (let n = parkedAt + 1; n <= to; n += 1) {
          await late.offer(transaction(n, callsOf(n), () => settled.push(n), 'dead'));
        }
        if (mayGiveUp) {
          late.giveUp();
          let reached = parkedAt;
          while (settled.includes(reached + 1)) reached += 1;
          world.parkedAt.set('dead', reached);
          return;
        }
        const { parkings } = world;
        if (to === last) late.join();
        await world.deliver('dead');
        const flushed = late.flush().then(() => true);
        while (!(await Promise.race([flushed, soon()]))) await world.deliver('dead');
        if (to < last) {
          late.giveUp();
          world.parkedAt.set('dead', to);
        } else if (world.parkings === parkings) world.parkedAt.delete('dead');
      };
      for (const each of steps) {
        switch (each.tag) {
          case 'offer':
            for (let left = each.count; left > 0; left -= 1) {
              last += 1;
              await world.offer(sink, 'dead', last);
            }
            break;
          case 'deliver':
            await world.deliver('dead');
            break;
          case 'catch up':
            await catchUp(each.most, each.most % 2 === 0);
            break;
          case 'restart': {
            await sink.flush();
            const reached = last;
            await sink.close();
            sink = await world.sink();
            sink.beginAt('dead', { after: null, parked: world.parkedAt.has('dead') });
            // A server that forgot confirmations sends some of it again.
            for (let n = Math.max(1, reached - 10); n <= reached; n += 1) await world.offer(sink, 'dead', n);
            break;
          }
        }
      }
      await sink.flush();
      while (world.parkedAt.has('dead')) await catchUp(Number.MAX_SAFE_INTEGER, false);
      await sink.close();
      const after = await rig.sink({ prefix, sources: [{ name: 'other', lanes: 1 }] });
      await after.close();
      const lanes: string[][] = [];
      for (const lane of [0, 1]) lanes.push(await rig.messageIds(lane, 'dead', prefix));
      expect(lanes.flat().toSorted()).toEqual(
        range(1, last)
          .flatMap((n) => [`m${n}.1`, `m${n}.2`])
          .toSorted(),
      );
      expect(lanes.map(inOrder)).toEqual([true, true]);
    }),
    runs(25),
  );
}, 120_000);
