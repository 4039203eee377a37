import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { slotOf } from '../support/captured.js';
import type { TestDatabase } from '../support/postgres.js';
import { system } from '../support/system.js';
import { invoked } from './invoked.js';
import { SHORT } from '../support/short-form.js';

/** The guests there were from before were never to be sent. */
async function turnedOn(db: TestDatabase): Promise<string> {
  const { rows } = await db.sql<{ since: string }>(
    `SELECT to_char(enabled_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS since FROM segment_connector.checkpoint`,
  );
  return rows[0]?.since ?? '';
}

test.skipIf(SHORT)(
  'a backfill beside the running stream doubles nothing but deliveries: every row has the id the stream gave it',
  async () => {
    // A guest forgotten between the reading of a page and its delivery would rightly be counted and not sent.
    await using brand = await system({ seed: 21, never: ['guest anonymised'] });
    const connector = brand.run('all');
    await connector.logged('capture is streaming');
    const business = brand.business(8);
    await eventually(() => brand.arrivals.calls.length > 300, 'calls', 30_000);
    const since = await turnedOn(brand.db);
    const ended = await invoked(['backfill', '--event', 'all', '--since', since], brand.env);
    expect(ended.out).toContain('Delivered');
    expect(ended).toMatchObject({ code: 0, err: '' });
    await business;
    const verdict = await brand.verdict();
    expect(verdict.findings).toEqual([]);
    const { rows } = await brand.db.sql<{ calls: string }>(
      'SELECT (SELECT sum(value::int) FROM jsonb_each_text(calls)) AS calls FROM segment_connector.backfill_run WHERE finished_at IS NOT NULL',
    );
    // Every call of the backfill was a second delivery of one the stream sent, and none was sent twice by it.
    expect(verdict.total.again).toBe(Number(rows[0]?.calls));
    expect(Number(rows[0]?.calls)).toBeGreaterThan(300);
    expect(await connector.end('SIGTERM')).toBe(0);
  },
  120_000,
);

test('a slot dropped by hand under load is recovered by one command: nothing missing, extra, wrong or out of order', async () => {
  await using brand = await system({ seed: 22 });
  const first = brand.run('all');
  const business = brand.business(12);
  await eventually(() => brand.arrivals.calls.length > 200, 'calls', 30_000);
  await first.end('SIGKILL');
  await brand.db.sql(
    `SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE database = current_database() AND active_pid IS NOT NULL`,
  );
  await brand.db.sql(
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()`,
  );
  const arrived = brand.arrivals.calls.length;
  const refused = brand.run('capture');
  await refused.logged('CAPTURE_GAP');
  const ended = await invoked(['recover'], brand.env);
  expect(ended.out).toContain('is closed.');
  expect(ended).toMatchObject({ code: 0, err: '' });
  expect(brand.arrivals.calls.length).toBeGreaterThan(arrived + 100);
  const last = brand.run('all');
  await last.logged('capture is streaming');
  await business;
  const verdict = await brand.verdict();
  expect(verdict.findings).toEqual([]);
  const { rows } = await brand.db.sql(
    `SELECT count(*) FILTER (WHERE closed_by LIKE 'recover%')::int AS closed, count(*)::int AS gaps
       FROM segment_connector.gap WHERE slot_name = $1`,
    [slotOf(brand.db)],
  );
  expect(rows).toEqual([{ closed: 1, gaps: 1 }]);
  expect(await last.end('SIGTERM')).toBe(0);
  const again = await invoked(['recover'], brand.env);
  expect(again.out).toContain('Nothing to recover');
}, 120_000);
