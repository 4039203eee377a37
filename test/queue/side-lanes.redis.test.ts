import { expect, test } from 'vitest';
import { createDelivery } from '../../src/delivery/delivery.js';
import { startReceiver } from '../../src/demo/receiver.js';
import { BACKFILL_LANE, laneLabel, REPLAY_LANE } from '../../src/queue/side-lanes.js';
import { createSideSink } from '../../src/queue/side-sink.js';
import type { QueueSink } from '../../src/queue/event-sink.js';
import { delivering, WRITE_KEY } from '../delivery/settings.js';
import { QueueRig, range, until } from './rig.js';
import { eventCall, transaction } from './sample-calls.js';

async function sideSink(rig: QueueRig, lane: typeof REPLAY_LANE | typeof BACKFILL_LANE): Promise<QueueSink> {
  const sink = createSideSink({ redis: rig.settings, lane, sources: ['default'], pollMs: 20 });
  rig.onClose(async () => sink.close());
  await sink.start();
  return sink;
}

async function offer(sink: QueueSink, position: number, ids: readonly string[]): Promise<void> {
  const calls = ids.map((id, i) => eventCall(id, { key: String(i + 1), account: id.replace(/\D/g, '') }));
  await sink.offer(transaction(position, calls));
}

test('a side sink queues everything of every account into its one lane, beside the live lanes', async () => {
  await using rig = await QueueRig.open();
  const live = await rig.sink({ sources: [{ name: 'default', lanes: 4 }] });
  await offer(live, 1, ['l1']);
  const replay = await sideSink(rig, REPLAY_LANE);
  await offer(replay, 1, ['m1', 'm2', 'm3', 'm4', 'm5']);
  await Promise.all([live.flush(), replay.flush()]);
  expect(await rig.messageIds(REPLAY_LANE)).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']);
  expect(await rig.messageIds(BACKFILL_LANE)).toEqual([]);
  expect(Object.keys(replay.laneSnapshot())).toEqual([`default/${REPLAY_LANE}`]);
});

test('no mark skips what a later run offers again, at positions before or at the last ones', async () => {
  await using rig = await QueueRig.open();
  const first = await sideSink(rig, REPLAY_LANE);
  await offer(first, 9, ['m9']);
  await first.flush();
  await first.close();
  const second = await sideSink(rig, REPLAY_LANE);
  await offer(second, 8, ['m8']);
  await offer(second, 9, ['m9']);
  await offer(second, 0, ['m0']);
  await second.flush();
  expect(await rig.messageIds(REPLAY_LANE)).toEqual(['m9', 'm8', 'm9', 'm0']);
  expect((await rig.jobs(REPLAY_LANE)).map(({ data }) => data.seq)).toEqual([1, 2]);
});

test('the earlier of two runs in one side lane ends, the later goes on', async () => {
  await using rig = await QueueRig.open();
  const first = await sideSink(rig, REPLAY_LANE);
  const second = await sideSink(rig, REPLAY_LANE);
  await offer(second, 1, ['m1']);
  await second.flush();
  await expect(offer(first, 2, ['m2']).then(async () => first.flush())).rejects.toMatchObject({
    code: 'LANE_TAKEN',
  });
  expect(await rig.messageIds(REPLAY_LANE)).toEqual(['m1']);
});

test('delivery serves side lanes at half the rate together, and live events pass them', async () => {
  await using rig = await QueueRig.open();
  const receiver = await startReceiver({ writeKeys: [WRITE_KEY], limitPerSecond: null });
  rig.onClose(async () => receiver.close());
  const live = await rig.sink();
  for (const [lane, letter] of [
    [REPLAY_LANE, 'r'],
    [BACKFILL_LANE, 'b'],
  ] as const) {
    const sink = await sideSink(rig, lane);
    await offer(
      sink,
      1,
      range(1, 150).map((n) => `${letter}${n}`),
    );
    await sink.flush();
  }
  const delivery = createDelivery({
    redis: rig.settings,
    sources: [delivering(receiver.url, { rateLimitPerSecond: 200 })],
  });
  rig.onClose(async () => delivery.close({ graceMs: 100 }));
  await delivery.start();
  await receiver.waitUntil(() => receiver.counts.events >= 20);
  const latenciesMs: number[] = [];
  for (const n of range(1, 8)) {
    const queuedAtMs = Date.now();
    await offer(live, n, [`l${n}`]);
    await until(() => receiver.events.some((event) => event.messageId === `l${n}`), `l${n} arrived`);
    latenciesMs.push(Date.now() - queuedAtMs);
  }
  await receiver.waitUntil(() => receiver.counts.events >= 308);
  const sideAtMs = receiver.events
    .filter((event) => !event.messageId.startsWith('l'))
    .map((event) => event.arrivedAtMs);
  const spanMs = (sideAtMs.at(-1) ?? 0) - (sideAtMs[0] ?? 0);
  // 300 calls at 100 a second; in requests of 10, of which the first costs nothing.
  expect(spanMs).toBeGreaterThan(2_700);
  // Behind them it would be three seconds.
  expect(Math.max(...latenciesMs)).toBeLessThan(1_500);
});

test('a command serves its own side lane and leaves the others alone', async () => {
  await using rig = await QueueRig.open();
  const receiver = await startReceiver({ writeKeys: [WRITE_KEY], limitPerSecond: null });
  rig.onClose(async () => receiver.close());
  const live = await rig.sink();
  await offer(live, 1, ['l1']);
  await live.flush();
  const replay = await sideSink(rig, REPLAY_LANE);
  await offer(replay, 1, ['r1']);
  await replay.flush();
  const delivery = createDelivery({
    redis: rig.settings,
    // A number of lanes that is not the stored one: the command has nothing to do with live lanes.
    sources: [delivering(receiver.url, { lanes: 3 })],
    onlyLane: REPLAY_LANE,
  });
  rig.onClose(async () => delivery.close({ graceMs: 100 }));
  await delivery.start();
  await receiver.waitUntil(() => receiver.counts.events >= 1);
  await delivery.close({ graceMs: 1_000 });
  expect(receiver.events.map((event) => event.messageId)).toEqual(['r1']);
  expect(await rig.messageIds(0)).toEqual(['l1']);
});

test('side lanes have names of their own', () => {
  expect([0, 7, REPLAY_LANE, BACKFILL_LANE].map(laneLabel)).toEqual(['0', '7', 'replay', 'backfill']);
});
