import type { RedisClient } from './redis.js';

/**
 * Guests of whom nothing may be sent any more, whatever is still queued: deleted or anonymised ones. Capture adds them
 * before it confirms the commit that removed them; delivery asks before every request.
 */
function key(prefix: string): string {
  return `${prefix}:suppressed-guests`;
}

export async function suppressGuests(
  client: RedisClient,
  prefix: string,
  guestIds: readonly string[],
): Promise<void> {
  if (guestIds.length > 0) await client.sadd(key(prefix), ...guestIds);
}

/** Which of these guests are suppressed. One round trip. */
export async function suppressedAmong(
  client: RedisClient,
  prefix: string,
  guestIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (guestIds.length === 0) return new Set();
  const flags = await client.smismember(key(prefix), ...guestIds);
  return new Set(guestIds.filter((_, index) => flags[index] === 1));
}

export async function countSuppressed(client: RedisClient, prefix: string): Promise<number> {
  return client.scard(key(prefix));
}
