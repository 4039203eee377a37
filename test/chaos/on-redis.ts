import { closeRedis, connectRedis, type RedisClient } from '../../src/queue/redis.js';
import type { Site } from './site.js';

/** Of the run's own connections, to tell them from the connector's. */
export const RUN_NAME = 'chaos';

/** A connection for one piece of work, past all proxies. */
export async function onRedis<T>(
  site: Pick<Site, 'redis'>,
  work: (client: RedisClient) => Promise<T>,
): Promise<T> {
  const settings = { url: site.redis.url, tls: null };
  const client = connectRedis({ settings, use: 'worker', name: RUN_NAME, onError: () => undefined });
  try {
    return await work(client);
  } finally {
    await closeRedis(client);
  }
}
