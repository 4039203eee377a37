import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { invoked } from '../backfill/invoked.js';
import { eventually } from '../support/eventually.js';
import { place } from '../support/place.js';
import { system, type RunningProcess } from '../support/system.js';

interface Applied {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  readonly tookMs: number;
}

function applied({ log }: RunningProcess): Applied[] {
  return log()
    .split('\n')
    .filter((line) => line.includes('the changed configuration is in force'))
    .map((line) => JSON.parse(line) as Applied);
}

test('sources that are added, changed and removed under load, by SIGHUP and by another file: no call is lost, doubled or out of order, and nobody else waits', async () => {
  await using brand = await system({ seed: 95, never: ['guest anonymised'] });
  // Where the source that moves was, and where it is afterwards.
  await using moved = await place('wk_moved', brand.arrivals);
  await using till = await place('wk_till');
  await using steady = await place('wk_steady');
  const directory = await mkdtemp(join(tmpdir(), 'reload-'));
  const file = join(directory, 'connector.yaml');
  const sources = {
    here: 'name: whole, write_key: test-write-key',
    there: `name: whole, write_key: wk_moved, host: "${moved.receiver.url}"`,
    steady: `name: steady, write_key: wk_steady, host: "${steady.receiver.url}"`,
    till: `name: till, write_key: wk_till, host: "${till.receiver.url}", identify: off, events: POS Activity`,
  };
  const write = async (...given: readonly string[]): Promise<void> => {
    const lines = given.map((source) => `  - { ${source} }`);
    await writeFile(`${file}.new`, `sources:\n${lines.join('\n')}\n`);
    await rename(`${file}.new`, file);
  };
  try {
    await write(sources.here, sources.steady);
    const connector = brand.run('all', { CONFIG_FILE: file, SEGMENT_WRITE_KEY: '' });
    await connector.logged('capture is streaming');
    let over = false;
    const business = (async () => {
      while (!over) await brand.business(1);
    })();
    const inForce = async (times: number): Promise<void> =>
      eventually(
        () => applied(connector).length >= times,
        () => `change ${times}:\n${connector.log()}`,
      );
    await eventually(() => brand.arrivals.calls.length > 50, 'calls');

    const beforeAdded = Date.now();
    await write(sources.here, sources.steady, sources.till);
    connector.child.kill('SIGHUP');
    await inForce(1);
    const added = Date.now();
    await eventually(() => till.arrivals.calls.length > 20, 'calls of the one added');

    const other = `${sources.till}, user_id_prefix: px-`;
    await write(sources.here, sources.steady, other);
    await inForce(2);
    const prefixed = (): boolean => till.arrivals.calls.at(-1)?.userId?.startsWith('px-') === true;
    await eventually(prefixed, 'calls derived otherwise');

    await write(sources.there, sources.steady, other);
    await inForce(3);
    await eventually(() => moved.receiver.counts.events > 50, 'calls where it moved to');

    await write(sources.here, `${sources.till}, evnts: all`);
    connector.child.kill('SIGHUP');
    await connector.logged('is refused, and the one before stays in force');
    expect(connector.log()).toContain('Did you mean events?');
    const refused = steady.arrivals.calls.length;
    await eventually(() => steady.arrivals.calls.length > refused + 50, 'what ran goes on');

    const beforeRemoved = Date.now();
    await write(sources.there, sources.steady);
    await inForce(4);
    const removed = Date.now();
    await eventually(() => steady.arrivals.calls.length > refused + 100, 'more calls');
    over = true;
    await business;

    for (const at of [brand.arrivals, steady.arrivals]) {
      const verdict = await brand.verdict({ at });
      expect(verdict.findings, connector.log()).toEqual([]);
      expect(verdict.total.again).toBe(0);
    }
    const expected = (await brand.implied()).filter(({ name }) => name === 'POS Activity');
    const committed = (from: number, to: number): string[] =>
      expected
        .filter(({ commitAtMs, certain }) => certain && (commitAtMs ?? 0) > from && (commitAtMs ?? 0) < to)
        .map(({ messageId }) => messageId);
    const told = till.arrivals.calls.map(({ messageId }) => messageId);
    expect(new Set(told).size).toBe(told.length);
    const missing = committed(added, beforeRemoved).filter((id) => !told.includes(id));
    expect(missing).toEqual([]);
    const outside = [...committed(0, beforeAdded - 1_000), ...committed(removed + 1_000, Number.MAX_VALUE)];
    expect(told.filter((id) => outside.includes(id))).toEqual([]);
    expect(applied(connector)).toMatchObject([
      { added: ['till'], removed: [], changed: [] },
      { added: [], removed: [], changed: ['till'] },
      { added: [], removed: [], changed: ['whole'] },
      { added: [], removed: ['till'], changed: [] },
    ]);
    for (const { tookMs } of applied(connector)) expect(tookMs).toBeLessThan(4_000);
    expect(await connector.end('SIGTERM'), connector.log()).toBe(0);
    expect(connector.log()).not.toMatch(/QUEUE_LOST|QUEUE_HOLE|CAPTURE_GAP|healed|MaxListeners/);
  } finally {
    await rm(directory, { recursive: true });
  }
}, 180_000);

test('a source that was added takes no part in what was committed before, whatever a healing or a replay reads again', async () => {
  await using brand = await system({ seed: 96, never: ['guest anonymised'] });
  await using till = await place('wk_till');
  const directory = await mkdtemp(join(tmpdir(), 'added-'));
  const file = join(directory, 'connector.yaml');
  const whole = '  - { name: whole, write_key: test-write-key }';
  const added = `  - { name: till, write_key: wk_till, host: "${till.receiver.url}" }`;
  const env = { CONFIG_FILE: file, SEGMENT_WRITE_KEY: '' };
  try {
    await writeFile(file, `sources:\n${whole}\n`);
    const connector = brand.run('all', env);
    await connector.logged('capture is streaming');
    const from = new Date().toISOString();
    brand.receiver.respondWith(() => ({ tag: 'status', status: 503 }));
    await brand.business(2);
    await writeFile(file, `sources:\n${whole}\n${added}\n`);
    connector.child.kill('SIGHUP');
    await eventually(() => applied(connector).length === 1, 'the change');
    const since = Date.now();
    await brand.business(2);
    const client = connectRedis({
      settings: { url: brand.redis.url, tls: null },
      use: 'worker',
      onError: () => undefined,
    });
    await client.flushall();
    await closeRedis(client);
    await connector.logged('redis is healed');
    brand.receiver.respondWith(null);
    await brand.business(1);
    expect((await brand.verdict()).findings, connector.log()).toEqual([]);
    const implied = await brand.implied();
    const of = (after: (commitAtMs: number) => boolean): string[] =>
      implied
        .filter(({ certain, commitAtMs }) => certain && after(commitAtMs ?? 0))
        .map(({ messageId }) => messageId);
    const later = of((commitAtMs) => commitAtMs > since);
    const told = (): string[] => till.arrivals.calls.map(({ messageId }) => messageId);
    await eventually(() => later.every((id) => told().includes(id)), 'all since it was added');
    const replayed = await invoked(['replay', '--from', from, '--source', 'till'], { ...brand.env, ...env });
    expect(replayed, connector.log()).toMatchObject({ code: 0, err: '' });
    const earlier = new Set(of((commitAtMs) => commitAtMs < since - 1_500));
    expect(earlier.size).toBeGreaterThan(20);
    expect(told().filter((id) => earlier.has(id))).toEqual([]);
    expect(await connector.end('SIGTERM'), connector.log()).toBe(0);
  } finally {
    await rm(directory, { recursive: true });
  }
}, 180_000);
