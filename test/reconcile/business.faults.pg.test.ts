import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { system } from '../support/system.js';
import { differences, reconciled, total, undecidable } from './system.js';

test('after business with a SIGKILL and a SIGTERM in it, what was counted equals what the tables imply', async () => {
  await using brand = await system({ seed: 31 });
  const first = brand.run('all');
  await first.logged('capture is streaming');
  const business = brand.business(8);
  await eventually(() => brand.arrivals.calls.length > 150, 'calls', 30_000);
  await first.end('SIGKILL');
  const second = brand.run('all');
  await second.logged('capture is streaming');
  await eventually(() => brand.arrivals.calls.length > 600, 'calls', 30_000);
  expect(await second.end('SIGTERM')).toBe(0);
  const third = brand.run('all');
  await business;
  expect((await brand.verdict()).findings).toEqual([]);

  const found = await reconciled(brand);
  expect(differences(found), third.log()).toEqual([]);
  expect(found.equal).toBe(true);
  // A till's repeats and what was sent twice over the kill count once.
  const arrived = new Set(brand.arrivals.calls.map(({ messageId }) => messageId));
  expect(brand.arrivals.calls.length).toBeGreaterThan(arrived.size);
  const untold = total(found, 'suppressed') + undecidable(found);
  expect(total(found, 'delivered') + untold).toBe(total(found, 'expected'));
  // What arrived just before the kill and whose guest was deleted before it could be sent again was not counted.
  const uncounted = arrived.size - total(found, 'delivered');
  expect(uncounted).toBeGreaterThanOrEqual(0);
  expect(uncounted).toBeLessThanOrEqual(untold);
  expect(await third.end('SIGTERM')).toBe(0);
}, 120_000);
