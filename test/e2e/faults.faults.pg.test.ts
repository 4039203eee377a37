import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.js';
import { eventually } from '../support/eventually.js';
import { system } from '../support/system.js';
import { sampled } from '../support/short-form.js';

test.each(sampled(['fast', 'immediate'] as const))(
  'a restart of PostgreSQL (%s) in mid-business loses nothing, reorders nothing and changes no balance',
  async (mode) => {
    await using server = await startEmbeddedPostgres({ durable: true });
    await using brand = await system({
      server: server.url(),
      seed: mode === 'fast' ? 5 : 6,
      ratePerSecond: 60,
    });
    const connector = brand.run('all');
    await connector.logged('capture is streaming');
    // Acts that the restart cuts off fail; what they had committed is in the tables, which is what counts.
    const before = brand.business(5).catch(() => undefined);
    await eventually(() => brand.arrivals.calls.length > 60, 'calls', 30_000);
    await server.restart(mode);
    await before;
    await brand.business(3);
    const verdict = await brand.verdict();
    expect(verdict.findings).toEqual([]);
    expect(await connector.end('SIGTERM'), connector.log()).toBe(0);
  },
  120_000,
);

test('SIGKILL again and again loses nothing, reorders nothing, and doubles no more than the job in hand', async () => {
  await using brand = await system({ seed: 7 });
  const business = brand.business(12);
  for (let round = 0; round < 2; round += 1) {
    const connector = brand.run('all');
    const before = brand.arrivals.calls.length;
    await eventually(() => brand.arrivals.calls.length > before + 40, 'calls of this process', 40_000);
    await delay(round * 150);
    await connector.end('SIGKILL');
  }
  const last = brand.run('all');
  await business;
  const verdict = await brand.verdict();
  expect(verdict.findings, last.log()).toEqual([]);
  // One request a lane is in doubt per kill. What it holds grows with the round trip: the calls of one arrived at one time.
  const sizes = new Map<number, number>();
  for (const { arrivedAtMs } of brand.arrivals.calls)
    sizes.set(arrivedAtMs, (sizes.get(arrivedAtMs) ?? 0) + 1);
  expect(verdict.total.again, last.log()).toBeLessThanOrEqual(2 * Math.max(...sizes.values()));
  expect(await last.end('SIGTERM'), last.log()).toBe(0);
}, 180_000);
