import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { startEmbeddedPostgres, startSystemPostgres } from '../../src/demo/embedded-postgres.js';
import type { PostgresServer } from '../../src/demo/postgres-server.js';
import { parseLsn, type Lsn } from '../../src/postgres/lsn.js';
import { compareStart, type StartDecision } from '../../src/replication/startup.js';
import { streaming, takeLabels, tier, until, type Streaming } from './streaming.js';

let server: PostgresServer;

beforeAll(async () => {
  const settings = { max_prepared_transactions: '5', max_slot_wal_keep_size: '1MB', min_wal_size: '32MB' };
  const bin = process.env['TEST_POSTGRES_BIN'] ?? '';
  server = await (bin === '' ? startEmbeddedPostgres({ settings }) : startSystemPostgres(bin, { settings }));
});

afterAll(() => server.stop());

interface ServerRow {
  readonly system: string;
  readonly timeline: number;
  readonly wal: string;
  readonly slot_type: string | null;
  readonly plugin: string | null;
  readonly database: string;
  readonly slot_database: string | null;
  readonly confirmed: string | null;
  readonly restart: string | null;
  readonly wal_status: string | null;
}

/** The decision for a checkpoint at `endLsn` written now, with the slot and the server as they really are. */
async function decide(s: Streaming, endLsn: Lsn): Promise<StartDecision> {
  const { rows } = await s.db.sql<ServerRow>(
    `SELECT (pg_control_system()).system_identifier::text AS system, (pg_control_checkpoint()).timeline_id AS timeline,
            pg_current_wal_flush_lsn()::text AS wal, current_database() AS database,
            slot_type, plugin, s.database AS slot_database, confirmed_flush_lsn::text AS confirmed, restart_lsn::text AS restart, wal_status
     FROM (VALUES (1)) one LEFT JOIN pg_replication_slots s ON slot_name = $1`,
    [s.slot],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the server gave no row');
  const lsnOrNull = (text: string | null): Lsn | null => (text === null ? null : parseLsn(text));
  return compareStart({
    checkpoint: {
      systemIdentifier: row.system,
      timeline: row.timeline,
      slotName: s.slot,
      endLsn,
      commitTimeUs: 1,
    },
    slot:
      row.slot_type === null
        ? null
        : {
            slotName: s.slot,
            slotType: row.slot_type,
            plugin: row.plugin,
            database: row.slot_database,
            activePid: null,
            confirmedFlushLsn: lsnOrNull(row.confirmed),
            restartLsn: lsnOrNull(row.restart),
            walStatus: row.wal_status,
            invalidationReason: null,
          },
    system: {
      systemIdentifier: row.system,
      timeline: row.timeline,
      timelineStartLsn: null,
      walLsn: parseLsn(row.wal),
      database: row.database,
      nowUs: 2,
    },
  });
}

test('a prepared transaction arrives when it is committed, not when it is prepared, and never when it is rolled back', async () => {
  await using s = await streaming({ server: server.url() });
  const stream = s.stream();
  await stream.start();
  const session = await s.db.session();
  await session.query(`BEGIN; ${tier('kept')}; PREPARE TRANSACTION 'kept'`);
  await session.query(`BEGIN; ${tier('dropped')}; PREPARE TRANSACTION 'dropped'`);
  await s.db.sql(tier('between'));
  await session.query(`ROLLBACK PREPARED 'dropped'`);
  await session.query(`COMMIT PREPARED 'kept'`);
  const taken = await takeLabels(stream, 2);
  expect(taken.labels).toEqual(['between', 'kept']);
  stream.confirm(taken.ends[1] as Lsn);
  await until(async () => (await s.confirmedFlush()) === taken.ends[1], 'both are confirmed');
});

describe('what a start finds on the server', () => {
  test('after a crash the slot is behind the checkpoint, and what was not confirmed is sent again', async () => {
    await using s = await streaming({ server: server.url() });
    const stream = s.stream();
    await stream.start();
    await s.db.sql(tier('a'));
    await s.db.sql(tier('b'));
    const taken = await takeLabels(stream, 2);
    const end = taken.ends[0] as Lsn;
    stream.confirm(end);
    await until(async () => (await s.confirmedFlush()) === end, 'a is confirmed');
    expect(await decide(s, end)).toEqual({ tag: 'continue', startLsn: end });
    await server.restart('immediate');
    await expect(stream.next()).rejects.toMatchObject({ action: 'retry' });
    await stream.stop();
    expect(await decide(s, end)).toMatchObject({ tag: 'slot-behind', queuedUpTo: end });
    await s.db.sql(tier('c'));
    const again = s.stream();
    await again.start();
    // The server forgot the confirmation; the checkpoint says that a may be skipped.
    expect((await takeLabels(again, 3)).labels).toEqual(['a', 'b', 'c']);
  });

  test('a slot advanced, dropped, or dropped and made again is a gap', async () => {
    await using s = await streaming({ server: server.url() });
    const checkpoint = await s.confirmedFlush();
    expect(await decide(s, checkpoint)).toMatchObject({ tag: 'continue' });
    await s.db.sql(tier('skipped'));
    await s.db.sql(`SELECT pg_replication_slot_advance($1, pg_current_wal_flush_lsn())`, [s.slot]);
    const ahead = await s.confirmedFlush();
    expect(await decide(s, checkpoint)).toMatchObject({ tag: 'gap', from: checkpoint, to: ahead });
    await s.db.sql(`SELECT pg_drop_replication_slot($1)`, [s.slot]);
    expect(await decide(s, checkpoint)).toMatchObject({
      tag: 'gap',
      reason: 'slot-missing',
      from: checkpoint,
    });
    await s.db.sql(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [s.slot]);
    expect(await decide(s, checkpoint)).toMatchObject({
      tag: 'gap',
      reason: 'slot-recreated',
      from: checkpoint,
    });
  });

  test('a slot whose WAL the server gave up is a gap, and streaming it is refused by a code of its own', async () => {
    await using s = await streaming({ server: server.url() });
    const checkpoint = await s.confirmedFlush();
    await s.db.sql('CREATE TABLE filler (t text)');
    await until(async () => {
      await s.db.sql(`INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 100)`);
      await s.db.sql('SELECT pg_switch_wal()');
      await s.db.sql('CHECKPOINT');
      const { rows } = await s.db.sql(
        'SELECT 1 FROM pg_replication_slots WHERE slot_name = $1 AND wal_status = $2',
        [s.slot, 'lost'],
      );
      return rows.length === 1;
    }, 'the slot is lost');
    expect(await decide(s, checkpoint)).toMatchObject({
      tag: 'gap',
      reason: 'slot-invalidated',
      from: checkpoint,
    });
    await expect(s.stream().start()).rejects.toMatchObject({ code: 'SLOT_LOST', action: 'stop' });
  });
});
