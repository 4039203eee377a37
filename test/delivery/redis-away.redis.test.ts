import { expect, test } from 'vitest';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { until } from '../queue/rig.js';
import { eventCall, transaction } from '../queue/sample-calls.js';
import { freeze } from '../support/frozen.js';
import { ids, openDelivery } from './rig.js';

test('a connection to Redis that has gone dead is given up within seconds: delivery goes on, in order', async () => {
  await using r = await openDelivery();
  await using proxy = await startTcpProxy(r.queue.redis.port);
  for (const n of [0, 1, 2, 3]) await r.enqueue(ids(n * 50 + 1, n * 50 + 50));
  const redis = { url: proxy.through(r.queue.redis.url), tls: null };
  await r.deliver({ redis }, { rateLimitPerSecond: 100 });
  await r.receiver.waitUntil(() => r.receiver.counts.requests >= 3);
  proxy.strand();
  const strandedAt = performance.now();
  const before = r.receiver.counts.events;
  // A request may have been in flight; what follows needs Redis.
  await r.receiver.waitUntil(() => r.receiver.counts.events > before + 20, 25_000);
  expect(performance.now() - strandedAt).toBeLessThan(25_000);
  await r.receiver.waitUntil(() => r.kept().length >= 200);
  expect(r.kept()).toEqual(ids(1, 200));
  expect(r.receiver.counts.duplicates).toBeLessThanOrEqual(10);
}, 60_000);

test('a connection to Redis that has gone dead is given up within seconds: capture goes on, nothing is doubled', async () => {
  await using r = await openDelivery();
  await using proxy = await startTcpProxy(r.queue.redis.port);
  const waits: string[] = [];
  const sink = await r.queue.sink({
    redis: { url: proxy.through(r.queue.redis.url), tls: null },
    sources: [{ name: 'stranded', lanes: 1 }],
    commandTimeoutMs: 1_000,
    observer: { waiting: (why) => waits.push(why), resumed: (why) => waits.push(`resumed ${why}`) },
  });
  let settled = 0;
  const offer = async (n: number): Promise<void> =>
    sink.offer(transaction(n, [eventCall(`m${n}`)], () => (settled += 1), 'stranded'));
  await offer(1);
  await sink.flush();
  proxy.strand();
  await offer(2);
  await until(() => settled === 2, 'queued on a new connection', 20_000);
  expect(waits).toContain('redis_unavailable');
  expect(waits.at(-1)).toBe('resumed redis_unavailable');
  expect(await r.queue.messageIds(0, 'stranded')).toEqual(['m1', 'm2']);
}, 60_000);

for (const state of ['down', 'frozen'] as const) {
  test(`closing delivery while Redis is ${state} ends, and what was in hand is sent by the next process`, async () => {
    await using r = await openDelivery();
    for (const n of [0, 1, 2]) await r.enqueue(ids(n * 20 + 1, n * 20 + 20));
    const first = await r.deliver({}, { rateLimitPerSecond: 40 });
    await r.receiver.waitUntil(() => r.receiver.counts.requests >= 2);
    const frozen = state === 'frozen' ? await freeze(r.queue.redis) : null;
    if (frozen === null) await r.queue.redis.stop();
    const closedAt = performance.now();
    await first.close({ graceMs: 500 });
    // The grace, a second to give the job back, and a second to close the connections.
    expect(performance.now() - closedAt).toBeLessThan(6_000);
    if (frozen === null) await r.queue.redis.start();
    else await frozen.thaw();
    await r.deliver({}, { rateLimitPerSecond: 0 });
    await r.receiver.waitUntil(() => r.kept().length >= 60);
    expect(r.kept()).toEqual(ids(1, 60));
  });
}
