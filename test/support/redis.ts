import { PrivateRedis, type PrivateRedisOptions } from '../../src/demo/private-redis.js';

export type TestRedis = PrivateRedis;

/** A Redis of the test's own. `await using redis = await testRedis()`. */
export async function testRedis(options: PrivateRedisOptions = {}): Promise<TestRedis> {
  return PrivateRedis.launch(options);
}
