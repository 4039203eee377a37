import { afterAll, beforeAll, test } from 'vitest';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { slotOf } from '../support/captured.js';
import { system, type System } from '../support/system.js';
import { failpointEnv, inherits, killedInBusiness, SLOT_PLACES, type Place } from './killed.js';
import { sampled } from '../support/short-form.js';

let brand: System;

beforeAll(async () => {
  brand = await system({ seed: 63, ratePerSecond: 100 });
  await brand.business(1);
  await inherits(brand);
});
afterAll(async () => brand[Symbol.asyncDispose]());

async function flush(): Promise<void> {
  const settings = { url: brand.redis.url, tls: null };
  const client = connectRedis({ settings, use: 'worker', onError: () => undefined });
  await client.flushall();
  await closeRedis(client);
}

/** Calls that are queued, and not delivered. */
async function backlog(): Promise<void> {
  brand.receiver.respondWith(() => ({ tag: 'status', status: 503 }));
  const connector = brand.run('all');
  await connector.logged('capture is streaming');
  await brand.business(1);
  await connector.end('SIGTERM');
  brand.receiver.respondWith(null);
}

/** Brings about what the failpoint lies in; gives what the process needs to know. */
async function situation({ at }: Place): Promise<Readonly<Record<string, string>>> {
  switch (at as string) {
    case 'lanes-renewed':
    case 'healing-queued':
      await backlog();
      await flush();
      return {};
    case 'replay-slot-copied':
      await brand.db.sql('SELECT pg_drop_replication_slot($1)', [`${slotOf(brand.db)}_replay`]);
      return {};
    case 'replay-slot-advanced':
      return { REPLAY_RETENTION: '0s' };
    case 'replay-slot-dropped':
      // Past its limit, with a call that is not delivered: the window cannot be shortened instead.
      await backlog();
      brand.receiver.respondWith(() => ({ tag: 'status', status: 503 }));
      for (let mib = 0; mib < 80; mib += 1) {
        await brand.db.sql(`SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1048576))`);
      }
      return { REPLAY_MAX_WAL: '64MiB' };
    default:
      throw new RangeError(`no situation for ${at}`);
  }
}

test.each(sampled(SLOT_PLACES))(
  'killed at $at, the next process goes on, and nothing is lost',
  async (place) => {
    const env = await situation(place);
    const victim = brand.run('all', { ...env, ...failpointEnv(place) });
    await killedInBusiness(brand, victim);
    brand.receiver.respondWith(null);
    await inherits(brand);
  },
  180_000,
);
