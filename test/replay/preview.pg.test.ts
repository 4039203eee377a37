import { replaySlotName } from '../../src/postgres/slot.js';
import { expect, test } from 'vitest';
import { invoke } from '../cli/invoke.js';
import { slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { kill, replayRig } from './rig.js';

test('a preview is what was sent, without Redis and a source, and moves no slot', async () => {
  await using rig = await replayRig();
  await rig.connected(async () => {
    await rig.purchases(1, 20);
    await rig.arrived(20);
  });
  const state = `SELECT slot_name, confirmed_flush_lsn FROM pg_replication_slots WHERE database = current_database() ORDER BY 1`;
  const before = (await rig.db.sql(state)).rows;
  const { REDIS_URL: _redis, SEGMENT_WRITE_KEY: _key, ...env } = rig.env as Record<string, string>;
  const shown = async (...argv: string[]): Promise<unknown[]> => {
    const { exitCode, out, err } = await invoke(['preview', ...argv], env);
    expect([exitCode, err]).toEqual([0, '']);
    return out
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
  };
  const sent = rig.receiver.events.map(({ call }) => call);
  expect(await shown('--limit', '1000')).toEqual(sent);
  expect(await shown('--limit', '7')).toEqual(sent.slice(0, 7));
  expect(await shown('--from', rig.start)).toEqual(sent.slice(0, 20));
  expect((await rig.db.sql(state)).rows).toEqual(before);
  await rig.noCopyLeft();
}, 30_000);

test('before the connector has run, a preview shows what waits to be sent', async () => {
  await using rig = await replayRig();
  await rig.db.sql(`SELECT pg_drop_replication_slot('${replaySlotName(slotOf(rig.db))}')`);
  await rig.purchases(1, 5);
  const { out } = await invoke(['preview', '--limit', '100'], rig.env);
  const previewed = out
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  await rig.connected(async () => rig.arrived(5));
  expect(previewed).toEqual(rig.receiver.events.map(({ call }) => call));
});

test('a preview killed with -9 leaves no slot behind', async () => {
  await using rig = await replayRig();
  await rig.purchases(1, 3_000);
  const child = rig.spawn('preview', '--limit', '1000000');
  child.stdout?.pause();
  await eventually(
    async () => {
      const { rows } = await rig.db.sql(
        `SELECT FROM pg_replication_slots WHERE temporary AND active AND database = current_database()`,
      );
      return rows.length > 0;
    },
    'the temporary copy',
    15_000,
  );
  await kill(child);
  await rig.noCopyLeft();
}, 30_000);
