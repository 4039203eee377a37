import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { DerivedEvent } from '../../src/events/event.js';
import { DEFAULT_PREFIX, laneStateKey } from '../../src/queue/keys.js';
import type { QueueObserver } from '../../src/queue/observer.js';
import { QueueStatusReader } from '../../src/queue/status.js';
import { QueueRig, range, until } from './rig.js';
import { eventCall, rejectedCall, transaction } from './sample-calls.js';

const STATE = laneStateKey(DEFAULT_PREFIX, 'default', 0);

test('a transaction settles only when Redis holds all its calls, and the lane holds them in the order offered', async () => {
  await using rig = await QueueRig.open();
  const sink = await rig.sink();
  const seen: number[] = [];
  for (const n of range(1, 40)) {
    const calls = [eventCall(`m${n}a`, { key: '1' }), eventCall(`m${n}b`, { key: '2' })];
    await sink.offer(transaction(n, calls, () => seen.push(n)));
  }
  await sink.offer(transaction(41, [], () => seen.push(41)));
  await sink.flush();
  expect(seen.toSorted((a, b) => a - b)).toEqual(range(1, 41));
  expect(await rig.messageIds()).toEqual(range(1, 40).flatMap((n) => [`m${n}a`, `m${n}b`]));
  const seqs = (await rig.jobs()).map(({ data }) => data.seq);
  expect(seqs).toEqual(range(1, seqs.length));
});

test('a restarted capture skips what its lanes hold, within a transaction too', async () => {
  await using rig = await QueueRig.open();
  const first = await rig.sink();
  for (const n of range(1, 5)) await first.offer(transaction(n, [eventCall(`m${n}`)]));
  await first.offer(transaction(6, [eventCall('m6a', { key: '9' })]));
  await first.flush();
  await first.close();
  const second = await rig.sink();
  const settled: number[] = [];
  for (const n of range(1, 5))
    await second.offer(transaction(n, [eventCall(`m${n}`)], () => settled.push(n)));
  await second.offer(transaction(6, [eventCall('m6a', { key: '9' }), eventCall('m6b', { key: '10' })]));
  await second.flush();
  expect(settled).toEqual(range(1, 5));
  expect(await rig.messageIds()).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6a', 'm6b']);
});

test('a capture killed at any moment and started again from what had settled queues every call once, in order', async () => {
  await using rig = await QueueRig.open();
  const last = 3_000;
  const child = fileURLToPath(new URL('./producer-child.ts', import.meta.url));
  const settled = new Set<number>();
  let floor = 0;
  for (let run = 0; floor < last; run += 1) {
    const args = ['--import', 'tsx', child, rig.redis.url, String(floor + 1), String(last)];
    const capture = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(capture, 'exit');
    // Kills fall on different moments of a batch's way: after some number of settled transactions.
    let left = run < 4 ? 100 + run * 137 : Number.POSITIVE_INFINITY;
    const lines = createInterface({ input: capture.stdout });
    lines.on('line', (line) => {
      settled.add(Number(line));
      left -= 1;
      if (left === 0) capture.kill('SIGKILL');
    });
    await Promise.all([exited, once(lines, 'close')]);
    while (settled.has(floor + 1)) floor += 1;
    if (run > 8) throw new Error(`stuck at ${floor}`);
  }
  const ids = [...(await rig.messageIds(0)), ...(await rig.messageIds(1))];
  expect(ids.toSorted()).toEqual(
    range(1, last)
      .flatMap((n) => [`m${n}a`, `m${n}b`])
      .toSorted(),
  );
  for (const lane of [0, 1]) {
    const numbers = (await rig.messageIds(lane)).map((id) => Number(id.slice(1, -1)));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  }
}, 40_000);

test('while Redis is down nothing settles and offer waits at its budget; afterwards nothing is lost or doubled', async () => {
  await using rig = await QueueRig.open({ settings: { appendfsync: 'always' } });
  let waiting = 0;
  const sink = await rig.sink({ bufferBytes: 20_000, observer: { waiting: () => (waiting += 1) } });
  await sink.offer(transaction(1, [eventCall('m1')]));
  await sink.flush();
  await rig.redis.kill();
  let pulled = 0;
  let settled = 0;
  function* calls(): Generator<DerivedEvent> {
    for (const key of range(1, 200)) {
      pulled += 1;
      yield eventCall(`n${key}`, { key: String(key) });
    }
  }
  const offered = sink.offer(transaction(2, calls(), () => (settled += 1)));
  await until(() => waiting > 0, 'waiting for redis');
  expect(pulled).toBeLessThan(20);
  expect(settled).toBe(0);
  await rig.redis.start();
  await offered;
  await sink.flush();
  expect(settled).toBe(1);
  expect(await rig.messageIds()).toEqual(['m1', ...range(1, 200).map((key) => `n${key}`)]);
});

test('every wait for Redis is told of with its end, at the start too, and a start that waits for nothing tells of nothing', async () => {
  await using rig = await QueueRig.open();
  const told: string[] = [];
  const observer: QueueObserver = {
    waiting: () => told.push('waiting'),
    resumed: () => told.push('resumed'),
  };
  await rig.sink({ observer });
  expect(told).toEqual([]);
  await rig.redis.stop();
  const starting = rig.sink({ observer });
  await until(() => told.includes('waiting'), 'waiting at the start');
  await rig.redis.start();
  const sink = await starting;
  await until(() => told.at(-1) === 'resumed', 'the start goes on');
  await rig.redis.stop();
  told.length = 0;
  const suppressing = sink.suppress(['g1']);
  await until(() => told.includes('waiting'), 'waiting with a suppression');
  await rig.redis.start();
  await suppressing;
  expect(told.at(-1)).toBe('resumed');
});

test('which sources are paused is asked again while Redis does not answer', async () => {
  await using rig = await QueueRig.open();
  let waits = 0;
  const sink = await rig.sink({ observer: { waiting: () => (waits += 1) } });
  await sink.setPaused('default', 1_700_000_000_000);
  await rig.client.call('ACL', 'SETUSER', 'default', '-hgetall');
  const paused = sink.paused();
  await until(() => waits >= 2, 'two attempts');
  await rig.client.call('ACL', 'SETUSER', 'default', '+hgetall');
  expect(await paused).toEqual(new Map([['default', 1_700_000_000_000]]));
});

test('adding stops while Redis is at 70 % of its memory and goes on below', async () => {
  await using rig = await QueueRig.open({ maxMemoryBytes: 24 * 1024 * 1024 });
  const seen: string[] = [];
  const observer: QueueObserver = {
    waiting: (why) => seen.push(`waiting ${why}`),
    resumed: (why) => seen.push(`resumed ${why}`),
  };
  const fillers = range(1, 72).map((n) => `filler${n}`);
  for (const filler of fillers) await rig.client.set(filler, 'x'.repeat(256 * 1024));
  const sink = await rig.sink({ observer });
  seen.length = 0;
  let settled = false;
  await sink.offer(transaction(1, [eventCall('m1')], () => (settled = true)));
  await until(() => seen.length > 0, 'waiting for memory');
  expect(settled).toBe(false);
  await rig.client.del(...fillers);
  await sink.flush();
  expect(settled).toBe(true);
  expect(seen).toEqual(['waiting redis_memory', 'resumed redis_memory']);
});

test('a source with its budget used up waits until something is delivered', async () => {
  await using rig = await QueueRig.open();
  const seen: string[] = [];
  const sink = await rig.sink({
    queueBudgetBytes: 1_500,
    observer: { waiting: (why) => seen.push(why), resumed: (why) => seen.push(`resumed ${why}`) },
  });
  seen.length = 0;
  let settled = 0;
  for (const n of range(1, 30)) {
    await sink.offer(transaction(n, [eventCall(`m${n}`)], () => (settled += 1)));
    await until(() => settled === n || seen.includes('queue_budget'), 'settled or held');
  }
  expect(settled).toBeLessThan(30);
  const bytes = (await rig.jobs()).reduce((sum, { data }) => sum + data.body.length, 0);
  expect(bytes).toBeLessThan(1_500 + 1_500);
  await rig.client.hset(STATE, 'deliveredBytes', bytes);
  await sink.flush();
  expect(settled).toBe(30);
  expect(seen).toContain('resumed queue_budget');
});

test('an idle lane sends at once; one with jobs waiting gathers fuller batches', async () => {
  await using rig = await QueueRig.open();
  const sink = await rig.sink({ linger: { stepMs: 3_000, maxMs: 3_000 } });
  const startedAt = performance.now();
  await new Promise<void>((resolve) => void sink.offer(transaction(1, [eventCall('m1')], resolve)));
  expect(performance.now() - startedAt).toBeLessThan(2_500);
  for (const n of range(2, 60)) {
    await sink.offer(transaction(n, [eventCall(`m${n}`)]));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await sink.flush();
  const sizes = (await rig.jobs()).map(({ calls }) => calls.length);
  expect(sizes[0]).toBe(1);
  expect(sizes.length).toBeLessThan(8);
});

test('what is offered after a flush is gathered again: haste ends with what was flushed', async () => {
  await using rig = await QueueRig.open();
  const sink = await rig.sink({ linger: { stepMs: 60_000, maxMs: 60_000 } });
  await sink.offer(transaction(1, [eventCall('m1')]));
  await sink.flush();
  for (const n of range(2, 21)) {
    for (const m of range(1, 10)) await sink.offer(transaction(n * 10 + m, [eventCall(`m${n}-${m}`)]));
    await sink.flush();
  }
  const sizes = (await rig.jobs()).map(({ calls }) => calls.length);
  expect(sizes).toEqual([1, ...range(2, 21).map(() => 10)]);
});

test('a lane that lingers for jobs waiting goes on as soon as they are delivered, however long it might have lingered', async () => {
  await using rig = await QueueRig.open();
  const sink = await rig.sink({ linger: { stepMs: 60_000, maxMs: 60_000 } });
  let settled = 0;
  await sink.offer(transaction(1, [eventCall('m1')], () => (settled += 1)));
  await until(() => settled === 1, 'the first, at once');
  await sink.offer(transaction(2, [eventCall('m2')], () => (settled += 1)));
  await rig.client.hset(STATE, 'deliveredSeq', 1);
  await until(() => settled === 2, 'the second');
});

test('a rejected call is a dead letter before its transaction settles, whatever the mark says', async () => {
  await using rig = await QueueRig.open();
  const letters = rig.letters();
  for (const round of [1, 2]) {
    const sink = await rig.sink();
    const settled = new Promise<void>((resolve) => {
      void sink.offer(transaction(1, [rejectedCall('bad'), eventCall('good')], resolve));
    });
    await settled;
    expect(await letters.count(), `round ${round}`).toBe(1);
    expect(await letters.get('bad')).toMatchObject({ reason: 'schema', position: '0/1', guestId: 'g1' });
    await sink.close();
  }
  expect(await rig.messageIds()).toEqual(['good']);
});

test('a dead letter can be listed, dropped, and put back into its lane once', async () => {
  await using rig = await QueueRig.open();
  const sink = await rig.sink();
  await sink.offer(transaction(1, [rejectedCall('bad1'), rejectedCall('bad2')]));
  await sink.flush();
  const letters = rig.letters();
  expect((await letters.list()).map((letter) => letter.messageId)).toEqual(['bad1', 'bad2']);
  expect(await letters.drop('bad1')).toBe(true);
  expect(await letters.drop('bad1')).toBe(false);
  expect(await letters.retry('bad2', 1, 5)).toBe(true);
  expect(await letters.retry('bad2', 1, 5)).toBe(false);
  expect(await letters.count()).toBe(0);
  expect((await rig.jobs()).map(({ data, calls }) => [data.seq, calls[0]?.messageId])).toEqual([[0, 'bad2']]);
});

test('a Redis that was emptied stops capture with the positions between which jobs are missing', async () => {
  await using rig = await QueueRig.open();
  const failed: Error[] = [];
  const sink = await rig.sink({ observer: { failed: (error) => failed.push(error) } });
  await sink.offer(transaction(16, [eventCall('m1')]));
  await sink.flush();
  await rig.client.flushall();
  await sink.offer(transaction(17, [eventCall('m2')]));
  const lost = { code: 'QUEUE_LOST', facts: { confirmedSeq: 1, heldSeq: 0, from: null, to: '0/10' } };
  await expect(sink.flush()).rejects.toMatchObject(lost);
  await expect(sink.offer(transaction(18, []))).rejects.toMatchObject({ code: 'QUEUE_LOST' });
  expect(failed).toHaveLength(1);
});

test('a Redis that comes back empty is noticed on reconnecting, before anything else is queued', async () => {
  await using rig = await QueueRig.open({ appendOnly: false });
  const failed: Error[] = [];
  const sink = await rig.sink({ observer: { failed: (error) => failed.push(error) } });
  await sink.offer(transaction(16, [eventCall('m1')]));
  await sink.flush();
  await rig.redis.kill();
  await rig.redis.start();
  await until(() => failed.length > 0, 'the loss noticed');
  expect(failed[0]).toMatchObject({ code: 'QUEUE_LOST' });
});

test('a checkpoint that says more was queued than Redis holds stops capture; an equal one does not', async () => {
  await using rig = await QueueRig.open();
  const first = await rig.sink();
  await first.offer(transaction(16, [eventCall('m1')]));
  await first.flush();
  const snapshot = first.laneSnapshot();
  expect(snapshot).toMatchObject({ 'default/0': { seq: 1, mark: '0/10|0|4|1|1' } });
  await first.close();
  const second = await rig.sink();
  await second.compareWithCheckpoint(snapshot);
  const ahead = { 'default/0': { seq: 9, mark: '0/20|0|4|1|1' } } as const;
  await expect(second.compareWithCheckpoint(ahead)).rejects.toMatchObject({
    code: 'QUEUE_LOST',
    facts: { from: '0/10', to: '0/20' },
  });
});

test('a second capture process takes the lanes over and the first one stops', async () => {
  await using rig = await QueueRig.open();
  const first = await rig.sink();
  await first.offer(transaction(1, [eventCall('m1')]));
  await first.flush();
  const second = await rig.sink();
  await first.offer(transaction(2, [eventCall('m2')]));
  await expect(first.flush()).rejects.toMatchObject({ code: 'LANE_TAKEN' });
  await second.offer(transaction(2, [eventCall('m2')]));
  await second.flush();
  expect(await rig.messageIds()).toEqual(['m1', 'm2']);
});

test('the number of lanes cannot change while jobs are queued, and can when they are delivered', async () => {
  await using rig = await QueueRig.open();
  const first = await rig.sink();
  await first.offer(transaction(1, [eventCall('m1')]));
  await first.flush();
  await first.close();
  const sources = [{ name: 'default', lanes: 3 }];
  await expect(rig.sink({ sources })).rejects.toMatchObject({
    code: 'LANES_CHANGED',
    facts: { configured: 3, stored: 1 },
  });
  await rig.client.hset(STATE, 'deliveredSeq', 1);
  const second = await rig.sink({ sources });
  // The account may come from another lane, whose mark said nothing of it: nothing is skipped after the change.
  expect(second.laneSnapshot()['default/0']).toMatchObject({ seq: 1, mark: null });
});

test('closing with Redis down ends, and says that not everything was queued', async () => {
  await using rig = await QueueRig.open();
  const sink = await rig.sink();
  await rig.redis.kill();
  await sink.offer(transaction(1, [eventCall('m1')]));
  const flushed = expect(sink.flush()).rejects.toMatchObject({ code: 'QUEUE_CLOSED' });
  await sink.close();
  await flushed;
});

test('depth, age and delivered position are read without touching the jobs', async () => {
  await using rig = await QueueRig.open();
  const before = Date.now();
  const sink = await rig.sink();
  await sink.offer(transaction(16, [eventCall('m1'), rejectedCall('bad')]));
  await sink.flush();
  const reader = new QueueStatusReader({ redis: rig.settings, sources: [{ name: 'default', lanes: 1 }] });
  rig.onClose(async () => reader.close());
  let status = null as Awaited<ReturnType<typeof reader.read>> | null;
  await until(async () => {
    status = await reader.read().catch(() => null);
    return status !== null;
  }, 'the reader connected');
  expect(status?.deadLetters).toEqual({ default: 1 });
  expect(status?.lanes[0]).toMatchObject({ jobs: 1, queuedSeq: 1, deliveredSeq: 0, deliveredPosition: null });
  expect(status?.lanes[0]?.oldestAtMs).toBeGreaterThanOrEqual(before);
});
