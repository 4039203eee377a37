import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConnectorError } from '../../src/errors/connector-error.js';
import { purchase, seedAccount, seedBrand } from '../support/brand.js';
import { captured, PUBLICATION, setUpConnector, slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

let db: TestDatabase;

beforeEach(async () => {
  db = await testDatabase();
  await seedBrand(db);
  await seedAccount(db, { accountId: 1 });
  await setUpConnector(db);
});

afterEach(async () => {
  await db.close();
});

/** Captures one purchase and stops: from here on there is a checkpoint with something behind it. */
async function captureOnce(): Promise<void> {
  const capture = await captured(db);
  await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
  await capture.until('px-777777-add_redeem-1');
  await capture.stop();
}

async function failureOfStart(): Promise<ConnectorError> {
  await using capture = await captured(db);
  const failure: unknown = await capture.running.then(
    () => null,
    (error: unknown) => error,
  );
  expect(capture.calls).toEqual([]);
  expect(failure).toBeInstanceOf(ConnectorError);
  return failure as ConnectorError;
}

describe('a start says what may be missing, and sends nothing past it', () => {
  it('when the slot was dropped', async () => {
    await captureOnce();
    await purchase(db, { transactionId: 2, accountId: 1, points: 1 });
    await db.sql(`SELECT pg_drop_replication_slot('${slotOf(db)}')`);
    expect(await failureOfStart()).toMatchObject({ code: 'CAPTURE_GAP', facts: { reason: 'slot-missing' } });
  });

  it('when the slot was dropped and created again', async () => {
    await captureOnce();
    await purchase(db, { transactionId: 2, accountId: 1, points: 1 });
    await db.sql(`SELECT pg_drop_replication_slot('${slotOf(db)}')`);
    await db.sql(`SELECT pg_create_logical_replication_slot('${slotOf(db)}', 'pgoutput')`);
    const failure = await failureOfStart();
    expect(failure).toMatchObject({ code: 'CAPTURE_GAP', facts: { reason: 'slot-recreated' } });
    expect(failure.facts['from']).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    expect(failure.facts['to']).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
  });

  it('when somebody advanced the slot', async () => {
    await captureOnce();
    await purchase(db, { transactionId: 2, accountId: 1, points: 1 });
    await db.sql(`SELECT pg_replication_slot_advance('${slotOf(db)}', pg_current_wal_lsn())`);
    const failure = await failureOfStart();
    expect(failure.code).toBe('CAPTURE_GAP');
    expect(['slot-ahead', 'slot-recreated']).toContain(failure.facts['reason']);
    expect(failure.advice).toContain('--accept-gap');
  });

  it('when the publication was dropped and created again', async () => {
    await captureOnce();
    const { rows } = await db.sql<{ tables: string }>(
      `SELECT string_agg(format('%s (%s)', t.schemaname || '.' || t.tablename, array_to_string(t.attnames, ', ')), ', ') AS tables
         FROM pg_publication_tables t WHERE pubname = '${PUBLICATION}' AND t.tablename IN ('guest', 'checkin')`,
    );
    await db.sql(
      `DROP PUBLICATION ${PUBLICATION}; CREATE PUBLICATION ${PUBLICATION} FOR TABLE ${rows[0]?.tables}`,
    );
    expect(await failureOfStart()).toMatchObject({ code: 'PUBLICATION_CHANGED' });
  });

  it('when set-up was never run', async () => {
    await db.sql(
      `SELECT pg_drop_replication_slot('${slotOf(db)}'); DELETE FROM segment_connector.checkpoint`,
    );
    expect(await failureOfStart()).toMatchObject({ code: 'SLOT_MISSING' });
  });
});

describe('while it runs', () => {
  it('a table taken out of the publication and put back stops capture within seconds', async () => {
    await using capture = await captured(db);
    await eventually(() => capture.states.some(({ tag }) => tag === 'streaming'), 'streaming');
    await db.sql(
      `ALTER PUBLICATION ${PUBLICATION} DROP TABLE txn.recharge; ALTER PUBLICATION ${PUBLICATION} ADD TABLE txn.recharge`,
    );
    await expect(capture.running).rejects.toMatchObject({ code: 'PUBLICATION_CHANGED' });
  });

  it('a mapped column that is gone stops capture with the table, the column and the fix, and confirms nothing past it', async () => {
    await using capture = await captured(db);
    await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
    await capture.until('px-777777-add_redeem-1');
    await db.sql(`ALTER TABLE loyalty.account RENAME COLUMN tier_code TO grade`);
    await db.sql(`UPDATE loyalty.account SET grade = 2 WHERE account_id = 1`);
    await purchase(db, { transactionId: 2, accountId: 1, points: 1 });
    const failure = await capture.running.then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({
      code: 'SCHEMA_DRIFT',
      facts: { table: 'loyalty.account', column: 'tier_code' },
    });
    await db.sql(`ALTER TABLE loyalty.account RENAME COLUMN grade TO tier_code`);
  });

  it('old rows that are no longer sent stop capture instead of guessing', async () => {
    await using capture = await captured(db);
    await eventually(() => capture.states.some(({ tag }) => tag === 'streaming'), 'streaming');
    await db.sql(`ALTER TABLE loyalty.account REPLICA IDENTITY DEFAULT`);
    await db.sql(`UPDATE loyalty.account SET tier_code = 2 WHERE account_id = 1`);
    await expect(capture.running).rejects.toMatchObject({ code: 'REPLICA_IDENTITY' });
  });
});

describe('values that JSON cannot carry', () => {
  it('become null, and what cannot be read sets aside that one event; the stream goes on', async () => {
    await using capture = await captured(db);
    await db.sql(`
      INSERT INTO txn.pos_check (check_id, merchant_id, store_id, check_number, business_date, total) VALUES (5, 777777, 2, 'c5', current_date, 'NaN');
      INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, card_id, store_id, transaction_type, result, origin, pos_transaction_at, check_id)
        VALUES (2, 777777, 1, 1, 2, 'BALANCE_INQUIRY', 'AUTHORIZED', 'POS', 'infinity', 5)`);
    await seedAccount(db, { accountId: 2 });
    await db.sql(
      `UPDATE loyalty.account_wallet SET expirations = '{"not": "an array"}' WHERE account_id = 2 AND wallet_code = 3`,
    );
    await purchase(db, { transactionId: 3, accountId: 2, points: 1 });
    await db.sql(
      `UPDATE loyalty.account_wallet SET lifetime_added = 'NaN' WHERE account_id = 1 AND wallet_code = 3`,
    );
    await purchase(db, { transactionId: 4, accountId: 1, points: 1 });
    const calls = await capture.until(
      'px-777777-pos_activity-2',
      'px-777777-add_redeem-3',
      'px-777777-add_redeem-4',
    );
    const odd = calls.find((call) => call.messageId === 'px-777777-pos_activity-2');
    expect(odd?.derived.tag).toBe('event');
    expect(odd?.body.properties).toMatchObject({ check_total: null, clock_suspect: true });
    const unreadable = calls.find((call) => call.messageId === 'px-777777-add_redeem-3');
    expect(unreadable?.derived).toMatchObject({ tag: 'rejected' });
    const after = calls.find((call) => call.messageId === 'px-777777-add_redeem-4');
    const wallets = after?.body.properties['all_wallets_info'] as { lifetime_added: number | null }[];
    expect(wallets[0]?.lifetime_added).toBeNull();
  });
});

describe('times that no calendar of JSON has', () => {
  it.each([
    ['before our era', '0044-03-15 12:00:00+00 BC'],
    ['the first that the server knows', '4714-11-24 00:00:00+00 BC'],
    ['the last that the server knows', '294276-12-31 23:59:59.999999+00'],
    ['minus infinity', '-infinity'],
  ])('%s: the time of a till gives way to that of the posting', async (_, time) => {
    await using capture = await captured(db);
    await db.sql(`
      INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, card_id, store_id, transaction_type, result, origin, pos_transaction_at)
        VALUES (2, 777777, 1, 1, 2, 'BALANCE_INQUIRY', 'AUTHORIZED', 'POS', '${time}');
      UPDATE loyalty.account SET registered_at = '${time}' WHERE account_id = 1;
      UPDATE loyalty.account_wallet SET updated_at = '${time}' WHERE account_id = 1 AND wallet_code = 3`);
    await purchase(db, { transactionId: 3, accountId: 1, points: 1 });
    const calls = await capture.until('px-777777-pos_activity-2', 'px-777777-add_redeem-3');
    const { rows } = await db.sql<{ ms: string }>(
      'SELECT floor(extract(epoch FROM posted_at) * 1000)::bigint AS ms FROM txn.transaction WHERE transaction_id = 2',
    );
    const odd = calls.find(({ messageId }) => messageId === 'px-777777-pos_activity-2');
    expect(odd?.derived.tag).toBe('event');
    expect(odd?.body.properties).toMatchObject({ clock_suspect: true });
    expect(Date.parse(String(odd?.body['timestamp']))).toBe(Number(rows[0]?.ms));
    const after = calls.find(({ messageId }) => messageId === 'px-777777-add_redeem-3');
    expect(after?.derived.tag).toBe('event');
  });

  it.each([
    ['before our era', '0044-03-15 12:00:00+00 BC'],
    ['the last that the server knows', '294276-12-31 23:59:59.999999+00'],
  ])('%s: a row’s own time gives way to that of its commit, and other times are null', async (_, time) => {
    await using capture = await captured(db);
    await db.sql(
      `UPDATE loyalty.account_wallet SET updated_at = '${time}' WHERE account_id = 1 AND wallet_code = 11`,
    );
    await db.sql(`
      INSERT INTO loyalty.checkin (checkin_id, merchant_id, account_id, channel, checkin_time, expiration_time) VALUES (10, 777777, 1, 'APP', '${time}', '${time}');
      INSERT INTO loyalty.referral (referral_id, merchant_id, referrer_account_id, channel, status, created_at) VALUES (10, 777777, 1, 'EMAIL', 'SENT', '${time}')`);
    const committed = await db.sql<{ ms: string }>(
      'SELECT floor(extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::bigint AS ms FROM loyalty.checkin WHERE checkin_id = 10',
    );
    const ids = ['px-777777-check_in-10', 'px-777777-referral-10'];
    const calls = await capture.until(...ids);
    for (const id of ids) {
      const call = calls.find(({ messageId }) => messageId === id);
      expect(call?.derived.tag, id).toBe('event');
      expect(Date.parse(String(call?.body['timestamp'])), id).toBe(Number(committed.rows[0]?.ms));
      const wallets = call?.body.properties['all_wallets_info'] as Record<string, unknown>[];
      expect(wallets.find((one) => one['wallet_code'] === '11')?.['updated_at'], id).toBeNull();
      expect(call?.body.properties['expiration_time'] ?? null, id).toBeNull();
    }
  });
});

describe('a queue that takes nothing', () => {
  it('holds capture back with flat memory and a slot that keeps what was not confirmed', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await using capture = await captured(db, { gate: () => gate, keep: false });
    await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
    await eventually(
      () => capture.service.positions?.oldestOpen != null,
      'a transaction that does not settle',
    );
    const confirmed = `SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '${slotOf(db)}'`;
    const before = (await db.sql(confirmed)).rows;
    const held = process.memoryUsage();
    // 150 MB of rows, several times what may be buffered.
    for (let round = 0; round < 15; round += 1) {
      await db.sql(`INSERT INTO loyalty.store (store_id, merchant_id, store_code, store_name, timezone)
        SELECT ${1_000_000 + round * 10_000} + n, 777777, 'r${round}-' || n, repeat('x', 1000), 'UTC' FROM generate_series(1, 10000) n`);
    }
    await eventually(() => capture.states.length > 0, 'states');
    const now = process.memoryUsage();
    expect((now.external + now.heapUsed - held.external - held.heapUsed) / 1_048_576).toBeLessThan(150);
    expect((await db.sql(confirmed)).rows).toEqual(before);
    open();
    await purchase(db, { transactionId: 2, accountId: 1, points: 1 });
    await eventually(() => capture.service.positions?.oldestOpen === null, 'everything settled', 60_000);
    await eventually(
      async () =>
        (await db.sql(confirmed)).rows[0]?.['confirmed_flush_lsn'] !== before[0]?.['confirmed_flush_lsn'],
      'confirmed',
    );
  }, 90_000);
});
