import pino from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Knex } from 'knex';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.js';
import type { PostgresServer } from '../../src/demo/postgres-server.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { openKnex } from '../../src/postgres/connection.js';
import { formatLsn, parseLsn, type Lsn } from '../../src/postgres/lsn.js';
import { FAILOVER_SINCE, readSlot, type SlotState, replaySlotName } from '../../src/postgres/slot.js';
import { readSystem } from '../../src/postgres/system.js';
import { oldestTransaction } from '../../src/replay/long-transaction.js';
import { ensureReplaySlot } from '../../src/replay/replay-slot.js';
import { lsnAtTime, notePosition, prunePositions, timeAtLsn } from '../../src/replay/time-index.js';
import {
  TrailingTask,
  type ReplaySlotReport,
  type TrailingTaskOptions,
} from '../../src/replay/trailing-task.js';
import { purchase, seedAccount, seedBrand } from '../support/brand.js';
import { captured, setUpConnector, slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

// What is retained is measured: the WAL of other tests must not be in it.
let server: PostgresServer;
let db: TestDatabase;
let knex: Knex;

beforeAll(async () => {
  server = await startEmbeddedPostgres();
}, 60_000);
afterAll(async () => server[Symbol.asyncDispose]());

beforeEach(async () => {
  db = await testDatabase({ server: server.url() });
  knex = openKnex({ url: db.url });
  await seedBrand(db);
  await seedAccount(db, { accountId: 1 });
  await setUpConnector(db);
});
afterEach(async () => {
  await knex.destroy();
  await db.close();
});

async function replaySlot(): Promise<SlotState | null> {
  return readSlot(knex, replaySlotName(slotOf(db)));
}

async function walPosition(): Promise<Lsn> {
  const { rows } = await db.sql<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn');
  return parseLsn(rows[0]?.lsn ?? '');
}

/** Some WAL of no concern to anybody, in segments of its own. */
async function writeWal(segments: number): Promise<void> {
  for (let n = 0; n < segments; n += 1) {
    await db.sql(`SELECT pg_logical_emit_message(true, 'test', 'x')`);
    await db.sql(`SELECT pg_switch_wal()`);
  }
}

interface Trail {
  readonly task: TrailingTask;
  readonly reports: ReplaySlotReport[];
  readonly dropped: string[];
  readonly log: string[];
}

function trail(delivered: () => Lsn, options: Partial<TrailingTaskOptions> = {}): Trail {
  const reports: ReplaySlotReport[] = [];
  const dropped: string[] = [];
  const log: string[] = [];
  const task = new TrailingTask({
    knex,
    slotName: slotOf(db),
    retentionMs: 0,
    maxWalBytes: 4 * 1024 ** 3,
    delivered: () => ({ delivered: delivered(), parked: null }),
    passing: async () => undefined,
    passed: delivered,
    clock: systemClock,
    logger: pino({ level: 'info' }, { write: (line: string) => void log.push(line) }),
    onReport: (report) => reports.push(report),
    onDropped: (reason) => dropped.push(reason),
    ...options,
  });
  return { task, reports, dropped, log };
}

describe('the replay slot', () => {
  it('is made by set-up where the main slot stands, and keeps the failover property that a copy loses', async () => {
    const main = await readSlot(knex, slotOf(db));
    const { versionNumber } = await readSystem(knex, { url: db.url });
    expect(await replaySlot()).toMatchObject({
      confirmedFlushLsn: main?.confirmedFlushLsn,
      plugin: 'pgoutput',
      // Older servers have no such slots.
      failover: versionNumber >= FAILOVER_SINCE,
      temporary: false,
      active: false,
    });
    expect(await ensureReplaySlot(knex, { url: db.url }, slotOf(db))).toMatchObject({ tag: 'kept' });
  });

  it('is given the failover property where a DBA copied it with SQL alone', async () => {
    const { versionNumber } = await readSystem(knex, { url: db.url });
    const name = replaySlotName(slotOf(db));
    await db.sql(`SELECT pg_drop_replication_slot('${name}')`);
    await db.sql(`SELECT pg_copy_logical_replication_slot('${slotOf(db)}', '${name}')`);
    expect((await replaySlot())?.failover).toBe(false);
    expect(await ensureReplaySlot(knex, { url: db.url }, slotOf(db))).toMatchObject({
      tag: 'kept',
      slot: { failover: versionNumber >= FAILOVER_SINCE },
    });
  });

  it('is not made while somebody streams, and is at the next start; capture does without', async () => {
    const capture = await captured(db);
    await eventually(() => capture.states.some(({ tag }) => tag === 'streaming'), 'streaming');
    await db.sql(`SELECT pg_drop_replication_slot('${replaySlotName(slotOf(db))}')`);
    expect(await ensureReplaySlot(knex, { url: db.url }, slotOf(db))).toEqual({
      tag: 'impossible',
      reason: 'slot-held',
    });
    await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
    await capture.until('px-777777-add_redeem-1');
    await capture.stop();
    expect(await replaySlot()).toBeNull();
    await using again = await captured(db);
    await eventually(async () => (await replaySlot()) !== null, 'a replay slot');
    await again.stop();
  });

  it('follows what is delivered, exactly and no further, without retention', async () => {
    const start = (await replaySlot())?.confirmedFlushLsn as Lsn;
    let delivered = start;
    const { task, reports } = trail(() => delivered);
    await task.tick();
    expect((await replaySlot())?.confirmedFlushLsn).toBe(start);
    await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
    delivered = await walPosition();
    await purchase(db, { transactionId: 2, accountId: 1, points: 1 });
    await task.tick();
    expect((await replaySlot())?.confirmedFlushLsn).toBe(delivered);
    expect(reports.at(-1)).toMatchObject({ degraded: null, heldBackBy: null });
  });

  it('stays behind by the retention, and the time index keeps just that', async () => {
    const positions: Lsn[] = [];
    for (const minutesAgo of [150, 90, 61, 30]) {
      await purchase(db, { transactionId: minutesAgo, accountId: 1, points: 1 });
      const lsn = await walPosition();
      positions.push(lsn);
      await db.sql(
        `INSERT INTO segment_connector.position_time VALUES ($1, $2, now() - $3 * interval '1 minute')`,
        [slotOf(db), formatLsn(lsn), minutesAgo],
      );
    }
    const now = await walPosition();
    const { task, reports } = trail(() => now, { retentionMs: 3_600_000 });
    await task.tick();
    expect((await replaySlot())?.confirmedFlushLsn).toBe(positions[2]);
    const { rows } = await db.sql<{ lsn: string }>(
      'SELECT lsn FROM segment_connector.position_time ORDER BY lsn',
    );
    expect(rows.map(({ lsn }) => parseLsn(lsn)).slice(0, 2)).toEqual(positions.slice(2));
    expect(reports.at(-1)?.windowMs).toBeGreaterThan(60 * 60_000);
  });

  it('past its limit is dropped with an alarm, before the disk of the database is full', async () => {
    const start = (await replaySlot())?.confirmedFlushLsn as Lsn;
    const { task, reports, dropped, log } = trail(() => start, { maxWalBytes: 20 * 1_048_576 });
    await task.tick();
    expect(dropped).toEqual([]);
    await writeWal(3);
    await task.tick();
    expect(await replaySlot()).toBeNull();
    expect(dropped).toEqual(['too-much-wal']);
    expect(reports.at(-1)).toMatchObject({ slot: null, degraded: 'dropped' });
    expect(log.join('')).toMatch(/"level":50.*the replay slot was dropped/);
    await task.tick();
    expect(dropped).toHaveLength(1);
  });

  it('gives up its retention before it comes near its limit', async () => {
    await writeWal(3);
    const delivered = await walPosition();
    const { task, dropped } = trail(() => delivered, { retentionMs: 3_600_000, maxWalBytes: 64 * 1_048_576 });
    await writeWal(1);
    const start = (await replaySlot())?.confirmedFlushLsn as Lsn;
    await task.tick();
    expect(dropped).toEqual([]);
    expect((await replaySlot())?.confirmedFlushLsn).toBeGreaterThan(start);
  });

  it('held back by one long open transaction names it', async () => {
    const session = await db.session();
    await session.query(`SET application_name = 'nightly report'; BEGIN`);
    await session.query('CREATE TABLE public.report (n int)');
    // Other tests write on the same server: theirs that began before must have ended.
    await eventually(
      async () => (await oldestTransaction(knex))?.applicationName === 'nightly report',
      'the oldest transaction is the report',
    );
    await db.sql('CHECKPOINT');
    await writeWal(2);
    const delivered = await walPosition();
    const { task, reports, log } = trail(() => delivered, { limits: { heldBackBytes: 1_048_576n } });
    await task.tick();
    expect((await replaySlot())?.confirmedFlushLsn).toBe(delivered);
    expect(reports.at(-1)).toMatchObject({
      degraded: 'held-back',
      heldBackBy: { applicationName: 'nightly report' },
    });
    expect(reports.at(-1)?.heldBackBy?.pid).toBeGreaterThan(0);
    expect(log.join('')).toMatch(/one long open transaction.*|.*nightly report/);
    await session.query('ROLLBACK');
  });
});

describe('the time index', () => {
  it('has a row a minute at most, and none while nothing moves', async () => {
    const slot = slotOf(db);
    const lsn = await walPosition();
    expect(await notePosition(knex, slot, lsn)).toBe(true);
    await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
    expect(await notePosition(knex, slot, await walPosition())).toBe(false);
    await db.sql(`UPDATE segment_connector.position_time SET at = at - interval '2 minutes'`);
    expect(await notePosition(knex, slot, lsn)).toBe(false);
    expect(await notePosition(knex, slot, await walPosition())).toBe(true);
  });

  it('gives a position before every commit of the time on, and none where it does not reach', async () => {
    const slot = slotOf(db);
    const before = await walPosition();
    await notePosition(knex, slot, before);
    const commitUs = await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
    const after = await walPosition();
    expect(await lsnAtTime(knex, slot, commitUs)).toBe(before);
    expect(await lsnAtTime(knex, slot, commitUs - 3_600_000_000)).toBeNull();
    await db.sql(`UPDATE segment_connector.position_time SET at = at - interval '2 minutes'`);
    await notePosition(knex, slot, after);
    expect(await lsnAtTime(knex, slot, commitUs)).toBe(before);
    expect(await lsnAtTime(knex, slot, Date.now() * 1_000 + 1_000_000)).toBe(after);
    expect(await timeAtLsn(knex, slot, before)).toBeLessThan(commitUs);
    expect(await timeAtLsn(knex, slot, (after + 1n) as Lsn)).toBeNull();
    await prunePositions(knex, slot, before);
    expect(await lsnAtTime(knex, slot, commitUs)).toBe(before);
    await prunePositions(knex, slot, after);
    expect(await lsnAtTime(knex, slot, commitUs)).toBeNull();
  });

  it('is kept by a running capture', async () => {
    await using capture = await captured(db);
    await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
    await capture.until('px-777777-add_redeem-1');
    await eventually(
      async () => (await lsnAtTime(knex, slotOf(db), Date.now() * 1_000 + 60_000_000)) !== null,
      'a row',
    );
    await capture.stop();
  });
});
