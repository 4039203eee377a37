import type { RedisClient } from '../../../src/queue/redis.js';
import { freeze } from '../../support/frozen.js';
import { IN_FLIGHT, IN_FLIGHT_TWICE, hit, missed, type Doubt, type Fault } from '../fault.js';
import { onRedis } from '../on-redis.js';
import { hasForgotten, laneCounts } from '../queue-losses.js';

const OUT_OF_MEMORY = /^errorstat_OOM:count=(\d+)/m;

async function refusedWrites(client: RedisClient): Promise<number> {
  return Number(OUT_OF_MEMORY.exec(await client.info('errorstats'))?.[1] ?? 0);
}

export const REDIS_FAULTS: readonly Fault[] = [
  {
    name: 'redis-kill',
    area: 'redis',
    weight: 3,
    strike: async ({ site, random, sleep }) => {
      const ms = random.int(0, 3_000);
      const known = await site.losses.before();
      const before = await onRedis(site, laneCounts);
      const atMs = Date.now();
      await site.redis.kill();
      await sleep(ms);
      await site.redis.start();
      // What AOF with everysec had not written is gone.
      const isForgetful = hasForgotten(before, await onRedis(site, laneCounts));
      if (isForgetful) site.letters.lostAround(atMs);
      const doubt: Doubt = isForgetful ? { tag: 'queue', lost: site.losses.watch(known) } : IN_FLIGHT;
      const did = `down for ${ms} ms, ${isForgetful ? 'forgot its last second' : 'forgot nothing'}`;
      return hit(did, { doubt, interruptsCapture: true });
    },
  },
  {
    name: 'redis-freeze',
    area: 'redis',
    weight: 3,
    strike: async ({ site, random, sleep }) => {
      const ms = random.int(500, 12_000);
      const frozen = await freeze(site.redis);
      await sleep(ms);
      await frozen.thaw();
      return hit(`for ${ms} ms`, { doubt: IN_FLIGHT_TWICE, interruptsCapture: true });
    },
  },
  {
    name: 'redis-full',
    area: 'redis',
    weight: 2,
    strike: async ({ site, random, sleep }) => {
      const ms = random.int(1_000, 6_000);
      const room = random.int(0, 200_000);
      const refused = await onRedis(site, async (client) => {
        const before = await refusedWrites(client);
        const used = Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
        await client.config('SET', 'maxmemory', String(used + room));
        await sleep(ms);
        await client.config('SET', 'maxmemory', '0');
        return (await refusedWrites(client)) - before;
      });
      const did = `${room} bytes of room for ${ms} ms, ${refused} writes refused`;
      return refused === 0 ? missed(did) : hit(did, { doubt: IN_FLIGHT_TWICE, interruptsCapture: true });
    },
  },
  {
    name: 'flushall',
    area: 'redis',
    weight: 1,
    strike: async ({ site }) => {
      const known = await site.losses.before();
      const letters = await site.letters.readAndEmpty();
      const lost = site.losses.watch(known);
      const behindMs = known.up_to_ms === null ? null : Math.round(Date.now() - known.up_to_ms);
      return hit(`emptied, with ${letters} letters; delivered up to ${behindMs ?? '?'} ms before`, {
        doubt: { tag: 'queue', lost },
        interruptsCapture: true,
      });
    },
  },
];
