import type { RedisClient } from './redis.js';

/**
 * Which sources an operator has paused: left in Redis for every process that delivers. The hash is never empty, so that a Redis
 * that was emptied is told from one in which nothing is paused.
 */
function key(prefix: string): string {
  return `${prefix}:paused`;
}

/** No source is called so. */
const SENTINEL = '.';

/** Names, and since when in milliseconds since 1970; null: Redis does not know. */
export async function readPaused(
  client: RedisClient,
  prefix: string,
): Promise<ReadonlyMap<string, number> | null> {
  const fields = Object.entries(await client.hgetall(key(prefix)));
  if (fields.length === 0) return null;
  return new Map(
    fields.flatMap(([name, since]) => (name === SENTINEL ? [] : [[name, Number(since)] as const])),
  );
}

/** @param sinceMs null: it is not paused. */
export async function writePaused(
  client: RedisClient,
  prefix: string,
  source: string,
  sinceMs: number | null,
): Promise<void> {
  if (sinceMs === null) {
    await client.hset(key(prefix), SENTINEL, '0');
    await client.hdel(key(prefix), source);
    return;
  }
  // In one: a Redis that was emptied must not say in between that nothing is paused.
  await client.hset(key(prefix), SENTINEL, '0', source, String(sinceMs));
}
