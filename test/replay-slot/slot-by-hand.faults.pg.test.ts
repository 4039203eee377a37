import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { createConnector } from '../../src/app.js';
import { parseConfig } from '../../src/config/parse.js';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.js';
import { ConnectorError } from '../../src/errors/connector-error.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import { parseLsn } from '../../src/postgres/lsn.js';
import { purchase, seedAccount, seedBrand } from '../support/brand.js';
import { captured, setUpConnector, slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { system } from '../support/system.js';

async function prepared(db: TestDatabase): Promise<void> {
  await seedBrand(db);
  await seedAccount(db, { accountId: 1 });
  await setUpConnector(db);
}

async function captureOnce(db: TestDatabase, transactionId: number): Promise<void> {
  const capture = await captured(db);
  await purchase(db, { transactionId, accountId: 1, points: 1 });
  await capture.until(`px-777777-add_redeem-${transactionId}`);
  await capture.stop();
}

async function failureOfStart(db: TestDatabase): Promise<ConnectorError> {
  await using capture = await captured(db);
  const failure: unknown = await capture.running.then(
    () => null,
    (error: unknown) => error,
  );
  expect(capture.calls).toEqual([]);
  expect(failure).toBeInstanceOf(ConnectorError);
  return failure as ConnectorError;
}

/** The span holds the lost commit, and the commands can be copied as they are. */
function expectNamedGap(failure: ConnectorError, reason: string, lostCommitUs: number): void {
  expect(failure).toMatchObject({ code: 'CAPTURE_GAP', action: 'stop', facts: { reason } });
  const { from, to, fromTime, toTime, recover, backfill } = failure.facts;
  expect(parseLsn(String(from))).toBeLessThan(parseLsn(String(to)));
  expect(Date.parse(String(fromTime))).toBeLessThanOrEqual(lostCommitUs / 1_000);
  expect(Date.parse(String(toTime))).toBeGreaterThanOrEqual(lostCommitUs / 1_000);
  expect(recover).toBe('paytronix-segment recover');
  const span = /^paytronix-segment backfill --event all --since (\S+) --until (\S+)$/.exec(String(backfill));
  expect(Date.parse(span?.[1] ?? '')).toBeLessThanOrEqual(lostCommitUs / 1_000);
  expect(Date.parse(span?.[2] ?? '')).toBeGreaterThanOrEqual(lostCommitUs / 1_000);
  expect(failure.message).toContain('paytronix-segment recover');
  expect(failure.advice).toContain('paytronix-segment recover');
}

describe('a slot that somebody reset by hand', () => {
  let db: TestDatabase;
  beforeEach(async () => {
    db = await testDatabase();
    await prepared(db);
    await captureOnce(db, 1);
  });
  afterEach(async () => {
    await db.close();
  });

  it('dropped: the gap is named up to now', async () => {
    const lostUs = await purchase(db, { transactionId: 2, accountId: 1, points: 1 });
    await db.sql(`SELECT pg_drop_replication_slot('${slotOf(db)}')`);
    expectNamedGap(await failureOfStart(db), 'slot-missing', lostUs);
  });

  it('dropped and made anew: the gap is named up to where the new one begins', async () => {
    const lostUs = await purchase(db, { transactionId: 2, accountId: 1, points: 1 });
    await db.sql(`SELECT pg_drop_replication_slot('${slotOf(db)}')`);
    await db.sql(`SELECT pg_create_logical_replication_slot('${slotOf(db)}', 'pgoutput')`);
    expectNamedGap(await failureOfStart(db), 'slot-recreated', lostUs);
  });

  it('advanced: the gap is named up to where it stands', async () => {
    const lostUs = await purchase(db, { transactionId: 2, accountId: 1, points: 1 });
    await db.sql(`SELECT pg_replication_slot_advance('${slotOf(db)}', pg_current_wal_lsn())`);
    const failure = await failureOfStart(db);
    expect(['slot-ahead', 'slot-recreated']).toContain(failure.facts['reason']);
    expectNamedGap(failure, String(failure.facts['reason']), lostUs);
  });

  it('replaced by a copy made earlier: what was sent since comes again with the same ids, and nothing is missing', async () => {
    await db.sql(`SELECT pg_copy_logical_replication_slot('${slotOf(db)}', 'kept_${db.name}')`);
    await captureOnce(db, 2);
    await db.sql(`SELECT pg_drop_replication_slot('${slotOf(db)}')`);
    await db.sql(`SELECT pg_copy_logical_replication_slot('kept_${db.name}', '${slotOf(db)}')`);
    await purchase(db, { transactionId: 3, accountId: 1, points: 1 });
    await using capture = await captured(db);
    const calls = await capture.until('px-777777-add_redeem-2', 'px-777777-add_redeem-3');
    expect(calls.some(({ messageId }) => messageId === 'px-777777-add_redeem-1')).toBe(false);
    await capture.stop();
  });
});

test('a slot set back under a queue that is whole doubles nothing: the lanes know what they hold', async () => {
  await using brand = await system({ seed: 31 });
  const slot = slotOf(brand.db);
  const run = async (): Promise<ReturnType<typeof createConnector>> => {
    const config = parseConfig({ ...brand.env }, { command: 'run', role: 'all' });
    const connector = createConnector(config, { logger: silentLogger, role: 'all', clock: systemClock });
    await connector.start();
    await eventually(() => connector.health().ready, 'ready');
    return connector;
  };
  await brand.db.sql(`SELECT pg_copy_logical_replication_slot('${slot}', '${slot}_kept')`);
  const first = await run();
  await brand.business(2);
  await brand.verdict();
  await first.stop();
  await brand.db.sql(`SELECT pg_drop_replication_slot('${slot}')`);
  await brand.db.sql(`SELECT pg_copy_logical_replication_slot('${slot}_kept', '${slot}')`);
  const second = await run();
  try {
    await brand.business(1);
    const verdict = await brand.verdict();
    expect(verdict.findings).toEqual([]);
    expect(verdict.total.again).toBe(0);
  } finally {
    await second.stop();
  }
}, 90_000);

test('a slot whose WAL the server gave up is named as a gap, with the command that recovers', async () => {
  const settings = { max_slot_wal_keep_size: '16MB', min_wal_size: '32MB', max_wal_size: '32MB' };
  await using server = await startEmbeddedPostgres({ settings });
  const db = await testDatabase({ server: server.url() });
  try {
    await prepared(db);
    await captureOnce(db, 1);
    const lostUs = Date.now() * 1_000;
    await purchase(db, { transactionId: 2, accountId: 1, points: 1 });
    await eventually(async () => {
      await db.sql(
        `SELECT pg_logical_emit_message(false, 'test', 'x', true); SELECT pg_switch_wal(); CHECKPOINT`,
      );
      const { rows } = await db.sql(
        `SELECT wal_status FROM pg_replication_slots WHERE slot_name = '${slotOf(db)}' AND wal_status = 'lost'`,
      );
      return rows.length === 1;
    }, 'the slot is lost');
    expectNamedGap(await failureOfStart(db), 'slot-invalidated', lostUs);
  } finally {
    await db.close();
  }
}, 60_000);
