import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULT_PREFIX, laneStateKey } from '../../src/queue/keys.js';
import { countListed, PublishedGuests, publishListed } from '../../src/queue/listed-guests.js';
import { SuppressionCheck } from '../../src/queue/suppression-check.js';
import { suppressGuests } from '../../src/queue/suppressions.js';
import { TallyBox } from '../../src/queue/tally-box.js';
import { TALLY_CHANNELS } from '../../src/queue/tally.js';
import { messageHash } from '../../src/queue/message-hash.js';
import { sumOf } from '../../src/reconcile/decode.js';
import { GuestSet } from '../../src/suppression/guest-set.js';
import { ListFile } from '../../src/suppression/list-file.js';
import { setOf } from '../suppression/sets.js';
import { QueueRig, range, until } from './rig.js';
import { eventCall, rejectedCall, transaction } from './sample-calls.js';

const VERSIONS = `${DEFAULT_PREFIX}:listed-guests`;

async function publish(rig: QueueRig, guests: GuestSet, ...sources: string[]): Promise<boolean> {
  return publishListed(
    { prefix: DEFAULT_PREFIX, sources, patiently: async (step) => step(rig.client) },
    guests,
  );
}

function checkOf(rig: QueueRig, source = 'default', own: GuestSet | null = GuestSet.NONE): SuppressionCheck {
  const published = new PublishedGuests(rig.client, DEFAULT_PREFIX);
  return new SuppressionCheck({
    client: rig.client,
    prefix: DEFAULT_PREFIX,
    source,
    published,
    listed: { guests: own },
  });
}

test('what capture publishes holds at once and whole; who is taken off is let through, who was deleted is not', async () => {
  await using rig = await QueueRig.open();
  const check = checkOf(rig);
  const asked = ['1', '2', '3', '4'];
  expect(await check.among(asked)).toEqual(new Set());
  await suppressGuests(rig.client, DEFAULT_PREFIX, ['1']);
  expect(await publish(rig, setOf('1', '2', '3'), 'default')).toBe(true);
  expect(await check.among(asked)).toEqual(new Set(['1', '2', '3']));
  expect(await publish(rig, setOf('3', '2', '1'), 'default')).toBe(false);
  expect(await publish(rig, setOf('3'), 'default')).toBe(true);
  expect(await check.among(asked)).toEqual(new Set(['1', '3']));
  expect(await publish(rig, GuestSet.NONE, 'default')).toBe(true);
  expect(await check.among(asked)).toEqual(new Set(['1']));
  expect(await rig.client.keys(`${VERSIONS}*`)).toEqual([VERSIONS]);
});

test('each source has the list of its capture, and pages go with the last source they hold for', async () => {
  await using rig = await QueueRig.open();
  await publish(rig, setOf('1'), 'a', 'b');
  await publish(rig, setOf('2'), 'b');
  const [a, b, c] = [checkOf(rig, 'a'), checkOf(rig, 'b'), checkOf(rig, 'c')];
  const among = async (): Promise<string[][]> =>
    Promise.all([a, b, c].map(async (check) => [...(await check.among(['1', '2']))]));
  expect(await among()).toEqual([['1'], ['2'], []]);
  expect(await rig.client.ttl(`${VERSIONS}:${setOf('1').version}`)).toBe(-1);
  await publish(rig, setOf('2'), 'a');
  expect(await among()).toEqual([['2'], ['2'], []]);
  expect(await rig.client.exists(`${VERSIONS}:${setOf('1').version}`)).toBe(0);
  expect(await countListed(rig.client, DEFAULT_PREFIX, ['a', 'b', 'c'])).toBe(1);
  expect(await countListed(rig.client, DEFAULT_PREFIX, ['c'])).toBeNull();
});

test('an emptied Redis takes nobody off, and is given the list again', async () => {
  await using rig = await QueueRig.open();
  const check = checkOf(rig);
  await publish(rig, setOf('1'), 'default');
  expect(await check.among(['1'])).toEqual(new Set(['1']));
  await rig.client.flushall();
  expect(await check.among(['1'])).toEqual(new Set(['1']));
  expect(await publish(rig, setOf('1'), 'default')).toBe(true);
  expect(await checkOf(rig).among(['1'])).toEqual(new Set(['1']));
  // The pages alone are gone: a list that is not whole lets nothing pass.
  await rig.client.del(`${VERSIONS}:${setOf('1').version}`);
  await expect(checkOf(rig).among(['1'])).rejects.toThrow('not whole');
  expect(await publish(rig, setOf('1'), 'default')).toBe(true);
  expect(await checkOf(rig).among(['1'])).toEqual(new Set(['1']));
});

test('a list that was not published to the end does not hold, and goes by itself', async () => {
  await using rig = await QueueRig.open();
  await publish(rig, setOf('1'), 'default');
  let steps = 0;
  const killed = publishListed(
    {
      prefix: DEFAULT_PREFIX,
      sources: ['default'],
      patiently: async (step) => {
        // The versions, the pages of before, a page; then the process is gone.
        steps += 1;
        if (steps > 3) throw new Error('killed');
        return step(rig.client);
      },
    },
    setOf('2'),
  );
  await expect(killed).rejects.toThrow('killed');
  expect(await checkOf(rig).among(['1', '2'])).toEqual(new Set(['1']));
  expect(await rig.client.ttl(`${VERSIONS}:${setOf('2').version}`)).toBeGreaterThan(0);
});

test('a million guests are read, published and looked up within some megabytes', async () => {
  await using rig = await QueueRig.open();
  const directory = await mkdtemp(join(tmpdir(), 'million-'));
  try {
    const path = join(directory, 'guests');
    await writeFile(
      path,
      range(1, 1_000_000)
        .map((n) => `guest-${n}`)
        .join('\n'),
    );
    const heldBefore = process.memoryUsage().arrayBuffers;
    const look = await new ListFile(path).look();
    if (look.tag !== 'read') throw new Error(look.tag);
    expect(look.guests.size).toBe(1_000_000);
    await publish(rig, look.guests, 'default');
    const usage = await rig.client.memory('USAGE', `${VERSIONS}:${look.guests.version}`, 'SAMPLES', 0);
    expect(usage).toBeLessThan(12 * 1024 * 1024);
    const check = checkOf(rig);
    const asked = ['guest-1', 'guest-500000', 'guest-1000000', 'guest-0', 'guest-1000001'];
    expect(await check.among(asked)).toEqual(new Set(asked.slice(0, 3)));
    // What was read here, and what the other side read: 8 MB each, and what is not collected yet.
    expect(process.memoryUsage().arrayBuffers - heldBefore).toBeLessThan(120 * 1024 * 1024);
  } finally {
    await rm(directory, { recursive: true });
  }
});

const STATE = laneStateKey(DEFAULT_PREFIX, 'default', 0);
const listed = { guests: setOf('g2') };

async function suppressedCount(rig: QueueRig): Promise<{ count: number; sum: bigint }> {
  const batches = await new TallyBox(rig.client, DEFAULT_PREFIX, 'default').read();
  const tallies = batches.flatMap((batch) => batch.tallies);
  return tallies
    .filter(({ channel }) => channel === TALLY_CHANNELS.suppressed)
    .reduce((sum, each) => ({ count: sum.count + each.count, sum: BigInt.asIntN(64, sum.sum + each.sum) }), {
      count: 0,
      sum: 0n,
    });
}

test('calls of a listed guest are counted instead of queued, and their transactions settle', async () => {
  await using rig = await QueueRig.open();
  const suppressed: string[] = [];
  const sink = await rig.sink({
    listed,
    observer: { suppressed: (_source, calls) => suppressed.push(...calls.map(({ name }) => name)) },
  });
  const settled: number[] = [];
  const rejected = { ...rejectedCall('r2'), guestId: 'g2' };
  await sink.offer(
    transaction(1, [eventCall('m1'), eventCall('m2', { account: '2', key: '2' })], () => settled.push(1)),
  );
  await sink.offer(transaction(2, [eventCall('n2', { account: '2' }), rejected], () => settled.push(2)));
  await sink.flush();
  expect(settled).toEqual([1, 2]);
  expect(await rig.messageIds()).toEqual(['m1']);
  expect(await rig.letters().count()).toBe(0);
  expect(await suppressedCount(rig)).toEqual(sumOf(['m2', 'n2', 'r2'].map(messageHash)));
  expect(suppressed).toHaveLength(3);
});

test('what was passed over is counted once over restarts, whether or not the lane’s mark covers it', async () => {
  await using rig = await QueueRig.open();
  const offerAll = async (from: number, to: number): Promise<void> => {
    const sink = await rig.sink({ listed });
    for (const n of range(from, to)) {
      await sink.offer(transaction(n, [eventCall(`m${n}`), eventCall(`x${n}`, { account: '2', key: '2' })]));
    }
    await sink.flush();
    await sink.close();
  };
  await offerAll(1, 20);
  await offerAll(1, 20);
  await offerAll(10, 30);
  const passedOver = range(1, 30).map((n) => `x${n}`);
  expect(await suppressedCount(rig)).toEqual(sumOf(passedOver.map(messageHash)));
  expect(await rig.messageIds()).toEqual(range(1, 30).map((n) => `m${n}`));
});

test('while Redis is away nothing that is passed over settles; a lane that was taken counts nothing', async () => {
  await using rig = await QueueRig.open({ settings: { appendfsync: 'always' } });
  let waiting = 0;
  const sink = await rig.sink({ listed, observer: { waiting: () => (waiting += 1) } });
  await rig.redis.kill();
  let settled = false;
  await sink.offer(transaction(1, [eventCall('x1', { account: '2' })], () => (settled = true)));
  await until(() => waiting > 0, 'waiting for redis');
  expect(settled).toBe(false);
  await rig.redis.start();
  await sink.flush();
  expect(settled).toBe(true);

  await rig.client.hincrby(STATE, 'epoch', 1);
  await sink.offer(transaction(2, [eventCall('x2', { account: '2' })]));
  await expect(sink.flush()).rejects.toMatchObject({ code: 'LANE_TAKEN' });
  expect(await suppressedCount(rig)).toEqual(sumOf([messageHash('x1')]));
});
