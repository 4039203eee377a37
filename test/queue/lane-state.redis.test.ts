import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readProgress, reportHole } from '../../src/queue/lane-progress.js';
import {
  checkLane,
  renewLane,
  takeLane,
  viewLane,
  writeIntent,
  type LaneStep,
} from '../../src/queue/lane-state.js';
import { closeRedis, connectRedis, type RedisClient } from '../../src/queue/redis.js';
import { testRedis, type TestRedis } from '../support/redis.js';

const KEYS = { state: 'p:lane:default:0', jobPrefix: 'p:segment/default/0:' };
const NONE: LaneStep = { seq: 0, id: '', mark: '', queuedBytes: 0 };

let redis: TestRedis;
let client: RedisClient;

beforeAll(async () => {
  redis = await testRedis();
  client = connectRedis({
    settings: { url: redis.url, tls: null },
    use: 'worker',
    onError: (error) => {
      throw error;
    },
  });
});
afterAll(async () => {
  await closeRedis(client);
  await redis.dispose();
});
beforeEach(async () => {
  await client.flushall();
});

function step(seq: number, nonce = 'x'): LaneStep {
  return { seq, id: `b${seq}-${nonce}`, mark: `0/${seq}|0|4|1|1`, queuedBytes: seq * 100 };
}

async function addJob(of: LaneStep): Promise<void> {
  await client.hset(KEYS.jobPrefix + of.id, 'data', '{}');
}

async function removeJob(of: LaneStep): Promise<void> {
  await client.del(KEYS.jobPrefix + of.id);
}

test('a crash before the intent, between intent and add, and after the add: the seq goes on without hole or double', async () => {
  const first = await takeLane(client, KEYS);
  expect(first).toMatchObject({ queuedSeq: 0, mark: null });
  await writeIntent(client, KEYS, { epoch: first.epoch, previous: NONE, next: step(1) });
  // The intent is there, the job is not: it counts as never queued.
  const second = await takeLane(client, KEYS);
  expect(second).toMatchObject({ queuedSeq: 0, mark: null, queuedBytes: 0 });
  await writeIntent(client, KEYS, { epoch: second.epoch, previous: NONE, next: step(1) });
  await addJob(step(1));
  // The job is there, its confirmation was never seen.
  const third = await takeLane(client, KEYS);
  expect(third).toMatchObject({ queuedSeq: 1, queuedBytes: 100, mark: { endLsn: 1n } });
  const epochs = [first, second, third].map(({ epoch }) => epoch);
  expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
});

test('a job that was delivered and removed before the restart counts as queued', async () => {
  const { epoch } = await takeLane(client, KEYS);
  await writeIntent(client, KEYS, { epoch, previous: NONE, next: step(1) });
  await client.hset(KEYS.state, 'deliveredSeq', 1);
  expect(await takeLane(client, KEYS)).toMatchObject({ queuedSeq: 1, deliveredSeq: 1, mark: { endLsn: 1n } });
});

test('repeating an intent after a lost answer changes nothing', async () => {
  const { epoch } = await takeLane(client, KEYS);
  const intent = { epoch, previous: NONE, next: step(1) };
  expect(await writeIntent(client, KEYS, intent)).toMatchObject({ tag: 'ok' });
  expect(await writeIntent(client, KEYS, intent)).toMatchObject({ tag: 'ok' });
  await addJob(step(1));
  expect(await writeIntent(client, KEYS, intent)).toMatchObject({ tag: 'ok' });
  const second = { epoch, previous: step(1), next: step(2) };
  expect(await writeIntent(client, KEYS, second)).toMatchObject({ tag: 'ok' });
  expect(await client.hget(KEYS.state, 'queuedSeq')).toBe('1');
});

test('a replaced producer can write no intent, and its late job belongs to an epoch that no longer counts', async () => {
  const replaced = await takeLane(client, KEYS);
  const late = { epoch: replaced.epoch, previous: NONE, next: step(1, 'old') };
  await writeIntent(client, KEYS, late);
  const taken = await takeLane(client, KEYS);
  // The add of the old process arrives only now, after its seq was given out again.
  await addJob(step(1, 'old'));
  expect(await writeIntent(client, KEYS, late)).toEqual({ tag: 'taken' });
  await writeIntent(client, KEYS, { epoch: taken.epoch, previous: NONE, next: step(1, 'new') });
  const { epochs } = await readProgress(client, KEYS.state);
  expect(epochs).toEqual([{ epoch: taken.epoch, fromSeq: 1 }]);
});

test('epochs are kept as far back as jobs of theirs may wait, and no further', async () => {
  let previous = NONE;
  const taken: number[] = [];
  for (let seq = 1; seq <= 5; seq += 1) {
    const { epoch } = await takeLane(client, KEYS);
    taken.push(epoch);
    if (previous !== NONE) previous = { ...previous, id: '' };
    const next = step(seq, String(seq));
    await writeIntent(client, KEYS, { epoch, previous, next });
    await addJob(next);
    previous = next;
  }
  const kept = (from: number): object[] =>
    taken.map((epoch, i) => ({ epoch, fromSeq: i + 1 })).slice(from - 1);
  expect((await readProgress(client, KEYS.state)).epochs).toEqual(kept(1));
  await client.hset(KEYS.state, 'deliveredSeq', 3);
  taken.push((await takeLane(client, KEYS)).epoch);
  expect((await readProgress(client, KEYS.state)).epochs).toEqual(kept(4));
});

test('an epoch that Redis has forgotten is not given again: a job of it may still be on its way', async () => {
  let collisions = 0;
  for (let round = 0; round < 5; round += 1) {
    const known = await takeLane(client, KEYS);
    const unknown = await takeLane(client, KEYS);
    await client.flushall();
    const { epoch } = await takeLane(client, KEYS);
    const renewed = await renewLane(client, KEYS, { epoch, knownEpoch: known.epoch, run: 1 });
    expect(renewed?.epoch).toBeGreaterThan(Math.max(known.epoch, epoch));
    if (renewed?.epoch === unknown.epoch) collisions += 1;
  }
  // Steps are random: one in tens of thousands may fall together.
  expect(collisions).toBeLessThan(2);
});

test('a Redis that lost the last job, the hash, or went back in time is noticed', async () => {
  const { epoch } = await takeLane(client, KEYS);
  await writeIntent(client, KEYS, { epoch, previous: NONE, next: step(1) });
  await addJob(step(1));
  await writeIntent(client, KEYS, { epoch, previous: step(1), next: step(2) });
  await addJob(step(2));
  const state = { epoch, previous: step(2) };
  expect(await checkLane(client, KEYS, state)).toMatchObject({ tag: 'ok' });
  await removeJob(step(2));
  expect(await checkLane(client, KEYS, state)).toEqual({ tag: 'lost', seq: 1, mark: '0/1|0|4|1|1' });
  await client.hset(KEYS.state, 'deliveredSeq', 2);
  expect(await checkLane(client, KEYS, state)).toMatchObject({ tag: 'ok', deliveredSeq: 2 });
  await client.hset(KEYS.state, { pendingSeq: 1, pendingId: step(1).id, queuedSeq: 0 });
  expect(await checkLane(client, KEYS, state)).toMatchObject({ tag: 'lost', seq: 0 });
  await client.flushall();
  expect(await checkLane(client, KEYS, state)).toEqual({ tag: 'lost', seq: 0, mark: null });
});

test('a hole seen in one history is not reported to the next, which would begin the lane anew once more', async () => {
  const { epoch } = await takeLane(client, KEYS);
  const seen = { seq: 2, epoch };
  await reportHole(client, KEYS.state, seen, 1);
  expect(await viewLane(client, KEYS.state)).toMatchObject({ hole: true });
  await renewLane(client, KEYS, { epoch, knownEpoch: epoch, run: epoch + 1 });
  await reportHole(client, KEYS.state, seen, 1);
  expect(await viewLane(client, KEYS.state)).toMatchObject({ hole: false });
  expect(await readProgress(client, KEYS.state)).toMatchObject({ run: epoch + 1 });
});
