import { expect, test } from 'vitest';

import { testDatabase } from '../support/postgres.js';
import { testRedis } from '../support/redis.js';

test('a test database has both schemas and is gone when closed', async () => {
  await using pg = await testDatabase();
  const { rows } =
    await pg.sql(`SELECT count(*)::int AS n FROM pg_class c JOIN pg_namespace s ON s.oid = relnamespace
    WHERE nspname IN ('loyalty', 'txn', 'survey', 'segment_connector') AND relkind IN ('r', 'p')`);
  expect(rows[0]?.['n']).toBeGreaterThan(40);
});

test('a private redis keeps its files over a crash and a start', async () => {
  await using redis = await testRedis({ settings: { appendfsync: 'always' } });
  await redis.kill();
  expect(redis.running).toBe(false);
  await redis.start();
  expect(redis.running).toBe(true);
});
