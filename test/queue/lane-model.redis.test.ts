import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeRedis, connectRedis, type RedisClient } from '../../src/queue/redis.js';
import { runs } from '../support/fuzz-runs.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { LaneWorld, QUEUE_FATES, SEND_FATES } from './lane-world.js';

let redis: TestRedis;
let client: RedisClient;

beforeAll(async () => {
  redis = await testRedis({ appendOnly: false });
  const onError = (error: Error): void => {
    throw error;
  };
  client = connectRedis({ settings: { url: redis.url, tls: null }, use: 'worker', onError });
});
afterAll(async () => {
  await closeRedis(client);
  await redis.dispose();
});

type Command = fc.AsyncCommand<object, LaneWorld>;

function command(name: string, act: (world: LaneWorld) => Promise<void>): Command {
  return { check: () => true, run: async (_model, world) => act(world), toString: () => name };
}

const calls = fc.integer({ min: 1, max: 4 });
const which = fc.nat(3);

const queueing = fc
  .tuple(fc.constantFrom(0, 0, 0, 1, 2), calls, fc.constantFrom(...QUEUE_FATES))
  .map(([process, n, fate]) => command(`queue(${process}, ${n}, ${fate})`, (w) => w.queue(process, n, fate)));
const sending = fc
  .tuple(calls, fc.constantFrom('done' as const, ...SEND_FATES))
  .map(([n, fate]) => command(`send(${n}, ${fate})`, (w) => w.send(n, fate)));

const processes: fc.Arbitrary<Command>[] = [
  fc.constant(command('start', (w) => w.start())),
  queueing,
  queueing,
  calls.map((n) => command(`queue(0, ${n}, done)`, (w) => w.queue(0, n, 'done'))),
  which.map((i) => command(`check(${i})`, (w) => w.check(i))),
  fc.constant(command('checkpoint', (w) => w.checkpoint())),
  which.map((i) => command(`arriveLate(${i})`, (w) => w.arriveLate(i))),
  fc.constant(command('take', (w) => w.take())),
  fc.constant(command('take', (w) => w.take())),
  sending,
  sending,
  fc.tuple(which, calls).map(([i, n]) => command(`wake(${i}, ${n})`, (w) => w.wake(i, n))),
];

const losses: fc.Arbitrary<Command>[] = [
  fc.constant(command('emptyRedis', (w) => w.emptyRedis())),
  fc.constant(command('snapshot', (w) => w.snapshot())),
  fc.constant(command('restore', (w) => w.restore())),
  fc.boolean().map((head) => command(`moveAside(${head})`, (w) => w.moveAside(head))),
  fc.constant(command('putBack', (w) => w.putBack())),
];

async function holds(commands: Iterable<Command>): Promise<LaneWorld> {
  await client.flushall();
  const world = new LaneWorld(client);
  await world.start();
  await fc.asyncModelRun(() => ({ model: {}, real: world }), commands);
  await world.drain();
  return world;
}

test('processes killed, replaced, late or stalled at any step: every call arrives, none before its predecessor', async () => {
  const commands = fc.commands(processes, { maxCommands: 60, size: 'max' });
  await fc.assert(
    // Nothing was lost in Redis, so nothing may look as though it was: healing must not hide a hole of our own making.
    fc.asyncProperty(commands, async (given) => {
      expect((await holds(given)).missed).toBe(0);
    }),
    runs(250),
  );
});

test('also when Redis comes back empty or older, or jobs are moved by hand', async () => {
  const commands = fc.commands([...processes, ...losses], { maxCommands: 60, size: 'max' });
  await fc.assert(
    fc.asyncProperty(commands, async (given) => void (await holds(given))),
    runs(250),
  );
});

test('without a fault nothing arrives twice', async () => {
  const steps = fc.constantFrom('queue', 'take', 'send', 'checkpoint', 'check');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(steps, calls), { maxLength: 40 }), async (asked) => {
      await client.flushall();
      const world = new LaneWorld(client);
      await world.start();
      for (const [step, n] of asked) {
        if (step === 'queue') await world.queue(0, n, 'done');
        else if (step === 'send') await world.send(n, 'done');
        else if (step === 'take') await world.take();
        else if (step === 'checkpoint') await world.checkpoint();
        else await world.check(0);
      }
      await world.drain();
      expect(world.doubled).toBe(0);
    }),
    runs(60),
  );
});
