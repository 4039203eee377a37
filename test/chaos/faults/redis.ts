import { closeRedis, connectRedis, type RedisClient } from '../../../src/queue/redis.js';
import { freeze } from '../../support/frozen.js';
import type { Fault } from '../fault.js';
import type { Site } from '../site.js';

export async function onRedis<T>(
  site: Pick<Site, 'redis'>,
  work: (client: RedisClient) => Promise<T>,
): Promise<T> {
  const settings = { url: site.redis.url, tls: null };
  const client = connectRedis({ settings, use: 'worker', onError: () => undefined });
  try {
    return await work(client);
  } finally {
    await closeRedis(client);
  }
}

export const REDIS_FAULTS: readonly Fault[] = [
  {
    name: 'redis-kill',
    area: 'redis',
    weight: 3,
    // What AOF with everysec had not written is queued again.
    doubles: 'backlog',
    strike: async ({ site, random, sleep }) => {
      const ms = random.int(0, 3_000);
      await site.redis.kill();
      await sleep(ms);
      await site.redis.start();
      return `down for ${ms} ms`;
    },
  },
  {
    name: 'redis-freeze',
    area: 'redis',
    weight: 3,
    doubles: 'request',
    strike: async ({ site, random, sleep }) => {
      const ms = random.int(500, 12_000);
      const frozen = await freeze(site.redis);
      await sleep(ms);
      await frozen.thaw();
      return `for ${ms} ms`;
    },
  },
  {
    name: 'redis-full',
    area: 'redis',
    weight: 2,
    doubles: 'request',
    strike: async ({ site, random, sleep }) => {
      const ms = random.int(1_000, 6_000);
      const room = random.int(0, 200_000);
      await onRedis(site, async (client) => {
        const used = Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
        await client.config('SET', 'maxmemory', String(used + room));
        await sleep(ms);
        await client.config('SET', 'maxmemory', '0');
      });
      return `${room} bytes of room for ${ms} ms`;
    },
  },
  {
    name: 'flushall',
    area: 'redis',
    weight: 1,
    doubles: 'backlog',
    strike: async ({ site }) => {
      await onRedis(site, (client) => client.flushall());
      return 'emptied';
    },
  },
];
