import { expect, test } from 'vitest';
import { invoked } from '../backfill/invoked.js';
import { PUBLICATION } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { system, type RunningProcess, type System } from '../support/system.js';
import { unending } from '../support/unending.js';

/** It ends by itself, and says that the publication is not what it was. */
async function stops(connector: RunningProcess, difference: string): Promise<void> {
  await eventually(
    () => connector.child.exitCode !== null,
    () => connector.log(),
  );
  expect(connector.child.exitCode, connector.log()).toBe(70);
  expect(connector.log()).toContain('"code":"PUBLICATION_CHANGED"');
  expect(connector.log()).toContain(difference);
}

interface RecordedGap {
  readonly reason: string;
  readonly closed: boolean;
  readonly from: string;
}

async function gaps(brand: System): Promise<readonly RecordedGap[]> {
  const { rows } = await brand.db.sql<RecordedGap>(
    `SELECT reason, closed_at IS NOT NULL AS closed, from_time::text AS from FROM segment_connector.gap ORDER BY id`,
  );
  return rows;
}

async function now(brand: System): Promise<string> {
  const { rows } = await brand.db.sql<{ now: string }>('SELECT clock_timestamp()::text AS now');
  return rows[0]?.now ?? '';
}

/** How the publication is made: as set-up does, with its columns. */
async function publicationSql(brand: System): Promise<string> {
  const { rows } = await brand.db.sql<{ tables: string }>(
    `SELECT string_agg(format('%I.%I%s', schemaname, tablename,
        CASE WHEN r.prattrs IS NULL THEN '' ELSE ' (' || array_to_string(attnames, ', ') || ')' END), ', ') AS tables
      FROM pg_publication_tables t JOIN pg_publication p USING (pubname)
        JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = format('%I.%I', schemaname, tablename)::regclass
      WHERE pubname = $1`,
    [PUBLICATION],
  );
  return `CREATE PUBLICATION ${PUBLICATION} FOR TABLE ${rows[0]?.tables}
    WITH (publish = 'insert, update, delete', publish_via_partition_root = true)`;
}

test('a publication dropped between two commits stops capture within seconds, under load; made anew by hand it is not trusted, and `recover` brings all that was not sent', async () => {
  await using brand = await system({ seed: 95, guests: 60, never: ['guest anonymised'] });
  const publication = await publicationSql(brand);
  const connector = brand.run('all');
  await connector.logged('capture is streaming');
  await brand.business(2);
  // Nothing is being written at the very moment: a commit that spans it would come in part.
  await brand.db.sql(`DROP PUBLICATION ${PUBLICATION}`);
  const droppedAt = await now(brand);
  const business = unending(brand);
  await stops(connector, 'the publication is gone');
  await business.end();
  await stops(brand.run('all'), 'the publication is gone');

  await brand.db.sql(publication);
  await brand.business(1);
  await stops(brand.run('all'), 'the publication was dropped and created again');
  const refused = await invoked(['setup'], brand.env);
  expect(refused.code).toBe(70);
  expect(refused.err).toContain('commits may be missing');
  expect(await gaps(brand)).toEqual([]);

  const recovered = await invoked(['recover'], brand.env);
  expect(recovered, recovered.out).toMatchObject({ code: 0, err: '' });
  const recorded = await gaps(brand);
  expect(recorded.map(({ closed }) => closed)).toEqual([true, true]);
  expect(recorded[0]?.reason).toContain('dropped and created again');
  for (const { from } of recorded) expect(Date.parse(from)).toBeLessThanOrEqual(Date.parse(droppedAt));
  const last = brand.run('all');
  await last.logged('capture is streaming');
  await brand.business(1);
  expect((await brand.verdict()).findings, last.log()).toEqual([]);
  expect(await last.end('SIGTERM')).toBe(0);
}, 120_000);

const DEADLOCK_DETECTED = '40P01';

/** As a person would, who is told that the business was in the way: again. */
async function dropRecharges(brand: System): Promise<void> {
  for (;;) {
    try {
      await brand.db.sql('DROP TABLE txn.recharge');
      return;
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== DEADLOCK_DETECTED) throw error;
    }
  }
}

function rechargeSql(id: number, accountId: string): string {
  return `INSERT INTO txn.recharge (recharge_id, merchant_id, account_id, card_id, wallet_code, amount, currency, recharge_kind, payment_type,
      transaction_state, requested_at, completed_at, channel)
    SELECT ${id}, c.merchant_id, c.account_id, c.card_id, 20, 25, 'USD', 'ONE_TIME', 'CREDIT_CARD', 'Succeeded', now(), now(), 'MOBILE_APP'
      FROM loyalty.card c WHERE c.account_id = ${accountId} AND c.is_primary`;
}

/** A registered guest's, who has done something by now. */
async function someAccount(
  brand: System,
): Promise<{ readonly accountId: string; readonly merchantId: number }> {
  const { rows } = await brand.db.sql<{ account_id: string; merchant_id: number }>(
    `SELECT a.account_id, a.merchant_id FROM loyalty.account a JOIN loyalty.card c USING (account_id) JOIN txn.transaction t USING (account_id)
      WHERE c.is_primary AND a.user_id IS NOT NULL AND a.account_status = 'ACTIVE' AND t.origin = 'POS' AND t.result = 'AUTHORIZED'
      ORDER BY a.account_id LIMIT 1`,
  );
  const [row] = rows;
  return { accountId: row?.account_id ?? '', merchantId: row?.merchant_id ?? 0 };
}

test('a published table dropped under load stops capture with its name; what its rows implied before that is sent once it is there again, and so is what it holds then', async () => {
  const recharges = ['recharge', 'automatic recharge', 'refunded recharge'];
  await using brand = await system({ seed: 96, guests: 60, never: [...recharges, 'guest anonymised'] });
  await brand.db.sql('CREATE TABLE txn.kept (LIKE txn.recharge INCLUDING ALL)');
  const connector = brand.run('all');
  await connector.logged('capture is streaming');
  const business = unending(brand);
  await eventually(() => brand.arrivals.calls.length > 100, 'calls');
  const { accountId, merchantId } = await someAccount(brand);
  const before = `px-${merchantId}-recharge_value-9000001`;
  await brand.db.sql(rechargeSql(9_000_001, accountId));
  await dropRecharges(brand);
  await stops(connector, 'txn.recharge was taken out');
  await business.end();
  await stops(brand.run('all'), 'txn.recharge was taken out');
  const missing = await invoked(['recover'], brand.env);
  expect(missing.code).toBe(70);
  expect(missing.err).toContain('not in this database: txn.recharge');

  await brand.db.sql('ALTER TABLE txn.kept RENAME TO recharge');
  await brand.db.sql(rechargeSql(9_000_002, accountId));
  await stops(brand.run('all'), 'txn.recharge was taken out');
  const refused = await invoked(['setup'], brand.env);
  expect(refused.code).toBe(70);
  expect(refused.err).toContain('txn.recharge was taken out');

  const recovered = await invoked(['recover'], brand.env);
  expect(recovered, recovered.out).toMatchObject({ code: 0, err: '' });
  const recorded = await gaps(brand);
  expect(recorded.map(({ closed }) => closed)).toEqual([true]);
  expect(recorded[0]?.reason).toContain('txn.recharge was taken out');
  const last = brand.run('all');
  await last.logged('capture is streaming');
  await brand.db.sql(rechargeSql(9_000_003, accountId));
  await brand.business(1);
  // The row that went with the old table no longer implies its event, which was sent all the same.
  const { findings } = await brand.verdict();
  expect(findings, last.log()).toEqual([
    { kind: 'extra', name: 'Recharge Value', messageId: before, detail: '' },
  ]);
  expect(await last.end('SIGTERM')).toBe(0);
}, 120_000);
