import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { invoked } from '../backfill/invoked.js';
import { place, type Place } from '../support/place.js';
import { system } from '../support/system.js';

test('sources of a file are served side by side: each its own events, ids and key, and none waits for one that fails', async () => {
  // What is replayed of a guest forgotten since is rightly not sent.
  await using brand = await system({ seed: 91, never: ['guest anonymised'] });
  await using till = await place('wk_till');
  await using refuses = await place('another key');
  await using hangs = await place('wk_hangs');
  hangs.receiver.respondWith(() => ({ tag: 'hang' }));
  const directory = await mkdtemp(join(tmpdir(), 'sources-'));
  try {
    const file = join(directory, 'connector.yaml');
    await writeFile(
      file,
      `
# SEGMENT_HOST and the rest come from the environment.
sources:
  - name: whole
    merchant_id: 777777
    write_key: test-write-key
  - name: till
    merchant_id: 777777
    write_key: \${TILL_KEY}
    host: ${till.receiver.url}
    events: [POS Activity]
    identify: off
    user_id_prefix: px-
    lanes: 2
  - { name: refused, write_key: wk_refused, host: "${refuses.receiver.url}" }
  - { name: hanging, write_key: wk_hangs, host: "${hangs.receiver.url}", request_timeout: 500ms }
  - { name: elsewhere, merchant_id: 4, write_key: wk_elsewhere }
`,
    );
    const env = { CONFIG_FILE: file, TILL_KEY: 'wk_till', SEGMENT_WRITE_KEY: '' };
    const connector = brand.run('all', env);
    await connector.logged('capture is streaming');
    const from = new Date().toISOString();
    await brand.business(4);
    const verdict = await brand.verdict();
    expect(verdict.findings).toEqual([]);
    expect(verdict.total.again).toBe(0);

    const wanted = brand.arrivals.calls.filter(({ name }) => name === 'POS Activity');
    await eventually(() => till.arrivals.calls.length >= wanted.length, 'the same POS Activity', 20_000);
    const told = (calls: typeof wanted): string[] => calls.map(({ messageId }) => messageId).toSorted();
    expect(told(till.arrivals.calls)).toEqual(told(wanted));
    const users = new Map(wanted.map(({ messageId, userId }) => [messageId, userId]));
    for (const { messageId, userId } of till.arrivals.calls) {
      const plain = users.get(messageId) ?? null;
      expect(userId).toBe(plain === null ? null : `px-${plain}`);
    }
    expect(refuses.arrivals.calls).toEqual([]);
    expect(hangs.arrivals.calls).toEqual([]);

    const { out } = await invoked(['status', '--json'], { ...brand.env, ...env });
    const { redis } = JSON.parse(out) as {
      redis: { lanes: { source: string; jobs: number; lane: string }[] };
    };
    const waiting = new Map<string, number>();
    for (const { source, jobs } of redis.lanes) waiting.set(source, (waiting.get(source) ?? 0) + jobs);
    expect([...waiting.keys()].toSorted()).toEqual(['elsewhere', 'hanging', 'refused', 'till', 'whole']);
    expect(waiting.get('whole')).toBe(0);
    expect(waiting.get('till')).toBe(0);
    expect(waiting.get('refused')).toBeGreaterThan(0);
    expect(waiting.get('hanging')).toBeGreaterThan(0);

    const unnamed = await invoked(['replay', '--from', from], { ...brand.env, ...env });
    expect(unnamed.err).toContain('several sources are configured; name one with --source: whole, till');
    const replayed = await invoked(['replay', '--from', from, '--source', 'till'], { ...brand.env, ...env });
    expect(replayed).toMatchObject({ code: 0, err: '' });
    const again = await eventuallyTwice(till, wanted.length);
    expect(again.size).toBe(wanted.length);
    expect(brand.arrivals.calls).toHaveLength(verdict.total.received + repeats(brand.arrivals.calls));
    expect(await connector.end('SIGTERM')).toBeOneOf([0, 75]);
  } finally {
    await rm(directory, { recursive: true });
  }
}, 120_000);

/** Ids that came at least twice, once as many have. */
async function eventuallyTwice({ arrivals }: Place, ids: number): Promise<ReadonlySet<string>> {
  const twice = (): ReadonlySet<string> => {
    const seen = new Set<string>();
    const again = new Set<string>();
    for (const { messageId } of arrivals.calls) (seen.has(messageId) ? again : seen).add(messageId);
    return again;
  };
  await eventually(() => twice().size >= ids, 'every call once more', 20_000);
  return twice();
}

function repeats(calls: readonly { readonly messageId: string }[]): number {
  return calls.length - new Set(calls.map(({ messageId }) => messageId)).size;
}

test('a source added to the file begins with the restart, and one taken out of it holds nothing up', async () => {
  await using brand = await system({ seed: 92, never: ['guest anonymised'] });
  await using till = await place('wk_till');
  const directory = await mkdtemp(join(tmpdir(), 'sources-'));
  try {
    const file = join(directory, 'connector.yaml');
    const whole = '  - { name: whole, merchant_id: 777777, write_key: test-write-key }';
    const added = `  - { name: till, merchant_id: 777777, write_key: wk_till, host: "${till.receiver.url}", identify: off, events: POS Activity }`;
    const env = { CONFIG_FILE: file, SEGMENT_WRITE_KEY: '' };
    const runWith = async (sources: readonly string[], seconds: number): Promise<string> => {
      await writeFile(file, `sources:\n${sources.join('\n')}\n`);
      const connector = brand.run('all', env);
      await connector.logged('capture is streaming');
      await brand.business(seconds);
      expect((await brand.verdict()).findings, connector.log()).toEqual([]);
      expect(await connector.end('SIGTERM')).toBe(0);
      return connector.log();
    };
    await runWith([whole], 2);
    const before = new Set(brand.arrivals.calls.map(({ messageId }) => messageId));
    const logs = [await runWith([whole, added], 2)];
    const wanted = brand.arrivals.calls.filter(
      ({ name, messageId }) => name === 'POS Activity' && !before.has(messageId),
    );
    expect(wanted.length).toBeGreaterThan(20);
    const told = new Set(till.arrivals.calls.map(({ messageId }) => messageId));
    expect(wanted.filter(({ messageId }) => !told.has(messageId))).toEqual([]);
    expect(till.arrivals.calls.filter(({ messageId }) => before.has(messageId))).toEqual([]);
    const arrived = till.arrivals.calls.length;
    logs.push(await runWith([whole], 2), await runWith([added, whole], 1));
    expect(till.arrivals.calls.length).toBeGreaterThan(arrived);
    // None of it looks like a Redis that has lost something, or like a gap.
    expect(logs.join('')).not.toMatch(/QUEUE_LOST|QUEUE_HOLE|CAPTURE_GAP|healed/);
  } finally {
    await rm(directory, { recursive: true });
  }
}, 120_000);
