import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { invoked } from '../backfill/invoked.js';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { place } from '../support/place.js';
import { system, type System } from '../support/system.js';

async function emptyRedis({ redis }: System): Promise<void> {
  const client = connectRedis({
    settings: { url: redis.url, tls: null },
    use: 'worker',
    onError: () => undefined,
  });
  await client.flushall();
  await closeRedis(client);
}

/** What is delivered and not written down beside Redis comes again when Redis loses everything, paused or not. */
async function deliveredIsKnown({ db }: System): Promise<void> {
  await eventually(async () => {
    const { rows } = await db.sql<{ done: boolean }>(
      `SELECT (delivered ->> 'commitTimeUs')::bigint = (extract(epoch FROM commit_time) * 1000000)::bigint AS done
        FROM segment_connector.checkpoint WHERE slot_name = $1`,
      [slotOf(db)],
    );
    return rows[0]?.done === true;
  }, 'the delivered position in the checkpoint');
}

test('a source that is paused gets nothing, whatever is restarted or lost, while the other goes on; resumed, it gets all of it once and in order', async () => {
  await using brand = await system({ seed: 97, never: ['guest anonymised'] });
  await using second = await place('wk_second');
  const directory = await mkdtemp(join(tmpdir(), 'paused-'));
  try {
    const file = join(directory, 'connector.yaml');
    await writeFile(
      file,
      `sources:
  - { name: whole, write_key: test-write-key }
  - { name: second, write_key: wk_second, host: "${second.receiver.url}" }
`,
    );
    const env = { CONFIG_FILE: file, SEGMENT_WRITE_KEY: '' };
    const command = async (...argv: readonly string[]): Promise<{ code: number; out: string; err: string }> =>
      invoked(argv, { ...brand.env, ...env });
    const first = brand.run('all', env);
    await first.logged('capture is streaming');
    await brand.business(1);
    expect((await brand.verdict({ at: second.arrivals })).findings).toEqual([]);
    await deliveredIsKnown(brand);

    expect(await command('pause')).toMatchObject({
      code: 70,
      err: expect.stringContaining('name one with --source'),
    });
    const paused = await command('pause', '--source', 'second');
    expect(paused).toMatchObject({ code: 0, err: '' });
    expect(paused.out).toContain('Source second is paused: nothing is delivered to it');
    await first.logged('the source is paused: nothing is delivered to it');
    const before = second.arrivals.calls.length;
    await brand.business(1);
    expect((await brand.verdict()).findings).toEqual([]);
    expect((await command('status')).out).toMatch(/source second +paused for \d+ s/);

    // It is written down where a Redis that loses everything does not take it along.
    await emptyRedis(brand);
    await first.logged('redis is healed');
    await brand.business(1);
    expect(await first.end('SIGTERM'), first.log()).toBe(0);
    const next = brand.run('all', env);
    await next.logged('capture is streaming');
    await next.logged('the source is paused: nothing is delivered to it');
    await brand.business(1);
    expect((await brand.verdict()).findings, next.log()).toEqual([]);
    expect(second.arrivals.calls.length).toBe(before);

    expect(await command('resume', '--source', 'second')).toMatchObject({
      code: 0,
      out: 'Source second goes on.\n',
    });
    const { findings, total } = await brand.verdict({ at: second.arrivals });
    expect(findings, next.log()).toEqual([]);
    expect(total.again).toBe(0);

    // Or by the file.
    await writeFile(
      file,
      `sources:
  - { name: whole, write_key: test-write-key }
  - { name: second, write_key: wk_second, host: "${second.receiver.url}", paused: true }
`,
    );
    await next.logged('the changed configuration is in force');
    const then = second.arrivals.calls.length;
    await brand.business(1);
    expect((await brand.verdict()).findings).toEqual([]);
    expect(second.arrivals.calls.length).toBe(then);
    expect((await command('resume', '--source', 'second')).out).toContain('which holds still');
    expect((await command('status')).out).toMatch(/source second +paused by its configuration\n/);
    const told = JSON.parse((await command('status', '--json')).out) as { pausedByConfiguration: string[] };
    expect(told.pausedByConfiguration).toEqual(['second']);
    await writeFile(
      file,
      `sources:
  - { name: whole, write_key: test-write-key }
  - { name: second, write_key: wk_second, host: "${second.receiver.url}" }
`,
    );
    await eventually(() => second.arrivals.calls.length > then, 'what waited');
    expect((await brand.verdict({ at: second.arrivals })).findings, next.log()).toEqual([]);
    expect(await next.end('SIGTERM'), next.log()).toBe(0);
  } finally {
    await rm(directory, { recursive: true });
  }
}, 180_000);
