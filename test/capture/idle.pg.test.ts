import { test } from 'vitest';
import { purchase, seedAccount, seedBrand } from '../support/brand.js';
import { captured, setUpConnector, slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { testDatabase } from '../support/postgres.js';

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
