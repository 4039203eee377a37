import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { eventually } from '../support/eventually.js';
import { place, type Place as Receiving } from '../support/place.js';
import { system, type RunningProcess, type System } from '../support/system.js';
import { failpointEnv, killed, SOURCE_PLACES } from './killed.js';
import { SHORT, sampled } from '../support/short-form.js';

const PARKED = 'is past its queue budget and parked';
const JOINED = 'takes part in the live stream again';

let brand: System;
let slow: Receiving;
let directory: string;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  brand = await system({ seed: 64, never: ['guest anonymised'] });
  slow = await place('wk_slow');
  directory = await mkdtemp(join(tmpdir(), 'parked-'));
  const file = join(directory, 'connector.yaml');
  await writeFile(
    file,
    `
sources:
  - { name: whole, write_key: test-write-key }
  - { name: slow, write_key: wk_slow, host: "${slow.receiver.url}", queue_budget: 64KiB }
`,
  );
  env = { CONFIG_FILE: file, SEGMENT_WRITE_KEY: '' };
});
afterAll(async () => {
  await brand[Symbol.asyncDispose]();
  await slow[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const LOGGED_WITHIN_MS = 120_000;

/** The brand does business, and `more` a second, until the log says so. @throws Error with the end of the log */
async function businessUntil(
  connector: RunningProcess,
  text: string,
  more: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const deadlineMs = Date.now() + LOGGED_WITHIN_MS;
  while (!connector.log().includes(text)) {
    if (Date.now() > deadlineMs) throw new Error(`not logged: ${text}\n${connector.log().slice(-6_000)}`);
    await more();
    await brand.business(1);
  }
}

async function filler(): Promise<void> {
  for (let mib = 0; mib < 20; mib += 1) {
    await brand.db.sql(`SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1048576))`);
  }
}

async function bothHaveEverything(heir: RunningProcess): Promise<void> {
  expect((await brand.verdict()).findings, heir.log()).toEqual([]);
  expect((await brand.verdict({ at: slow.arrivals, withinMs: 90_000 })).findings, heir.log()).toEqual([]);
  // Or the next process would find the source parked already, and say so no more.
  await eventually(
    async () =>
      (await brand.db.sql('SELECT FROM segment_connector.source WHERE parked_lsn IS NOT NULL')).rowCount ===
      0,
    () => `no source parked:\n${heir.log()}`,
    60_000,
  );
  expect(await heir.end('SIGTERM'), heir.log()).toBe(0);
}

test.each(sampled(SOURCE_PLACES))(
  'killed at $at, the next process brings the source what it missed',
  async (at) => {
    const victim = brand.run('all', { ...env, ...failpointEnv(at) });
    const death = killed(victim, 120_000);
    let over = false;
    void death.then(
      () => (over = true),
      () => (over = true),
    );
    const times = (text: string): number => victim.log().split(text).length;
    // Parked and brought what it missed again and again: how often it passes a place in one such round depends on the machine.
    for (let round = 1; !over; round += 1) {
      slow.receiver.respondWith(() => ({ tag: 'status', status: 503 }));
      const parked = times(PARKED);
      while (!over && times(PARKED) === parked) await brand.business(1);
      // More each time: a fast machine is through with a little before it has written down how far it is.
      if (!over) await brand.business(8 * round);
      slow.receiver.respondWith(null);
      const joined = times(JOINED);
      while (!over && times(JOINED) === joined) await brand.business(1);
    }
    slow.receiver.respondWith(null);
    await death;
    const heir = brand.run('all', env);
    await heir.logged('capture is streaming');
    await brand.business(1);
    await bothHaveEverything(heir);
  },
  300_000,
);

test('a Redis emptied while a source is parked: the others are healed at once, the source has everything later', async () => {
  slow.receiver.respondWith(() => ({ tag: 'status', status: 503 }));
  const connector = brand.run('all', env);
  await businessUntil(connector, PARKED);
  await brand.business(1);
  const client = connectRedis({
    settings: { url: brand.redis.url, tls: null },
    use: 'worker',
    onError: () => undefined,
  });
  await client.flushall();
  await closeRedis(client);
  await connector.logged('redis is healed');
  await brand.business(2);
  expect((await brand.verdict()).findings, connector.log()).toEqual([]);
  slow.receiver.respondWith(null);
  await brand.business(2);
  await bothHaveEverything(connector);
}, 180_000);

test.skipIf(SHORT).each(['runs on', 'is killed as that is written down'] as const)(
  'past REPLAY_MAX_WAL what a parked source misses is a gap of its own, whether the process %s, and recover fills it',
  async (fate) => {
    slow.receiver.respondWith(() => ({ tag: 'status', status: 503 }));
    const small = { ...env, REPLAY_MAX_WAL: '64MiB', REPLAY_RETENTION: '0s' };
    const point = fate === 'runs on' ? {} : failpointEnv({ at: 'parked-gap-recorded' });
    const first = brand.run('all', { ...small, ...point });
    await businessUntil(first, PARKED);
    await brand.business(1);
    let connector = first;
    if (fate === 'runs on') await businessUntil(first, 'outlasted the replay window', filler);
    else {
      const death = killed(first, LOGGED_WITHIN_MS);
      death.catch(() => undefined);
      while (first.child.signalCode === null && first.child.exitCode === null) {
        await filler();
        await brand.business(1);
      }
      await death;
      connector = brand.run('all', small);
      await connector.logged('capture is streaming');
    }
    slow.receiver.respondWith(null);
    await businessUntil(connector, JOINED);
    const { rows } = await brand.db.sql<{ source: string | null; reason: string }>(
      'SELECT source, reason FROM segment_connector.gap WHERE closed_at IS NULL',
    );
    expect(new Set(rows.map(({ source, reason }) => `${source ?? ''}: ${reason}`))).toEqual(
      new Set(['slow: a parked source outlasted the replay window']),
    );
    expect((await brand.verdict()).findings, connector.log()).toEqual([]);
    const recovering = brand.command(['recover'], small);
    expect(await new Promise((resolve) => recovering.child.once('exit', resolve)), recovering.log()).toBe(0);
    const { findings } = await brand.verdict({ at: slow.arrivals, withinMs: 90_000 });
    // What the tables give is of later, and comes behind what was streamed.
    expect(
      findings.filter(({ kind }) => kind === 'missing' || kind === 'extra'),
      connector.log(),
    ).toEqual([]);
    expect(await connector.end('SIGTERM'), connector.log()).toBe(0);
  },
  400_000,
);
