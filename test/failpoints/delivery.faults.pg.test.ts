import { afterAll, beforeAll, expect, test } from 'vitest';
import { DeadLetters } from '../../src/queue/dead-letters.js';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { eventually } from '../support/eventually.js';
import { system, type RunningProcess, type System } from '../support/system.js';
import { DELIVERY_PLACES, failpointEnv, inherits, killed, killedInBusiness } from './killed.js';
import { sampled } from '../support/short-form.js';

let brand: System;
let deaths = 0;

beforeAll(async () => {
  brand = await system({ seed: 62, ratePerSecond: 150 });
});
afterAll(async () => brand[Symbol.asyncDispose]());

async function deadLetters(): Promise<readonly string[]> {
  const settings = { url: brand.redis.url, tls: null };
  const client = connectRedis({ settings, use: 'worker', onError: () => undefined });
  const letters = new DeadLetters('default', { client, prefix: 'paytronix', onError: () => undefined });
  const ids = (await letters.list()).map(({ messageId }) => messageId);
  await letters.close();
  await closeRedis(client);
  return ids;
}

/** What it has in hand cannot be delivered when it is asked to end. */
async function killedOnItsWayOut(victim: RunningProcess): Promise<void> {
  const refused = brand.receiver.counts.refused;
  brand.receiver.respondWith(() => ({ tag: 'status', status: 503 }));
  await victim.logged('capture is streaming');
  await brand.business(1);
  await eventually(() => brand.receiver.counts.refused > refused, 'a request that is refused', 30_000);
  victim.child.kill('SIGTERM');
  await killed(victim);
  brand.receiver.respondWith(null);
}

test.each(sampled(DELIVERY_PLACES))(
  'killed at $at, delivery loses nothing, reorders nothing and sends at most a request again',
  async (place) => {
    // A backlog in full jobs, so that one leaves as several requests.
    if (place.at === 'progress-saved') await brand.business(3);
    let poison: string | null = null;
    if (place.at === 'letter-stored') {
      brand.receiver.respondWith(({ messageIds }) => {
        poison ??= messageIds.find((id) => id.includes('-pos_activity-')) ?? null;
        return poison !== null && messageIds.includes(poison)
          ? { tag: 'status', status: 400, body: 'bad event' }
          : null;
      });
    }
    const victim = brand.run('all', failpointEnv(place));
    if (place.at === 'job-given-back') await killedOnItsWayOut(victim);
    else await killedInBusiness(brand, victim);
    deaths += 1;
    await inherits(brand, new Set(poison === null ? [] : [poison]));
    if (poison !== null) expect(await deadLetters()).toEqual([poison]);
    expect(
      (await brand.verdict({ setAside: new Set(poison === null ? [] : [poison]) })).total.again,
    ).toBeLessThanOrEqual(deaths * 100);
  },
  180_000,
);
