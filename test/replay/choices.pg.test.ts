import { replaySlotName } from '../../src/postgres/slot.js';
import { expect, test } from 'vitest';
import { seedAccount } from '../support/brand.js';
import { slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { numberOf, replayRig, type ReplayRig } from './rig.js';

/** Twenty purchases of ten accounts, delivered; what arrived is forgotten. */
async function delivered(rig: ReplayRig): Promise<ReadonlyMap<string, Record<string, unknown>>> {
  await rig.connected(async () => {
    await rig.purchases(1, 20);
    await rig.arrived(20);
  });
  const calls = new Map(
    rig.receiver.events.map((event) => [event.messageId, event.call as Record<string, unknown>]),
  );
  rig.receiver.clear();
  return calls;
}

function ids(rig: ReplayRig): string[] {
  return rig.receiver.events.map((event) => event.messageId);
}

test('--event and --account choose, --dry-run counts and sends nothing', async () => {
  await using rig = await replayRig();
  await delivered(rig);
  const counted = await rig.replay('--from', rig.start, '--dry-run', '--account', '4', '5');
  expect(counted.exitCode).toBe(0);
  expect(counted.out).toContain('20 commits');
  expect(counted.out).toMatch(/4 {2}POS Activity\n +4 {2}Add\/Redeem\n/);
  expect(counted.out).toContain('Nothing was sent');
  expect(rig.receiver.counts.requests).toBe(0);
  expect((await rig.db.sql('SELECT FROM segment_connector.replay_run')).rows).toEqual([]);

  const { exitCode } = await rig.replay('--from', rig.start, '--account', '4', '--event', 'add_redeem');
  expect(exitCode).toBe(0);
  expect(rig.receiver.events.map((event) => [event.name, numberOf(event)])).toEqual([
    ['Add/Redeem', 3],
    ['Add/Redeem', 13],
  ]);

  const none = await rig.replay('--from', rig.start, '--event', 'Referral');
  expect([none.exitCode, none.out.includes('Nothing there to send')]).toEqual([0, true]);
});

test('--resend needs --yes, and then gives every call a new id that is its own in each run', async () => {
  await using rig = await replayRig();
  const first = await delivered(rig);
  const refused = await rig.replay('--from', rig.start, '--resend');
  expect(refused.exitCode).toBe(70);
  expect(refused.err).toContain('--yes');
  expect(rig.receiver.counts.requests).toBe(0);

  for (const run of [1, 2]) {
    const { exitCode, err } = await rig.replay('--from', rig.start, '--resend', '--yes');
    expect([exitCode, err]).toEqual([0, '']);
    expect(rig.receiver.counts.events).toBe(run * first.size);
  }
  expect(new Set(ids(rig)).size).toBe(2 * first.size);
  for (const { messageId, call } of rig.receiver.events) {
    expect(messageId.length).toBeLessThan(100);
    const former = messageId.replace(/-r[0-9a-f]{8}$/, '');
    expect(former).not.toBe(messageId);
    expect({ ...call, messageId: former }).toEqual(first.get(former));
  }
});

test('a profile changed since shows in what is replayed, and nothing else does', async () => {
  await using rig = await replayRig();
  const first = await delivered(rig);
  await rig.db.sql(`UPDATE loyalty.guest SET first_name = 'Renamed' WHERE user_id = 3`);
  expect((await rig.replay('--from', rig.start, '--account', '3')).exitCode).toBe(0);
  expect(rig.receiver.counts.events).toBe(4);
  for (const { messageId, call } of rig.receiver.events) {
    const { properties, ...rest } = call as { properties: Record<string, unknown> };
    const former = first.get(messageId) as { properties: Record<string, unknown> };
    expect(properties['first_name']).toBe('Renamed');
    expect({ ...rest, properties: { ...properties, first_name: former.properties['first_name'] } }).toEqual(
      former,
    );
  }
});

test('nothing of a guest deleted since comes back, not even of one who enrolled within the window', async () => {
  await using rig = await replayRig();
  await rig.connected(async () => {
    await seedAccount(rig.db, { accountId: 77 });
    await rig.purchases(1, 20);
    await rig.arrived(20);
    await eventually(() => rig.receiver.events.some(({ userId }) => userId === '77'), 'the enrolment');
    await rig.db.sql(`UPDATE loyalty.guest SET status = 'DELETED' WHERE user_id IN (3, 77)`);
    await rig.purchases(21, 21);
    await rig.arrived(21);
  });
  const accounts = new Set(rig.receiver.events.map(({ userId }) => userId));
  rig.receiver.clear();
  expect((await rig.replay('--from', rig.start)).exitCode).toBe(0);
  expect(new Set(rig.receiver.events.map(({ userId }) => userId))).toEqual(
    new Set([...accounts].filter((id) => id !== '3' && id !== '77')),
  );
}, 30_000);

test('outside the window the error names the window and both commands; without a slot it says so', async () => {
  await using rig = await replayRig();
  await delivered(rig);
  const early = await rig.replay('--from', '2020-01-01T00:00:00Z');
  expect(early.exitCode).toBe(70);
  expect(early.err).toContain(
    `REPLAY_WINDOW: 2020-01-01T00:00:00.000000Z lies before what the WAL still holds`,
  );
  expect(early.err).toContain(`the window is ${rig.start} (`);
  const start = /replay --from (\S+)/.exec(early.err)?.[1] ?? '';
  expect(early.err).toContain(`backfill --event all --since 2020-01-01T00:00:00.000000Z --until ${start}`);
  // What the error proposes works.
  expect((await rig.replay('--from', start)).exitCode).toBe(0);

  expect((await rig.replay('--from', '0/1')).err).toContain('0/1 lies before what the WAL still holds');
  expect((await rig.replay('--from', 'F/0')).err).toContain('nothing lies between --from and --to');
  expect((await rig.replay('--from', 'yesterday')).err).toContain('REPLAY_REFUSED: --from is "yesterday"');
  expect((await rig.replay('--dry-run')).err).toContain('--from is missing');
  expect((await rig.replay('--from', rig.start, '--source', 'other')).err).toContain('the source is default');
  expect((await rig.replay('--from', rig.start, '--event', 'Chekin')).exitCode).toBe(64);
  await rig.db.sql(`SELECT pg_drop_replication_slot('${replaySlotName(slotOf(rig.db))}')`);
  expect((await rig.replay('--from', rig.start)).err).toContain(
    'nothing can be replayed without the replay slot',
  );
}, 30_000);
