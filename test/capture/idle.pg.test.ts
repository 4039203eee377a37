import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.js';
import { purchase, seedAccount, seedBrand } from '../support/brand.js';
import { captured, setUpConnector, slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { system, type System } from '../support/system.js';

test('an idle publication beside a busy other table lets the server forget its WAL', async () => {
  await using db = await testDatabase();
  await seedBrand(db);
  await seedAccount(db, { accountId: 1 });
  await setUpConnector(db);
  await using capture = await captured(db);
  await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
  await capture.until('px-777777-add_redeem-1');
  await db.sql('CREATE TABLE public.busy (n int, filler text)');
  await db.sql(`INSERT INTO public.busy SELECT n, repeat('x', 1000) FROM generate_series(1, 4000) n`);
  const { rows } = await db.sql<{ lsn: string }>('SELECT pg_current_wal_lsn() AS lsn');
  const written = `SELECT count(*)::int AS n FROM pg_replication_slots WHERE slot_name = '${slotOf(db)}' AND confirmed_flush_lsn >= '${rows[0]?.lsn}'`;
  await eventually(
    async () => (await db.sql(written)).rows[0]?.['n'] === 1,
    'the WAL of the busy table confirmed',
    30_000,
  );
  await capture.stop();
}, 60_000);

const MIB = 1_048_576;

/** So much WAL of no concern to the publication, and what lets slots move on: the server's note of who is at work. */
async function busy(db: TestDatabase, bytes: number): Promise<void> {
  await db.sql(
    `INSERT INTO public.busy SELECT n, repeat('x', 1000) FROM generate_series(1, ${Math.floor(bytes / 1_100)}) n`,
  );
  await db.sql('CHECKPOINT');
}

/** Of the main slot and the replay slot, whether they need WAL from before this position, and how much they keep. */
async function slots(
  { db }: System,
  lsn: string,
): Promise<readonly { name: string; past: boolean; kept: number }[]> {
  const { rows } = await db.sql<{ name: string; past: boolean; kept: string }>(
    `SELECT slot_name AS name, restart_lsn > $2::pg_lsn AS past, pg_current_wal_lsn() - restart_lsn AS kept
      FROM pg_replication_slots WHERE slot_name = ANY($1) ORDER BY slot_name`,
    [[slotOf(db), `${slotOf(db)}_replay`], lsn],
  );
  return rows.map((row) => ({ ...row, kept: Number(row.kept) }));
}

const SMALL_WAL = { min_wal_size: '32MB', max_wal_size: '64MB' };

test.each([
  ['with no retention', { REPLAY_RETENTION: '0s' }],
  ['with the usual retention, at the least limit there is', { REPLAY_MAX_WAL: '64MiB' }],
])(
  'an idle publication, %s: both slots follow a busy other table, and the files of its WAL are gone',
  async (_, env) => {
    await using server = await startEmbeddedPostgres({ settings: SMALL_WAL });
    await using brand = await system({ server: server.url(), seed: 98, guests: 20 });
    const { db } = brand;
    await db.sql('CREATE TABLE public.busy (n int, filler text)');
    const connector = brand.run('all', env);
    await connector.logged('capture is streaming');
    await brand.business(1);
    await brand.verdict();
    const { rows } = await db.sql<{ lsn: string }>(
      'SELECT (pg_current_wal_lsn() + 10 * $1::numeric)::text AS lsn',
      [MIB],
    );
    const goal = rows[0]?.lsn ?? '';
    for (let written = 0; written < 40; written += 1) await busy(db, MIB);
    let found = await slots(brand, goal);
    await eventually(
      async () => {
        await busy(db, MIB);
        // At a rate that the limit bears: the slots are looked after every five seconds.
        await delay(1_000);
        found = await slots(brand, goal);
        return found.length === 2 && found.every(({ past }) => past);
      },
      () => `both slots past ${goal}: ${JSON.stringify(found)}\n${connector.log()}`,
      55_000,
    );
    await eventually(async () => {
      await db.sql('CHECKPOINT');
      const files = await db.sql<{ gone: boolean }>(
        'SELECT min(name) >= pg_walfile_name($1::pg_lsn) AS gone FROM pg_ls_waldir() WHERE length(name) = 24',
        [goal],
      );
      return files.rows[0]?.gone === true;
    }, 'its files gone');
    expect(connector.log()).not.toContain('the replay slot was dropped');
    expect(await connector.end('SIGTERM')).toBe(0);
  },
  90_000,
);
