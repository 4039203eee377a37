import type { Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { CONNECTOR_MIGRATIONS } from '../../migrations/index.js';
import { readCheckpoint, writeCheckpoint } from '../../src/postgres/checkpoint-store.js';
import { addressOf, openKnex } from '../../src/postgres/connection.js';
import { closeGap, insertGap, readGaps } from '../../src/postgres/gap-store.js';
import { parseLsn, type Lsn } from '../../src/postgres/lsn.js';
import { connectorMigrationState, migrateConnector } from '../../src/postgres/migrate.js';
import { setUp } from '../../src/postgres/setup.js';
import { dropSlot, readSlot } from '../../src/postgres/slot.js';
import { readSystem } from '../../src/postgres/system.js';
import { compareStart } from '../../src/replication/startup.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

let db: TestDatabase;
let knex: Knex;
let slotName: string;

beforeAll(async () => {
  db = await testDatabase();
  knex = openKnex({ url: db.url });
  slotName = `slot_${db.name}`;
  await setUp(knex, { database: { url: db.url }, publicationName: 'segment', slotName, compareStart });
});

afterAll(async () => {
  await knex.destroy();
  await db.close();
});

describe('the checkpoint', () => {
  test('is stored exactly: 64-bit positions, microseconds, lanes', async () => {
    const before = await readCheckpoint(knex, slotName);
    if (before === null) throw new Error('set-up writes a baseline');
    const progress = {
      slotName,
      systemIdentifier: before.systemIdentifier,
      timeline: 7,
      endLsn: parseLsn('FFFFFFFF/FFFFFFF8'),
      commitTimeUs: 1_785_423_456_789_123,
      lanes: { 'default/0': { seq: 12, mark: '0/1500' } },
      delivered: { 'default/0': 11 },
    };
    await writeCheckpoint(knex, progress);
    expect(await readCheckpoint(knex, slotName)).toEqual({ ...before, ...progress });
  });

  test('is written only where set-up made it: a lost row must not look like a fresh start', async () => {
    const progress = {
      slotName: 'nowhere',
      systemIdentifier: '1',
      timeline: 1,
      endLsn: 1n as Lsn,
      commitTimeUs: null,
      lanes: {},
      delivered: {},
    };
    await expect(writeCheckpoint(knex, progress)).rejects.toMatchObject({ code: 'CHECKPOINT_MISSING' });
    expect(await readCheckpoint(knex, 'nowhere')).toBeNull();
  });

  test('never goes back on one timeline: whoever was held up while another took over stands by', async () => {
    const before = await readCheckpoint(knex, slotName);
    if (before === null) throw new Error('set-up writes a baseline');
    const progress = { ...before, endLsn: parseLsn('0/2000'), timeline: before.timeline + 1 };
    await writeCheckpoint(knex, progress);
    await writeCheckpoint(knex, progress);
    const late = { ...progress, endLsn: parseLsn('0/1FFF'), lanes: { 'default/0': { seq: 1, mark: '0/1' } } };
    await expect(writeCheckpoint(knex, late)).rejects.toMatchObject({ code: 'SLOT_ACTIVE', action: 'retry' });
    expect(await readCheckpoint(knex, slotName)).toEqual(progress);
    // A promoted server may have got less far than the one before it.
    const promoted = { ...late, timeline: progress.timeline + 1 };
    await writeCheckpoint(knex, promoted);
    expect(await readCheckpoint(knex, slotName)).toEqual(promoted);
  });

  test('is on disk when the write resolves, whatever the database defaults to', async () => {
    await db.sql(`ALTER DATABASE ${db.name} SET synchronous_commit = off`);
    const fresh = openKnex({ url: db.url });
    const { rows } = await fresh.raw<{ rows: { on: string }[] }>(
      `SELECT current_setting('synchronous_commit') AS on`,
    );
    await fresh.destroy();
    expect(rows[0]?.on).toBe('on');
  });
});

test('a gap is kept with its bounds, and closed once', async () => {
  const gap = {
    slotName,
    source: 'default',
    fromLsn: parseLsn('0/10'),
    toLsn: null,
    fromTimeUs: 1_785_423_456_789_123,
    toTimeUs: null,
    reason: 'the source was parked',
  };
  const id = await insertGap(knex, gap);
  expect(await readGaps(knex, slotName)).toMatchObject([{ ...gap, id, closedAtUs: null, closedBy: null }]);
  await closeGap(knex, id, 'replay');
  await closeGap(knex, id, 'somebody later');
  const [closed] = await readGaps(knex, slotName);
  expect(closed?.closedBy).toBe('replay');
  expect(closed?.closedAtUs).toBeGreaterThanOrEqual(closed?.detectedAtUs ?? Infinity);
});

describe('migrations', () => {
  test('of many processes at once are applied once', async () => {
    await using fresh = await testDatabase({ migrate: false });
    const clients = Array.from({ length: 4 }, () => openKnex({ url: fresh.url, poolSize: 2 }));
    const results = await Promise.all(clients.map((client) => migrateConnector(client)));
    await Promise.all(clients.map((client) => client.destroy()));
    expect(results.map(({ applied }) => applied.length).sort((a, b) => a - b)).toEqual([
      0,
      0,
      0,
      CONNECTOR_MIGRATIONS.length,
    ]);
    const { rows } = await fresh.sql('SELECT name FROM segment_connector.migration ORDER BY id');
    expect(rows).toEqual(CONNECTOR_MIGRATIONS.map(({ name }) => ({ name })));
  });

  test('of a newer version are refused, and nothing is touched', async () => {
    await using newer = await testDatabase();
    await newer.sql(`INSERT INTO segment_connector.migration (name, batch) VALUES ('9999-future', 2)`);
    const client = openKnex({ url: newer.url });
    await expect(migrateConnector(client)).rejects.toMatchObject({ code: 'SCHEMA_NEWER' });
    await expect(connectorMigrationState(client)).rejects.toMatchObject({ code: 'SCHEMA_NEWER' });
    await client.destroy();
  });
});

describe('the slot', () => {
  test('tells how much WAL it keeps and how far it is behind', async () => {
    const before = await readSlot(knex, slotName);
    await db.sql(`SELECT pg_logical_emit_message(true, 'test', repeat('x', 100000))`);
    const after = await readSlot(knex, slotName);
    expect(after).toMatchObject({
      walStatus: 'reserved',
      activePid: null,
      conflicting: false,
      invalidationReason: null,
    });
    expect((after?.behindBytes ?? 0n) - (before?.behindBytes ?? 0n)).toBeGreaterThanOrEqual(100_000n);
    expect(after?.retainedBytes).toBeGreaterThanOrEqual(after?.behindBytes ?? 0n);
  });

  test('is null once dropped', async () => {
    await dropSlot(knex, slotName);
    expect(await readSlot(knex, slotName)).toBeNull();
  });
});

test('the cluster is identified also where its control file may not be read', async () => {
  const role = `role_${db.name}`;
  await db.sql(`CREATE ROLE ${role} LOGIN REPLICATION PASSWORD 'x'`);
  await db.sql(`REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC`);
  const url = new URL(db.url);
  url.username = role;
  url.password = 'x';
  const asRole = openKnex({ url: url.href });
  const bySuperuser = await readSystem(knex, { url: db.url });
  const byRole = await readSystem(asRole, { url: url.href });
  await asRole.destroy();
  expect(byRole.systemIdentifier).toBe(bySuperuser.systemIdentifier);
  expect(byRole.timeline).toBe(bySuperuser.timeline);
  expect(byRole).toMatchObject({ database: db.name, inRecovery: false, timelineStartLsn: null });
  expect(Math.abs(byRole.nowUs / 1_000 - Date.now())).toBeLessThan(5_000);
  await db.sql(`DROP ROLE ${role}`);
});

test('an address for a log has neither role nor password', () => {
  expect(addressOf('postgresql://role:secret@db.example:6432/loyalty')).toBe('db.example:6432/loyalty');
});
