import { replaySlotName } from '../../src/postgres/slot.js';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import { clientConfig } from '../../src/postgres/connection.js';
import { parseLsn, type Lsn } from '../../src/postgres/lsn.js';
import { readCopy } from '../../src/replay/copy-stream.js';
import { PUBLICATION, slotOf } from '../support/captured.js';
import { replayRig, type ReplayRig } from './rig.js';

async function read(
  rig: ReplayRig,
  from: Lsn,
  to: Lsn,
  signal = new AbortController().signal,
): Promise<Lsn[]> {
  const ends: Lsn[] = [];
  const stream = {
    connection: clientConfig({ url: rig.db.url }),
    slotName: replaySlotName(slotOf(rig.db)),
    publicationName: PUBLICATION,
    spillDir: rig.env['SPILL_DIR'] ?? '',
    logger: silentLogger,
    clock: systemClock,
  };
  for await (const gulp of readCopy({ stream, from, to, signal })) {
    for (const transaction of gulp) {
      ends.push(transaction.endLsn);
      transaction.release();
    }
  }
  return ends;
}

async function now(rig: ReplayRig): Promise<Lsn> {
  const { rows } = await rig.db.sql<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
  return parseLsn(rows[0]?.lsn ?? '');
}

test('stretches that meet hold every commit once, and end although nothing follows, or only what is not published', async () => {
  await using rig = await replayRig();
  const start = parseLsn(rig.start);
  await rig.purchases(1, 10);
  await rig.db.sql(
    'CREATE TABLE unpublished (n int); INSERT INTO unpublished SELECT generate_series(1, 1000)',
  );
  const end = await now(rig);
  const all = await read(rig, start, end);
  expect(all).toHaveLength(10);
  for (const middle of [all[0], all[4], all[9]] as Lsn[]) {
    expect([...(await read(rig, start, middle)), ...(await read(rig, middle, end))]).toEqual(all);
  }
  // An end that lies one byte short of a commit's end leaves it out.
  expect(await read(rig, start, ((all[4] as Lsn) - 1n) as Lsn)).toEqual(all.slice(0, 4));
  expect(await read(rig, end, end)).toEqual([]);
  await rig.noCopyLeft();
});

test('a slot that has moved on past the start is an error, never a silent gap', async () => {
  await using rig = await replayRig();
  await rig.purchases(1, 5);
  const end = await now(rig);
  await rig.db.sql(
    `SELECT pg_replication_slot_advance('${replaySlotName(slotOf(rig.db))}', pg_current_wal_lsn())`,
  );
  await expect(read(rig, parseLsn(rig.start), end)).rejects.toMatchObject({ code: 'REPLAY_WINDOW' });
  await rig.noCopyLeft();
});
