import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import { clientConfig } from '../../src/postgres/connection.js';
import type { Lsn } from '../../src/postgres/lsn.js';
import { WalStream } from '../../src/replication/wal-stream.js';
import { purchase, seedAccount, seedBrand } from '../support/brand.js';
import { PUBLICATION, setUpConnector, slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

async function commitsOfCopy(db: TestDatabase, from: Lsn | null, count: number): Promise<Lsn[]> {
  const spillDir = await mkdtemp(join(tmpdir(), 'copy-'));
  const stream = new WalStream({
    connection: clientConfig({ url: db.url }),
    slotName: slotOf(db),
    publicationName: PUBLICATION,
    temporaryCopy: { from },
    spillDir,
    logger: silentLogger,
    clock: systemClock,
  });
  const ends: Lsn[] = [];
  await stream.start();
  while (ends.length < count) {
    for (const transaction of await stream.next()) {
      ends.push(transaction.endLsn);
      transaction.release();
    }
  }
  await stream.stop();
  await rm(spillDir, { recursive: true });
  return ends;
}

test('a temporary copy streams the same commits again, from any position, beside the slot in use, and leaves nothing behind', async () => {
  await using db = await testDatabase();
  await seedBrand(db);
  await seedAccount(db, { accountId: 1 });
  await setUpConnector(db);
  for (let n = 1; n <= 5; n += 1) await purchase(db, { transactionId: n, accountId: 1, points: 1 });
  const state = `SELECT confirmed_flush_lsn, restart_lsn FROM pg_replication_slots WHERE slot_name = '${slotOf(db)}'`;
  const before = (await db.sql(state)).rows;

  const all = await commitsOfCopy(db, null, 5);
  expect(await commitsOfCopy(db, null, 5)).toEqual(all);
  expect(await commitsOfCopy(db, all[2] as Lsn, 2)).toEqual(all.slice(3));

  expect((await db.sql(state)).rows).toEqual(before);
  await eventually(async () => {
    const { rows } = await db.sql(
      `SELECT slot_name FROM pg_replication_slots WHERE temporary AND database = current_database()`,
    );
    return rows.length === 0;
  }, 'no temporary slot');
});
