import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { startEmbeddedPostgres, startSystemPostgres } from '../../src/demo/embedded-postgres.js';
import type { PostgresServer } from '../../src/demo/postgres-server.js';
import { readCheckpoint } from '../../src/postgres/checkpoint-store.js';
import { openKnex } from '../../src/postgres/connection.js';
import { checkDatabase } from '../../src/postgres/preflight/check-database.js';
import { readPublication } from '../../src/postgres/publication.js';
import { setUp, type SetupOptions } from '../../src/postgres/setup.js';
import { readSlot } from '../../src/postgres/slot.js';
import { readSystem } from '../../src/postgres/system.js';
import { wouldWork } from '../../src/preflight/finding.js';
import { setUpReplaySlot } from '../../src/replay/setup-replay-slot.js';
import { compareStart } from '../../src/replication/startup.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

const optionsFor = (db: TestDatabase): SetupOptions => ({
  database: { url: db.url },
  publicationName: 'segment',
  slotName: `slot_${db.name}`,
  compareStart,
  replaySlot: setUpReplaySlot,
});

/** Opens, works, closes: a restart in between would break a kept connection. */
async function withKnex<T>(
  db: TestDatabase,
  work: (knex: ReturnType<typeof openKnex>) => Promise<T>,
): Promise<T> {
  const knex = openKnex({ url: db.url });
  try {
    return await work(knex);
  } finally {
    await knex.destroy();
  }
}

async function onServer(server: PostgresServer, work: (db: TestDatabase) => Promise<void>): Promise<void> {
  const db = await testDatabase({ server: server.url() });
  try {
    await work(db);
  } finally {
    if (!server.running) await server.start();
    await db.close();
  }
}

test('a crash and a clean restart keep slot and checkpoint together', async () => {
  await using server = await startEmbeddedPostgres();
  await onServer(server, async (db) => {
    await withKnex(db, (knex) => setUp(knex, optionsFor(db)));
    for (const mode of ['immediate', 'fast'] as const) {
      await server.restart(mode);
      const reports = await withKnex(db, (knex) => setUp(knex, optionsFor(db)));
      expect(reports.every(({ did }) => did === 'kept')).toBe(true);
    }
  });
});

test('a slot the server gave up is named as a gap, and set-up goes on only when told to', async () => {
  const settings = { max_slot_wal_keep_size: '16MB', min_wal_size: '32MB', max_wal_size: '32MB' };
  await using server = await startEmbeddedPostgres({ settings });
  await onServer(server, async (db) => {
    await withKnex(db, (knex) => setUp(knex, optionsFor(db)));
    await expect
      .poll(
        async () => {
          await db.sql(
            `SELECT pg_logical_emit_message(false, 'test', 'x', true); SELECT pg_switch_wal(); CHECKPOINT`,
          );
          return withKnex(db, async (knex) => (await readSlot(knex, optionsFor(db).slotName))?.walStatus);
        },
        { timeout: 15_000 },
      )
      .toBe('lost');
    const findings = (await checkDatabase(optionsFor(db))).filter(({ level }) => level === 'error');
    expect(findings.map(({ id }) => id)).toEqual(['slot-wal', 'gap']);
    await withKnex(db, async (knex) => {
      await expect(setUp(knex, optionsFor(db))).rejects.toMatchObject({ code: 'SETUP_REFUSED' });
      const reports = await setUp(knex, { ...optionsFor(db), acceptGap: true });
      expect(reports.map(({ step, did }) => `${step} ${did}`)).toContain('slot changed');
    });
    expect(wouldWork(await checkDatabase(optionsFor(db)))).toBe(true);
  });
});

test('a promoted server is known by its timeline, and where that began', async () => {
  await using server = await startEmbeddedPostgres({ settings: { restore_command: 'false' } });
  await onServer(server, async (db) => {
    await withKnex(db, (knex) => setUp(knex, optionsFor(db)));
    const before = await withKnex(db, (knex) => readSystem(knex, { url: db.url }));
    expect(before).toMatchObject({ timeline: 1, timelineStartLsn: null });
    await server.halt('fast');
    // Archive recovery that finds no archive ends at once, on a new timeline: what a promotion does.
    await writeFile(join(server.dataDirectory, 'recovery.signal'), '');
    await server.start();
    await expect
      .poll(() => withKnex(db, async (knex) => (await readSystem(knex, { url: db.url })).inRecovery), {
        timeout: 15_000,
      })
      .toBe(false);
    await withKnex(db, async (knex) => {
      const after = await readSystem(knex, { url: db.url });
      expect(after.timeline).toBe(2);
      expect(after.systemIdentifier).toBe(before.systemIdentifier);
      expect(after.timelineStartLsn).toBeGreaterThanOrEqual(before.walLsn);
      const { slotName } = optionsFor(db);
      const [checkpoint, slot] = [await readCheckpoint(knex, slotName), await readSlot(knex, slotName)];
      expect(compareStart({ checkpoint, slot, system: after })).toMatchObject({
        tag: 'failover',
        fromTimeline: 1,
      });
    });
  });
});

const DEBIAN_15 = '/usr/lib/postgresql/15/bin';

describe.skipIf(!existsSync(DEBIAN_15))('PostgreSQL 15 (Debian; skipped where it is not installed)', () => {
  test('set-up and check work, without what came with later versions', async () => {
    await using server = await startSystemPostgres(DEBIAN_15);
    await onServer(server, async (db) => {
      const options = optionsFor(db);
      await withKnex(db, async (knex) => {
        await setUp(knex, options);
        const again = await setUp(knex, options);
        expect(again.every(({ did }) => did === 'kept')).toBe(true);
        expect(await readSlot(knex, options.slotName)).toMatchObject({
          failover: false,
          conflicting: false,
          invalidationReason: null,
        });
        const publication = await readPublication(knex, 'segment');
        const columns = new Map(publication?.tables.map((entry) => [entry.table, entry.columns]));
        expect(columns.get('loyalty.account')).toBeNull();
        expect(columns.get('survey.survey')).toEqual(['survey_id', 'merchant_id', 'survey_code', 'title']);
        expect((await readSystem(knex, { url: db.url })).versionNumber).toBeLessThan(160_000);
      });
      const findings = await checkDatabase(options);
      expect(findings.filter(({ level }) => level !== 'ok').map(({ id }) => id)).toEqual([
        'slot-wal-keep-size',
      ]);
    });
  });
});
