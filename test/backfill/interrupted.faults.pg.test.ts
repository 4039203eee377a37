import { once } from 'node:events';
import { expect, test } from 'vitest';
import { startConnectorProcess } from '../support/connector-process.js';
import { eventually } from '../support/eventually.js';
import { invoked } from './invoked.js';
import { servers } from './servers.js';
import { tills } from './tills.js';

const PURCHASES = 400;
const SLOW = ['backfill', '--event', 'POS Activity', 'add_redeem', '--rows-per-second', '50'];

test('stopped and then killed, a backfill goes on where it was: all sent, at most the page in hand twice', async () => {
  await using brand = await servers();
  await tills(brand.db, { members: 7, purchases: PURCHASES });
  const arrivedIds = (): Set<string> => new Set(brand.arrivals.calls.map(({ messageId }) => messageId));

  const stop = new AbortController();
  const stopped = invoked(SLOW, brand.env, stop.signal);
  await eventually(() => brand.arrivals.calls.length >= 150, 'calls of the first process', 30_000);
  stop.abort();
  expect(await stopped).toMatchObject({ code: 75, err: '' });
  expect((await stopped).out).toContain('The same command goes on from here.');
  const afterFirst = brand.arrivals.calls.length;
  expect(afterFirst).toBeLessThan(2 * PURCHASES);

  const child = startConnectorProcess(SLOW, brand.env, 'ignore');
  const exited = once(child, 'exit');
  await eventually(() => brand.arrivals.calls.length >= afterFirst + 150, 'calls of the second', 30_000);
  child.kill('SIGKILL');
  await exited;
  expect(arrivedIds().size).toBeLessThan(2 * PURCHASES);

  const ended = await invoked([...SLOW.slice(0, -1), '100000'], brand.env);
  expect(ended.out).toMatch(/resuming run 1: \d+ rows are dealt with/);
  expect(ended.out).toContain('Delivered 800 calls from 400 rows');
  expect(ended).toMatchObject({ code: 0, err: '' });
  const ids = arrivedIds();
  expect(ids.size).toBe(2 * PURCHASES);
  for (let id = 1_001; id <= 1_000 + PURCHASES; id += 1) {
    expect(ids.has(`px-777777-pos_activity-${id}`) && ids.has(`px-777777-add_redeem-${id}`), String(id)).toBe(
      true,
    );
  }
  // A page of 50 rows, and with it the job that the killed process had on its way.
  expect(brand.arrivals.calls.length - ids.size).toBeLessThanOrEqual(200);
  const anew = await invoked(['backfill', '--event', 'POS Activity', 'add_redeem', '--dry-run'], brand.env);
  expect(anew.out).toContain('400 rows. Nothing was sent');
}, 90_000);

test('two backfills of one source are not run at once', async () => {
  await using brand = await servers();
  await tills(brand.db, { members: 2, purchases: 60 });
  const stop = new AbortController();
  const first = invoked([...SLOW.slice(0, -1), '20'], brand.env, stop.signal);
  await eventually(() => brand.arrivals.calls.length > 0, 'calls', 30_000);
  const second = await invoked(['backfill', '--event', 'check_in'], brand.env);
  expect(second.err).toContain('BACKFILL_RUNNING');
  expect(second.code).toBe(70);
  stop.abort();
  await first;
}, 60_000);
