import { expect, test } from 'vitest';
import type { DeliverySettings } from '../../src/config/source.js';
import { createDelivery } from '../../src/delivery/delivery.js';
import { startReceiver, type Receiver } from '../../src/demo/receiver.js';
import { DEFAULT_PREFIX, laneStateKey } from '../../src/queue/keys.js';
import { suppressedAmong } from '../../src/queue/suppressions.js';
import type { QueueSink } from '../../src/queue/event-sink.js';
import { delivering, WRITE_KEY } from '../delivery/settings.js';
import { QueueRig, until } from '../queue/rig.js';
import { eventCall, rejectedCall, transaction } from '../queue/sample-calls.js';

const STATE = laneStateKey(DEFAULT_PREFIX, 'default', 0);

async function queue(sink: QueueSink, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n += 1) {
    await sink.offer(transaction(n, [eventCall(`m${n}`, { account: String(n) })]));
    await sink.flush();
  }
}

async function receiving(rig: QueueRig): Promise<Receiver> {
  const receiver = await startReceiver({ writeKeys: [WRITE_KEY], limitPerSecond: null });
  rig.onClose(async () => receiver.close());
  return receiver;
}

async function deliver(
  rig: QueueRig,
  host: string,
  settings: Partial<DeliverySettings> = {},
): Promise<string[]> {
  const stopped: string[] = [];
  const delivery = createDelivery({
    redis: rig.settings,
    sources: [delivering(host, settings)],
    // As in production: a lane that stands still would otherwise look again at once.
    probeIntervalMs: 60_000,
    observer: { stopped: (_source, _lane, code) => stopped.push(code) },
  });
  rig.onClose(async () => delivery.close({ graceMs: 100 }));
  await delivery.start();
  return stopped;
}

const arrived = (receiver: Receiver): string[] => receiver.events.map(({ messageId }) => messageId);

test('an idle sink notices within seconds that Redis was emptied, without any disconnect', async () => {
  await using rig = await QueueRig.open();
  const sink = await rig.sink();
  await queue(sink, 1, 2);
  await rig.client.flushall();
  await until(() => sink.failure !== null, 'the loss', 4_000);
  expect(sink.failure).toMatchObject({ code: 'QUEUE_LOST', action: 'retry' });
});

test('a sink that has queued nothing yet notices it, too', async () => {
  await using rig = await QueueRig.open();
  const sink = await rig.sink({ laneCheckMs: 20 });
  await rig.client.flushall();
  await until(() => sink.failure !== null, 'the loss', 4_000);
});

test('a checkpoint tells an emptied Redis, older data, and a healing that did not come to its end', async () => {
  await using rig = await QueueRig.open();
  const first = await rig.sink();
  await queue(first, 1, 2);
  const stored = first.laneSnapshot();
  await first.close();

  await rig.client.hset(STATE, 'queuedSeq', 1, 'pendingSeq', 1);
  const older = await rig.sink();
  await expect(older.compareWithCheckpoint(stored)).rejects.toMatchObject({ code: 'QUEUE_LOST' });
  await older.close();

  await rig.client.flushall();
  const emptied = await rig.sink();
  await expect(emptied.compareWithCheckpoint(stored)).rejects.toMatchObject({ code: 'QUEUE_LOST' });
  await emptied.renew(stored);
  // More jobs than the checkpoint knows, and then the process is killed.
  await queue(emptied, 1, 5);
  const healed = emptied.laneSnapshot();
  await emptied.close();

  const next = await rig.sink();
  await expect(next.compareWithCheckpoint(stored)).rejects.toMatchObject({ code: 'QUEUE_LOST' });
  await next.compareWithCheckpoint(healed);
});

test('after beginning anew jobs left over are passed over, and what is queued again arrives in order', async () => {
  await using rig = await QueueRig.open();
  const receiver = await receiving(rig);
  const first = await rig.sink();
  await queue(first, 1, 3);
  const stored = first.laneSnapshot();
  await first.close();
  const second = await rig.sink();
  await second.renew(stored);
  await queue(second, 1, 4);
  await deliver(rig, receiver.url);
  await receiver.waitUntil(() => receiver.counts.events >= 4);
  await until(async () => (await rig.jobs()).length === 0, 'an empty lane');
  expect(arrived(receiver)).toEqual(['m1', 'm2', 'm3', 'm4']);
});

test('a job in hand while its lane begins anew is not taken for the job that has its number now', async () => {
  await using rig = await QueueRig.open();
  const receiver = await receiving(rig);
  const first = await rig.sink();
  await queue(first, 1, 1);
  const stored = first.laneSnapshot();
  await first.close();
  let requests = 0;
  receiver.respondWith(() => {
    requests += 1;
    return requests <= 2 ? { tag: 'status', status: 503 } : null;
  });
  await deliver(rig, receiver.url);
  await until(() => requests >= 1, 'the job in hand');
  const second = await rig.sink();
  await second.renew(stored);
  await second.offer(transaction(1, [eventCall('other', { account: '1' })]));
  await second.flush();
  await receiver.waitUntil(() => arrived(receiver).includes('other'));
});

test('a worker with a job in hand when Redis is emptied goes on with what is queued next', async () => {
  await using rig = await QueueRig.open();
  const receiver = await receiving(rig);
  const first = await rig.sink();
  await queue(first, 1, 5);
  const stored = first.laneSnapshot();
  let emptied = false;
  receiver.respondWith(() => (emptied ? null : { tag: 'status', status: 503 }));
  const stopped = await deliver(rig, receiver.url);
  await until(() => receiver.counts.requests >= 1, 'the job in hand');
  await rig.client.flushall();
  await first.close();
  const second = await rig.sink();
  await second.renew(stored);
  emptied = true;
  await queue(second, 2, 9);
  await receiver.waitUntil(() => arrived(receiver).includes('m9'), 15_000);
  const again = arrived(receiver).filter((id) => id !== 'm1');
  expect([...new Set(again)]).toEqual(['m2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9']);
  expect(stopped).toEqual([]);
});

test('a job that arrives alone in an emptied Redis holds its lane up for no longer than it takes to heal', async () => {
  await using rig = await QueueRig.open();
  const receiver = await receiving(rig);
  const first = await rig.sink();
  await queue(first, 1, 3);
  const stored = first.laneSnapshot();
  await first.close();
  const [, , third] = await rig.jobs();
  const stray = rig.client.duplicate();
  rig.onClose(async () => void (await stray.quit()));
  await rig.client.flushall();
  const { LaneQueue } = await import('../../src/queue/lane-queue.js');
  const lane = new LaneQueue('default', 0, {
    client: stray,
    prefix: DEFAULT_PREFIX,
    onError: () => undefined,
  });
  if (third === undefined) throw new Error('three jobs were queued');
  await lane.add(`b3-${third.data.epoch}-late`, third.data);
  const stopped = await deliver(rig, receiver.url);
  await until(() => stopped.length > 0, 'the hole');
  expect(stopped).toEqual(['QUEUE_HOLE']);
  const second = await rig.sink();
  await second.renew(stored);
  await queue(second, 1, 3);
  await receiver.waitUntil(() => receiver.counts.events >= 3, 6_000);
  expect(arrived(receiver)).toEqual(['m1', 'm2', 'm3']);
  await lane.close();
});

test('a job missing in the middle is reported by the worker, and capture is told that the queue is lost', async () => {
  await using rig = await QueueRig.open();
  const receiver = await receiving(rig);
  const sink = await rig.sink();
  await queue(sink, 1, 3);
  const stored = sink.laneSnapshot();
  const head = (await rig.client.lrange(`${DEFAULT_PREFIX}:segment/default/0:wait`, -1, -1))[0] ?? '';
  await rig.client.lrem(`${DEFAULT_PREFIX}:segment/default/0:wait`, 1, head);
  await deliver(rig, receiver.url);
  await until(() => sink.failure !== null, 'the loss', 12_000);
  await sink.close();
  const next = await rig.sink();
  await expect(next.compareWithCheckpoint(stored)).rejects.toMatchObject({ code: 'QUEUE_LOST' });
  await next.renew(stored);
  await queue(next, 1, 3);
  await receiver.waitUntil(() => receiver.counts.events >= 3, 6_000);
  expect(arrived(receiver)).toEqual(['m1', 'm2', 'm3']);
});

test('dead letters of a suppressed guest are dropped, those set aside later too, and others stay', async () => {
  await using rig = await QueueRig.open();
  const sink = await rig.sink();
  const letters = rig.letters();
  const ofGuest = (id: string, guestId: string): ReturnType<typeof rejectedCall> => ({
    ...rejectedCall(id),
    guestId,
  });
  await sink.offer(transaction(1, [ofGuest('a1', 'a'), ofGuest('b1', 'b'), ofGuest('a2', 'a')]));
  await sink.flush();
  expect(await letters.count()).toBe(3);
  await sink.suppress(['a', 'nobody']);
  expect((await letters.list()).map(({ messageId }) => messageId)).toEqual(['b1']);
  await sink.offer(transaction(2, [ofGuest('a3', 'a'), ofGuest('b2', 'b')]));
  await sink.flush();
  expect((await letters.list()).map(({ messageId }) => messageId).sort()).toEqual(['b1', 'b2']);
  expect(await letters.drop('b1')).toBe(true);
  expect(await sink.suppressedCount()).toBe(2);
  expect(await suppressedAmong(rig.client, DEFAULT_PREFIX, ['a', 'b'])).toEqual(new Set(['a']));
});
