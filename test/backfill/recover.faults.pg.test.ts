import { once } from 'node:events';
import { expect, test } from 'vitest';
import { slotOf } from '../support/captured.js';
import { MERCHANT, purchase } from '../support/brand.js';
import { startConnectorProcess } from '../support/connector-process.js';
import { eventually } from '../support/eventually.js';
import { invoked } from './invoked.js';
import { servers, type Servers } from './servers.js';
import { tills } from './tills.js';

async function gaps(brand: Servers): Promise<readonly { reason: string; closed: boolean }[]> {
  const { rows } = await brand.db.sql<{ reason: string; closed: boolean }>(
    'SELECT reason, closed_at IS NOT NULL AS closed FROM segment_connector.gap ORDER BY id',
  );
  return rows;
}

function idsOf(brand: Servers): Set<string> {
  return new Set(brand.arrivals.calls.map(({ messageId }) => messageId));
}

async function dropSlots(brand: Servers): Promise<void> {
  await brand.db.sql(
    'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()',
  );
}

test('a recovery killed half-way is gone on with: the gap stays open until all of it is delivered', async () => {
  await using brand = await servers();
  await tills(brand.db, { members: 5, purchases: 160 });
  await dropSlots(brand);
  const child = startConnectorProcess(['recover', '--rows-per-second', '80'], brand.env, 'ignore');
  const exited = once(child, 'exit');
  await eventually(() => brand.arrivals.calls.length >= 120, 'calls of the first process', 30_000);
  child.kill('SIGKILL');
  await exited;
  expect(await gaps(brand)).toMatchObject([{ closed: false }]);
  const ended = await invoked(['recover'], brand.env);
  expect(ended.out).toContain('resuming run 1');
  expect(ended.out).toContain('Gap 1 is closed.');
  expect(ended).toMatchObject({ code: 0, err: '' });
  expect(await gaps(brand)).toMatchObject([{ closed: true }]);
  const ids = idsOf(brand);
  for (let id = 1_001; id <= 1_160; id += 1)
    expect(ids.has(`px-${MERCHANT}-add_redeem-${id}`), String(id)).toBe(true);
}, 60_000);

test('a slot advanced by hand, and a publication made anew, are gaps that recover fills', async () => {
  await using brand = await servers();
  await tills(brand.db, { members: 3, purchases: 20 });
  await brand.db.sql(`SELECT pg_replication_slot_advance($1, pg_current_wal_lsn())`, [slotOf(brand.db)]);
  const advanced = await invoked(['recover'], brand.env);
  expect(advanced).toMatchObject({ code: 0, err: '' });
  expect(idsOf(brand).has(`px-${MERCHANT}-pos_activity-1020`)).toBe(true);

  await brand.db.sql('DROP PUBLICATION paytronix_segment');
  await purchase(brand.db, { transactionId: 3_000, accountId: 1, points: 5 });
  const republished = await invoked(['recover'], brand.env);
  expect(republished).toMatchObject({ code: 0, err: '' });
  expect(republished.out).toMatch(/created +publication/);
  expect(idsOf(brand).has(`px-${MERCHANT}-pos_activity-3000`)).toBe(true);
  expect((await gaps(brand)).every(({ closed }) => closed)).toBe(true);
  // One for what was published otherwise, one for the slot made anew: filled together.
  expect(republished.out.match(/^Gap \d+: /gm)).toHaveLength(2);
  expect(republished.out.match(/^Delivered /gm)).toHaveLength(1);
  const check = await invoked(['recover'], brand.env);
  expect(check.out).toContain('Nothing to recover: no gap is open.');
}, 60_000);

test('a guest deleted while the slot was gone is suppressed, also for what was queued before', async () => {
  await using brand = await servers();
  await tills(brand.db, { members: 2, purchases: 4 });
  await brand.db.sql(`UPDATE loyalty.guest SET status = 'ANONYMIZED' WHERE user_id = 1`);
  await dropSlots(brand);
  const ended = await invoked(['recover'], brand.env);
  expect(ended).toMatchObject({ code: 0, err: '' });
  const { rows } = await brand.db.sql('SELECT guest_id FROM segment_connector.suppressed_guest');
  expect(rows).toEqual([{ guest_id: '1' }]);
  expect(brand.arrivals.calls.map(({ accountId }) => accountId)).not.toContain('1');
  expect(brand.arrivals.calls.map(({ accountId }) => accountId)).toContain('2');
}, 60_000);

test('a source that was added later is sent nothing older by recover, nor by a backfill that does not ask for it', async () => {
  await using brand = await servers();
  await tills(brand.db, { members: 2, purchases: 10 });
  await brand.db.sql(
    `INSERT INTO segment_connector.source (slot_name, source, added_lsn, added_at)
     VALUES ($1, 'default', pg_current_wal_lsn(), clock_timestamp()), ($1, 'another', '0/0', '2026-01-01')`,
    [slotOf(brand.db)],
  );
  await purchase(brand.db, { transactionId: 3_000, accountId: 1, points: 5 });
  await dropSlots(brand);
  const ended = await invoked(['recover'], brand.env);
  expect(ended).toMatchObject({ code: 0, err: '' });
  expect(ended.out).toContain('Gap 1 is closed.');
  const newer = ['add_redeem', 'pos_activity'].map((event) => `px-${MERCHANT}-${event}-3000`);
  expect([...idsOf(brand)].toSorted()).toEqual(newer);

  const activity = ['backfill', '--event', 'pos_activity', '--yes'];
  expect(await invoked(activity, brand.env)).toMatchObject({ code: 0, err: '' });
  expect([...idsOf(brand)].toSorted()).toEqual(newer);
  expect(await invoked([...activity, '--since', '1h'], brand.env)).toMatchObject({ code: 0, err: '' });
  expect(idsOf(brand).size).toBe(newer.length + 10);
}, 60_000);

test('a source that is configured but has not run yet is no reason to read a gap, nor to keep it open', async () => {
  await using brand = await servers();
  await tills(brand.db, { members: 2, purchases: 3 });
  await brand.db.sql(
    `INSERT INTO segment_connector.source (slot_name, source, added_lsn, added_at) VALUES ($1, 'another', '0/0', '2026-01-01')`,
    [slotOf(brand.db)],
  );
  await dropSlots(brand);
  const ended = await invoked(['recover'], brand.env);
  expect(ended).toMatchObject({ code: 0, err: '' });
  expect(ended.out).toContain('Gap 1 is closed.');
  expect(brand.arrivals.calls).toEqual([]);
}, 60_000);
