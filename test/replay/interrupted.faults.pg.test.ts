import { expect, test } from 'vitest';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { eventually } from '../support/eventually.js';
import { kill, numberOf, replayRig, type ReplayRig } from './rig.js';
import { SHORT } from '../support/short-form.js';

async function deliveredPurchases(rig: ReplayRig, count: number): Promise<Set<string>> {
  await rig.connected(
    async () => {
      await rig.purchases(1, count);
      await rig.arrived(count);
    },
    { RATE_LIMIT_PER_SECOND: '100000' },
  );
  const ids = new Set(rig.receiver.events.map(({ messageId }) => messageId));
  rig.receiver.clear();
  return ids;
}

function replayed(rig: ReplayRig): Set<string> {
  return new Set(rig.receiver.events.map(({ messageId }) => messageId));
}

test('a replay killed with -9 resumes where Redis had it, loses nothing and repeats a second of it at most', async () => {
  // 1,500 events a second for side lanes, and so little room in Redis that the replay is in mid-stream when it is killed.
  await using rig = await replayRig({ RATE_LIMIT_PER_SECOND: '3000', QUEUE_BUDGET: '1MiB' });
  const ids = await deliveredPurchases(rig, 2_500);
  const child = rig.spawn('replay', '--from', rig.start, '--event', 'add_redeem', 'POS Activity');
  await eventually(() => rig.receiver.counts.events >= 2_000, 'the first replayed events', 30_000);
  await kill(child);
  const { rows } = await rig.db.sql<{ begun: boolean; over: boolean }>(
    'SELECT position > from_lsn AS begun, position >= to_lsn AS over FROM segment_connector.replay_run',
  );
  expect(rows).toEqual([{ begun: true, over: false }]);
  await rig.noCopyLeft();
  const before = rig.receiver.counts.events;
  expect(before).toBeLessThan(ids.size);

  const { exitCode, out, err } = await rig.replay('--resume');
  expect(err).toBe('');
  expect(exitCode).toBe(0);
  expect(out).toContain(
    `Resuming replay 1 (--from ${rig.start} --event "Add/Redeem" --event "POS Activity")`,
  );
  expect(replayed(rig)).toEqual(ids);
  // What was sent twice: what the killed process had queued since it last wrote how far it was, and one request.
  expect(rig.receiver.counts.duplicates).toBeLessThan(3_000);
  const nothingLeft = await rig.replay('--resume');
  expect(nothingLeft.err).toContain('there is no unfinished replay');
}, 120_000);

test.skipIf(SHORT)(
  'SIGTERM ends a replay in good order: started again with the same options it goes on, and sends nothing twice',
  async () => {
    await using rig = await replayRig({ RATE_LIMIT_PER_SECOND: '3000' });
    const ids = await deliveredPurchases(rig, 2_000);
    const child = rig.spawn('replay', '--from', rig.start);
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => void (said += chunk.toString()));
    await eventually(() => rig.receiver.counts.events >= 500, 'the first replayed events', 30_000);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(75);
    expect(said).toContain('paytronix-segment replay --resume');
    expect(rig.receiver.counts.events).toBeLessThan(ids.size);

    const { exitCode, out } = await rig.replay('--from', rig.start);
    expect(exitCode).toBe(0);
    expect(out).toContain('Resuming replay 1');
    expect(replayed(rig)).toEqual(ids);
    expect(rig.receiver.counts.duplicates).toBe(0);
  },
  120_000,
);

test('two replays of one slot do not run at once', async () => {
  await using rig = await replayRig({ RATE_LIMIT_PER_SECOND: '400' });
  await deliveredPurchases(rig, 500);
  const child = rig.spawn('replay', '--from', rig.start);
  await eventually(() => rig.receiver.counts.events > 0, 'the first replayed events', 30_000);
  const second = await rig.replay('--from', rig.start);
  expect(second.exitCode).toBe(70);
  expect(second.err).toContain('REPLAY_RUNNING');
  await kill(child);
  expect(rig.receiver.events.every((event) => numberOf(event) > 0)).toBe(true);
}, 60_000);

test('resumed on a Redis that was emptied meanwhile, a replay begins again: nothing of it is missing', async () => {
  await using rig = await replayRig({ RATE_LIMIT_PER_SECOND: '1000', QUEUE_BUDGET: '1MiB' });
  const ids = await deliveredPurchases(rig, 1_500);
  const child = rig.spawn('replay', '--from', rig.start);
  await eventually(() => rig.receiver.counts.events >= 1_000, 'the first replayed events', 30_000);
  await kill(child);
  const client = connectRedis({
    settings: { url: rig.redis.url, tls: null },
    use: 'worker',
    onError: () => undefined,
  });
  await client.flushall();
  await closeRedis(client);
  rig.receiver.clear();
  const { exitCode, err } = await rig.replay('--resume');
  expect([exitCode, err]).toEqual([0, '']);
  expect(replayed(rig)).toEqual(ids);
}, 60_000);
