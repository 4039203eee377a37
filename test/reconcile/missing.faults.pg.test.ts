import pg from 'pg';
import { expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.js';
import type { Reconciliation } from '../../src/reconcile/reconcile.js';
import { DeadLetters } from '../../src/queue/dead-letters.js';
import { clientConfig } from '../../src/postgres/connection.js';
import { closeRedis, connectRedis } from '../../src/queue/redis.js';
import { Patrons } from '../chaos/patrons.js';
import { eventually } from '../support/eventually.js';
import { system, type System } from '../support/system.js';
import { differences, reconciled, total, undecidable } from './system.js';

const SLOW = 150_000;

function expectAllAccounted(found: Reconciliation): void {
  expect(total(found, 'delivered') + total(found, 'suppressed') + undecidable(found)).toBe(
    total(found, 'expected'),
  );
}

interface Ran {
  readonly code: number;
  readonly out: string;
}

async function run(brand: System, ...argv: string[]): Promise<Ran> {
  let out = '';
  const never = new AbortController().signal;
  const code = await runProgram(argv, {
    env: brand.env,
    out: { write: (text) => (out += text) },
    err: { write: (text) => (out += text) },
    signal: never,
    force: never,
  });
  return { code, out };
}

/** Of a guest of its own, whom nobody else touches. */
async function onePurchase({ db }: System): Promise<void> {
  const pool = new pg.Pool(clientConfig({ url: db.url, applicationName: 'patron' }));
  try {
    const patron = await new Patrons(pool).enrol();
    const client = await pool.connect();
    await client.query('BEGIN');
    await patron.purchase(client);
    await client.query('COMMIT');
    client.release();
  } finally {
    await pool.end();
  }
}

test(
  'a dead letter that was dropped is named with its minute and id, a repair sends it and nothing else',
  async () => {
    await using brand = await system({ seed: 32 });
    const connector = brand.run('all');
    await connector.logged('capture is streaming');
    await brand.business(5);
    await eventually(async () => total(await reconciled(brand), 'toCapture') === 0, 'all captured', 30_000);
    await eventually(async () => total(await reconciled(brand), 'queued') === 0, 'all delivered', 30_000);

    // A guest whom nothing happens to later, so that the tables still tell of the call that the receiver refuses.
    let refused: string | null = null;
    brand.receiver.respondWith((request) => {
      refused ??= request.messageIds.find((id) => id.includes('-pos_activity-')) ?? null;
      return refused !== null && request.messageIds.includes(refused)
        ? { tag: 'status', status: 400, body: 'bad event' }
        : null;
    });
    await onePurchase(brand);
    const client = connectRedis({
      settings: { url: brand.redis.url, tls: null },
      use: 'worker',
      onError: () => undefined,
    });
    const letters = new DeadLetters('default', { client, prefix: 'paytronix', onError: () => undefined });
    await eventually(async () => (await letters.count()) === 1, 'a dead letter', 30_000);
    await eventually(async () => total(await reconciled(brand), 'toCapture') === 0, 'all captured', 30_000);
    await eventually(async () => total(await reconciled(brand), 'queued') === 0, 'all delivered', 30_000);

    const set = await reconciled(brand);
    expect([set.equal, total(set, 'deadLetters'), total(set, 'missing')]).toEqual([true, 1, 0]);

    const id = refused ?? '';
    expect(await letters.drop(id)).toBe(true);
    const lost = await run(brand, 'reconcile', '--json');
    expect(lost.code).toBe(1);
    const told = JSON.parse(lost.out) as {
      minutes: { minute: string; event: string; missing: number; extra: number; missingIds: string[] }[];
    };
    const amiss = told.minutes.filter(({ missing, extra }) => missing > 0 || extra > 0);
    expect(amiss).toEqual([
      expect.objectContaining({ event: 'POS Activity', missing: 1, extra: 0, missingIds: [id] }),
    ]);
    expect(amiss[0]?.minute).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/);

    brand.receiver.respondWith(() => null);
    const before = brand.arrivals.calls.length;
    const repaired = await run(brand, 'reconcile', '--repair');
    expect(repaired.out).toContain(id);
    expect(repaired.out).toContain('Nothing is missing and nothing is extra.');
    expect(repaired.code).toBe(0);
    expect(brand.arrivals.calls.slice(before).map(({ messageId }) => messageId)).toEqual([id]);
    const after = await reconciled(brand);
    expect(differences(after)).toEqual([]);
    expectAllAccounted(after);
    await letters.close();
    await closeRedis(client);
    expect(await connector.end('SIGTERM')).toBe(0);
  },
  SLOW,
);

test(
  'what waits is not missing; whole jobs that vanish are, to the id, and their repair makes it equal again',
  async () => {
    await using brand = await system({ seed: 33 });
    const capture = brand.run('capture');
    await capture.logged('capture is streaming');
    do await brand.business(4);
    while (total(await reconciled(brand), 'expected') <= 300);
    await eventually(async () => total(await reconciled(brand), 'toCapture') === 0, 'all captured', 30_000);
    const waiting = await reconciled(brand);
    expect(waiting.equal).toBe(true);
    expect(total(waiting, 'queued') + undecidable(waiting)).toBe(total(waiting, 'expected'));
    expect(total(waiting, 'expected')).toBeGreaterThan(300);

    expect(await capture.end('SIGTERM')).toBe(0);
    const lost = await reconciled(brand, { settleMs: 10, lanes: 0 });
    expect(total(lost, 'missing') + undecidable(lost)).toBe(total(waiting, 'expected'));
    expect(undecidable(lost)).toBeLessThan(100);

    const repaired = await run(brand, 'reconcile', '--repair');
    expect(repaired.code).toBe(0);
    const connector = brand.run('all');
    expect((await brand.verdict()).findings.filter(({ kind }) => kind !== 'out of order')).toEqual([]);
    const after = await reconciled(brand);
    expect(differences(after)).toEqual([]);
    expectAllAccounted(after);
    expect(await connector.end('SIGTERM')).toBe(0);
  },
  SLOW,
);
