import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { seedBrand } from '../support/brand.js';
import { captured, setUpConnector } from '../support/captured.js';
import { testDatabase } from '../support/postgres.js';

test('a stop at any moment of the start ends capture, and the slot is free for the next', async () => {
  await using db = await testDatabase();
  await seedBrand(db);
  await setUpConnector(db);
  // Moments, not waits: each start is cut at another point of connecting, comparing and streaming.
  for (const momentMs of [0, 20, 40, 60, 70, 80, 90, 100]) {
    const capture = await captured(db);
    await delay(momentMs);
    await Promise.race([
      capture.stop(),
      delay(10_000).then(() => expect.fail(`hung when stopped after ${momentMs} ms`)),
    ]);
    expect(capture.states.at(-1)).toEqual({ tag: 'stopped' });
  }
}, 60_000);
