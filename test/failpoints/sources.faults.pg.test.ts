import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { place } from '../support/place.js';
import { system } from '../support/system.js';
import { failpointEnv, killedInBusiness, killed } from './killed.js';

test('killed when a source that was added is written down, the next process brings it everything committed since, and the other misses nothing', async () => {
  await using brand = await system({ seed: 71, never: ['guest anonymised'] });
  await using added = await place('wk_added');
  const directory = await mkdtemp(join(tmpdir(), 'added-'));
  const file = join(directory, 'connector.yaml');
  const write = async (...lines: readonly string[]): Promise<void> => {
    await writeFile(`${file}.new`, `sources:\n${lines.map((line) => `  - { ${line} }\n`).join('')}`);
    await rename(`${file}.new`, file);
  };
  const whole = 'name: whole, write_key: test-write-key';
  try {
    await write(whole);
    const env = { CONFIG_FILE: file, SEGMENT_WRITE_KEY: '' };
    const victim = brand.run('all', { ...env, ...failpointEnv({ at: 'sources-registered' }) });
    await victim.logged('capture is streaming');
    await brand.business(1);
    await write(
      whole,
      `name: added, write_key: wk_added, host: "${added.receiver.url}", identify: off, events: POS Activity`,
    );
    victim.child.kill('SIGHUP');
    await killedInBusiness(brand, victim);
    const { rows } = await brand.db.sql<{ at: string }>('SELECT clock_timestamp()::text AS at');
    const diedAtMs = Date.parse(rows[0]?.at ?? '');
    await brand.business(1);
    const heir = brand.run('all', env);
    await heir.logged('capture is streaming');
    await brand.business(1);
    const { findings, total } = await brand.verdict();
    expect(findings, heir.log()).toEqual([]);
    expect(total.again).toBeLessThanOrEqual(100);
    const later = (await brand.implied()).filter(
      ({ name, certain, commitAtMs }) => name === 'POS Activity' && certain && (commitAtMs ?? 0) > diedAtMs,
    );
    expect(later.length).toBeGreaterThan(20);
    const told = added.arrivals.calls.map(({ messageId }) => messageId);
    expect(later.filter(({ messageId }) => !told.includes(messageId))).toEqual([]);
    expect(new Set(told).size).toBe(told.length);
    expect(await heir.end('SIGTERM'), heir.log()).toBe(0);
  } finally {
    await rm(directory, { recursive: true });
  }
}, 180_000);

test('a pause that was killed when only PostgreSQL knew of it holds all the same', async () => {
  await using brand = await system({ seed: 72 });
  const connector = brand.run('all');
  await connector.logged('capture is streaming');
  await brand.business(1);
  await killed(brand.command(['pause'], failpointEnv({ at: 'pause-recorded' })));
  await connector.logged('the source is paused: nothing is delivered to it');
  const before = brand.arrivals.calls.length;
  await brand.business(2);
  expect(brand.arrivals.calls.length).toBe(before);
  const resuming = brand.command(['resume']);
  expect(await new Promise((resolve) => resuming.child.once('exit', resolve)), resuming.log()).toBe(0);
  expect((await brand.verdict()).findings, connector.log()).toEqual([]);
  expect(await connector.end('SIGTERM'), connector.log()).toBe(0);
}, 120_000);
