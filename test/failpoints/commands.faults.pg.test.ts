import { expect, test } from 'vitest';
import { verify } from '../../src/demo/verify.js';
import { slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { system, type RunningProcess, type System } from '../support/system.js';
import { COMMAND_PLACES, failpointEnv, inherits, killed, type Place } from './killed.js';
import { sampled } from '../support/short-form.js';

const SLOW = 180_000;

function place(at: Place['at']): Place {
  const found = COMMAND_PLACES.find((known) => known.at === at);
  if (found === undefined) throw new RangeError(`no place ${at}`);
  return found;
}

async function succeeds(command: RunningProcess): Promise<void> {
  await eventually(
    () => command.child.exitCode !== null,
    () => command.log(),
    120_000,
  );
  expect(command.child.exitCode, command.log()).toBe(0);
}

/**
 * Everything that has arrived so far arrives again while `work` is done, and what comes is as the tables imply: set, ids, balances,
 * and the order of each account, of the second time by itself.
 */
async function arrivesAgain(brand: System, work: () => Promise<void>): Promise<void> {
  const before = new Set(brand.arrivals.calls.map(({ messageId }) => messageId));
  const from = brand.arrivals.calls.length;
  await work();
  const second = brand.arrivals.calls.slice(from);
  const again = new Set(second.map(({ messageId }) => messageId));
  const lacking = [...before].filter((id) => !again.has(id));
  expect((await brand.verdict()).findings).toEqual([]);
  // What became of guests deleted since is not sent again.
  expect(verify(await brand.implied(), second).findings.filter(({ kind }) => kind !== 'missing')).toEqual([]);
  const certain = new Set(await brand.certainIds());
  expect(lacking.filter((id) => certain.has(id))).toEqual([]);
}

/** The guests there were from before were never to be sent. */
async function turnedOn(brand: System): Promise<string> {
  const { rows } = await brand.db.sql<{ since: string }>(
    `SELECT to_char(enabled_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS since FROM segment_connector.checkpoint`,
  );
  return rows[0]?.since ?? '';
}

test('set-up killed after the publication and after the slot is gone on with, and capture begins', async () => {
  await using brand = await system({ seed: 64, setUp: false });
  for (const at of ['setup-published', 'setup-slot-made'] as const) {
    await killed(brand.command(['setup'], failpointEnv(place(at))));
  }
  await succeeds(brand.command(['setup']));
  await brand.fromNow();
  await brand.business(1);
  await inherits(brand);
}, 180_000);

test.each(sampled(['replay-recorded', 'replay-queued'] as const))(
  'a replay killed at %s is resumed, and sends all of it again',
  async (at) => {
    await using brand = await system({ seed: 65 });
    await brand.business(1);
    await inherits(brand);
    await arrivesAgain(brand, async () => {
      const { rows } = await brand.db.sql<{ lsn: string }>(
        'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
        [`${slotOf(brand.db)}_replay`],
      );
      await killed(brand.command(['replay', '--from', rows[0]?.lsn ?? ''], failpointEnv(place(at))));
      await succeeds(brand.command(['replay', '--resume']));
    });
  },
  SLOW,
);

test.each(sampled(['page-queued', 'page-recorded'] as const))(
  'a backfill killed at %s is gone on with, and sends all of it',
  async (at) => {
    await using brand = await system({ seed: 66 });
    await brand.business(1);
    await inherits(brand);
    const since = await turnedOn(brand);
    const command = ['backfill', '--event', 'all', '--since', since, '--rows-per-second', '400'];
    await arrivesAgain(brand, async () => {
      await killed(brand.command(command, failpointEnv(place(at))));
      await succeeds(brand.command(command));
    });
  },
  SLOW,
);

test('a recovery killed when its gap is written down is gone on with, and fills the gap', async () => {
  await using brand = await system({ seed: 67 });
  await brand.business(1);
  await inherits(brand);
  await brand.db.sql('SELECT pg_drop_replication_slot($1)', [slotOf(brand.db)]);
  await brand.business(1);
  await killed(brand.command(['recover'], failpointEnv(place('gap-recorded'))));
  await succeeds(brand.command(['recover']));
  await inherits(brand);
}, 180_000);
