import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { invoked } from '../backfill/invoked.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../../src/demo/free-port.js';
import { place } from '../support/place.js';
import { system } from '../support/system.js';

async function readiness(port: number): Promise<{ status: number; body: string }> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz?verbose`);
  return { status: answer.status, body: await answer.text() };
}

async function metric(port: number, series: string): Promise<string | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return text
    .split('\n')
    .find((line) => line.startsWith(series))
    ?.slice(series.length + 1);
}

test('a source that Segment does not take is parked past its budget: the others go on, and afterwards all of it arrives once and in order', async () => {
  await using brand = await system({ seed: 93, never: ['guest anonymised'] });
  await using slow = await place('wk_slow');
  slow.receiver.respondWith(() => ({ tag: 'status', status: 503 }));
  const directory = await mkdtemp(join(tmpdir(), 'parked-'));
  try {
    const file = join(directory, 'connector.yaml');
    await writeFile(
      file,
      `
sources:
  - { name: whole, write_key: test-write-key }
  - { name: slow, write_key: wk_slow, host: "${slow.receiver.url}", queue_budget: 64KiB, lanes: 2 }
`,
    );
    const port = await freePort();
    const env = { CONFIG_FILE: file, SEGMENT_WRITE_KEY: '', HTTP_PORT: String(port) };
    const connector = brand.run('all', env);
    await connector.logged('capture is streaming');
    let over = false;
    const parked = connector.logged('is past its queue budget and parked').then(() => (over = true));
    while (!over) await brand.business(1);
    await parked;
    await brand.business(2);
    const before = await brand.verdict();
    expect(before.findings, connector.log()).toEqual([]);
    expect(slow.arrivals.calls).toEqual([]);

    const ready = await readiness(port);
    expect(ready.body).toContain('degraded: source slow is parked, past its queue budget');
    expect(await metric(port, 'paytronix_segment_source_parked{source="slow"}')).toBe('1');
    expect(connector.log()).not.toContain('capture waits');
    const { out } = await invoked(['status'], { ...brand.env, ...env });
    expect(out).toMatch(/source slow +parked for \d+ s: past its queue budget, queued up to/);

    slow.receiver.respondWith(null);
    await Promise.all([connector.logged('takes part in the live stream again'), brand.business(4)]);
    await brand.business(1);
    expect((await brand.verdict()).findings).toEqual([]);
    const verdict = await brand.verdict({ at: slow.arrivals });
    expect(verdict.findings, connector.log()).toEqual([]);
    expect(verdict.total.again).toBe(0);
    await eventually(
      async () => (await metric(port, 'paytronix_segment_source_parked{source="slow"}')) === '0',
      'the gauge',
    );
    expect(await connector.end('SIGTERM'), connector.log()).toBe(0);
    expect(connector.log()).not.toMatch(/QUEUE_LOST|CAPTURE_GAP|healed|MaxListeners/);
  } finally {
    await rm(directory, { recursive: true });
  }
}, 120_000);
