import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lifecycle/clock.js';
import type { Mapping } from '../../src/mapping/mapping.js';
import { REFERENCE_MAPPING } from '../../src/mapping/reference.js';
import { silentLogger } from '../../src/observability/logger.js';
import { openKnex } from '../../src/postgres/connection.js';
import { parseLsn, type Lsn } from '../../src/postgres/lsn.js';
import { runPass } from '../../src/replay/pass.js';
import { seedBrand } from '../support/brand.js';
import { captured, PUBLICATION, setUpConnector, slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

/** As the reference schema, without tiers. */
const WITHOUT_TIERS: Mapping = {
  ...REFERENCE_MAPPING,
  tables: new Map([...REFERENCE_MAPPING.tables].filter(([name]) => name !== 'loyalty.tier')),
};

/** One commit with a row of each of two tables. */
async function commitTwoRows(db: TestDatabase): Promise<Lsn> {
  await db.sql(`BEGIN; INSERT INTO loyalty.card_template SELECT merchant_id, 77, 'Gold', 'LOYALTY' FROM loyalty.merchant LIMIT 1;
    INSERT INTO loyalty.tier SELECT merchant_id, 77, 1, 'Gold' FROM loyalty.merchant LIMIT 1; COMMIT`);
  const { rows } = await db.sql<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
  return parseLsn(rows[0]?.lsn ?? '');
}

test.each([
  ['one without tiers', { mapping: WITHOUT_TIERS }, 1],
  ['the default', {}, 2],
])('capture holds the rows of its mapping’s tables alone: %s', async (_name, options, rowCount) => {
  await using db = await testDatabase();
  await seedBrand(db);
  await setUpConnector(db);
  const received: number[] = [];
  await using capture = await captured(db, { ...options, onReceived: (rows) => received.push(rows) });
  await commitTwoRows(db);
  await eventually(() => received.some((rows) => rows > 0), 'the commit');
  expect(received.filter((rows) => rows > 0)).toEqual([rowCount]);
  await capture.stop();
});

test('a pass over the past reads the rows of its mapping’s tables alone', async () => {
  await using db = await testDatabase();
  await seedBrand(db);
  await setUpConnector(db);
  const { rows } = await db.sql<{ lsn: string }>(
    `SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = '${slotOf(db)}'`,
  );
  const from = parseLsn(rows[0]?.lsn ?? '');
  const to = await commitTwoRows(db);
  const knex = openKnex({ url: db.url });
  const spillDir = await mkdtemp(join(tmpdir(), 'pass-'));
  const counts: number[] = [];
  await runPass(
    {
      knex,
      database: { url: db.url },
      capture: {
        slotName: slotOf(db),
        publicationName: PUBLICATION,
        spillDir,
        transactionMemoryBytes: 1_048_576,
        cacheAccounts: 10,
        replayRetentionMs: 0,
        replayMaxWalBytes: 1,
      },
      slotName: slotOf(db),
      openDerivation: async () => async (transactions, settled) => {
        for (const transaction of transactions) {
          transaction.release();
          settled(transaction);
        }
      },
      mapping: WITHOUT_TIERS,
      logger: silentLogger,
      clock: systemClock,
    },
    {
      range: { from, fromTimeUs: null, to, toTimeUs: null },
      sink: { offer: async () => undefined, flush: async () => undefined },
      onCommit: ({ rowCount }) => counts.push(rowCount),
      onSettled: () => undefined,
      signal: new AbortController().signal,
    },
  );
  expect(counts).toEqual([1]);
  await knex.destroy();
  await rm(spillDir, { recursive: true });
});
