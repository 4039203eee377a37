import { expect, test } from 'vitest';

import { checkRedis, factsFromInfo, judgeRedis } from '../../src/queue/preflight.js';
import { wouldWork, type Finding } from '../../src/preflight/finding.js';
import type { PrivateRedisOptions } from '../../src/demo/private-redis.js';
import { testRedis } from '../support/redis.js';

const sound: PrivateRedisOptions = { maxMemoryBytes: 256 * 1024 * 1024 };
const check = (url: string): Promise<readonly Finding[]> =>
  checkRedis({ settings: { url, tls: null }, prefix: 'paytronix', timeoutMs: 2_000 });
const notOk = (findings: readonly Finding[]): [string, string][] =>
  findings.filter(({ level }) => level !== 'ok').map(({ id, level }) => [id, level]);

test('a Redis as the queue needs it passes, and nothing is left in it', async () => {
  await using redis = await testRedis(sound);
  const findings = await check(redis.url);
  expect(notOk(findings)).toEqual([]);
  expect(findings.map(({ id }) => id)).toEqual([
    'redis-connection',
    'redis-version',
    'redis-mode',
    'redis-aof',
    'redis-eviction',
    'redis-memory',
    'redis-write',
  ]);
});

test.each<{ name: string; options: PrivateRedisOptions; expected: [string, string][] }>([
  { name: 'AOF off', options: { ...sound, appendOnly: false }, expected: [['redis-aof', 'error']] },
  {
    name: 'AOF never synced',
    options: { ...sound, settings: { appendfsync: 'no' } },
    expected: [['redis-aof', 'warning']],
  },
  {
    name: 'an eviction policy',
    options: { ...sound, maxMemoryPolicy: 'allkeys-lru' },
    expected: [['redis-eviction', 'error']],
  },
  { name: 'no memory limit', options: {}, expected: [['redis-memory', 'warning']] },
  {
    name: 'cluster mode',
    options: { ...sound, settings: { 'cluster-enabled': 'yes' } },
    // No slot is assigned yet, so nothing can be written either.
    expected: [
      ['redis-mode', 'error'],
      ['redis-write', 'error'],
    ],
  },
  {
    name: 'CONFIG taken away, as on managed servers',
    options: { ...sound, settings: { user: 'default on nopass ~* &* +@all -config' } },
    expected: [['redis-aof', 'warning']],
  },
  {
    name: 'a role that may not write our keys',
    options: { ...sound, settings: { user: 'default on nopass ~other:* &* +@all' } },
    expected: [['redis-write', 'error']],
  },
  {
    name: 'a replica',
    options: { ...sound, settings: { replicaof: '127.0.0.1 1' } },
    expected: [
      ['redis-mode', 'error'],
      ['redis-write', 'error'],
    ],
  },
])('$name is the one thing found', async ({ options, expected }) => {
  await using redis = await testRedis(options);
  expect(notOk(await check(redis.url))).toEqual(expected);
});

test('no server at the address is one finding with advice', async () => {
  const findings = await checkRedis({
    settings: { url: 'redis://:secret-word@127.0.0.1:1', tls: null },
    prefix: 'p',
    timeoutMs: 300,
  });
  expect(notOk(findings)).toEqual([['redis-connection', 'error']]);
  expect(findings[0]?.what).toContain('ECONNREFUSED');
  expect(JSON.stringify(findings)).not.toContain('secret-word');
});

test.each([
  { version: 'redis_version:6.0.16', level: 'error' },
  { version: 'redis_version:6.2.0', level: 'ok' },
  { version: 'redis_version:8.0.1', level: 'ok' },
  { version: 'redis_version:7.2.4\r\nvalkey_version:8.1.0', level: 'ok' },
])('$version is $level', ({ version, level }) => {
  const findings = judgeRedis(factsFromInfo(`# Server\r\n${version}\r\n`, 'everysec'));
  expect(findings.find(({ id }) => id === 'redis-version')?.level).toBe(level);
});

test.each([
  { used: 10, level: 'ok' },
  { used: 60, level: 'warning' },
  { used: 70, level: 'error' },
])('memory at $used % is $level, because capture stops adding at 70 %', ({ used, level }) => {
  const info = `redis_version:7.0.0\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\nmaxmemory:100\r\nused_memory:${used}\r\n`;
  const findings = judgeRedis(factsFromInfo(info, 'everysec'));
  expect(findings.find(({ id }) => id === 'redis-memory')?.level).toBe(level);
  expect(wouldWork(findings)).toBe(level !== 'error');
});
