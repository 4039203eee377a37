import { expect, test } from 'vitest';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { eventually } from '../support/eventually.js';
import { system } from '../support/system.js';
import { differences, reconciled, total, undecidable } from './system.js';

test('a Redis emptied in mid-delivery, again and again, takes no count along: nothing that was sent looks missing', async () => {
  await using brand = await system({ seed: 41 });
  const connector = brand.run('all');
  await connector.logged('capture is streaming');
  const business = brand.business(14);
  const client = connectRedis({
    settings: { url: brand.redis.url, tls: null },
    use: 'worker',
    onError: () => undefined,
  });
  for (let round = 1; round <= 3; round += 1) {
    const before = brand.arrivals.calls.length;
    await eventually(() => brand.arrivals.calls.length > before + 300, 'calls', 40_000);
    await client.flushall();
    await eventually(
      () => connector.log().split('redis is healed').length > round,
      () => `healing ${round}:\n${connector.log()}`,
      30_000,
    );
  }
  await closeRedis(client);
  await business;
  expect((await brand.verdict()).findings).toEqual([]);
  await eventually(async () => total(await reconciled(brand), 'toCapture') === 0, 'all captured', 30_000);
  await eventually(async () => total(await reconciled(brand), 'queued') === 0, 'all delivered', 30_000);
  const after = await reconciled(brand);
  expect(differences(after)).toEqual([]);
  expect(total(after, 'delivered') + total(after, 'suppressed') + undecidable(after)).toBe(
    total(after, 'expected'),
  );
  expect(await connector.end('SIGTERM')).toBe(0);
}, 180_000);
