import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { system, type System } from '../support/system.js';
import { invoke } from '../cli/invoke.js';

interface Said {
  readonly floor: { readonly heldBy: string; readonly says: string };
  readonly postgres: {
    readonly slot: { readonly active: boolean; readonly retainedBytes: number };
    readonly replaySlot: { readonly slotName: string };
    readonly checkpoint: { readonly endLsn: string; readonly deliveredLsn: string };
    readonly openGaps: readonly unknown[];
    readonly transaction: { readonly applicationName: string } | null;
  } | null;
  readonly redis: {
    readonly lanes: readonly {
      readonly lane: string;
      readonly queuedSeq: number;
      readonly deliveredSeq: number;
      readonly jobs: number;
    }[];
    readonly deadLetters: Readonly<Record<string, number>>;
    readonly suppressedGuests: number;
  } | null;
}

async function status(brand: System): Promise<Said & { exitCode: number }> {
  const { exitCode, out, err } = await invoke(['status', '--json'], brand.env);
  expect(err).toBe('');
  return { exitCode, ...(JSON.parse(out) as Said) };
}

async function heldBy(brand: System, holder: string): Promise<string> {
  let says = '';
  await eventually(
    async () => {
      const { floor } = await status(brand);
      says = floor.says;
      return floor.heldBy === holder;
    },
    () => `held by ${holder}; ${says}`,
    30_000,
  );
  return says;
}

test('status says where everything stands and names who holds the floor, with and without a connector', async () => {
  await using brand = await system({ seed: 51, guests: 30 });
  expect(await heldBy(brand, 'capture')).toContain('Capture is not running: nobody holds slot');
  const connector = brand.run('all', { REPLAY_RETENTION: '0s' });
  await connector.logged('capture is streaming');
  await brand.business(2);
  await brand.verdict();
  await heldBy(brand, 'nothing');
  const calm = await status(brand);
  expect(calm.exitCode).toBe(0);
  // Other tests' transactions come and go on the same server: who holds the floor was asked above.
  expect(calm.postgres).toMatchObject({ slot: { active: true }, openGaps: [] });
  expect(calm.postgres?.replaySlot.slotName).toMatch(/_replay$/);
  const live = calm.redis?.lanes.find(({ lane }) => lane === '0');
  expect(live?.deliveredSeq).toBeGreaterThan(0);
  expect(live).toMatchObject({ queuedSeq: live?.deliveredSeq, jobs: 0 });

  // A till that forgot to commit, and more WAL than anyone overlooks. Decoding knows of it by what it wrote.
  const till = await brand.db.session();
  await till.query(
    `SET application_name = 'till 7'; BEGIN; SELECT pg_logical_emit_message(true, 'till', 'not committed')`,
  );
  await brand.db.sql(
    `SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000)) FROM generate_series(1, 40)`,
  );
  expect(await heldBy(brand, 'transaction')).toMatch(/\(till 7\), open for \d+ s, keeps \d+\.\d MiB of WAL/);
  const { out } = await invoke(['status'], brand.env);
  expect(out).toMatch(/oldest open transaction +PID \d+, till 7, open for/);
  await till.query('ROLLBACK');

  brand.receiver.respondWith(() => ({ tag: 'status', status: 401, body: 'who are you' }));
  await brand.business(1);
  expect(await heldBy(brand, 'lane')).toMatch(
    /^Source default has been standing still for \d+ s: SOURCE_REFUSED\./,
  );
  brand.receiver.respondWith(null);

  expect(await connector.end('SIGTERM')).toBe(0);
  expect(await heldBy(brand, 'capture')).toContain('of WAL for it');
  await brand.redis.stop();
  const text = await invoke(['status'], brand.env);
  expect(text.exitCode).toBe(1);
  expect(text.out).toMatch(/Redis\n {2}does not answer: .*\n\nCapture is not running/);
  await brand.redis.start();
}, 90_000);
