import { expect, test } from 'vitest';
import type { ReceivedEvent } from '../../src/demo/receiver.js';
import { numberOf, replayRig } from './rig.js';

function byId(events: readonly ReceivedEvent[]): Map<string, unknown> {
  return new Map(events.map((event) => [event.messageId, event.call]));
}

test('the middle third of 5,000 delivered commits, by time and by position, with the connector stopped: the very same ids and equal bodies', async () => {
  await using rig = await replayRig();
  const [from, to] = await rig.connected(async () => {
    const marks = await rig.purchases(1, 5_000, [1_666, 3_333]);
    await rig.arrived(5_000);
    return marks;
  });
  const first = byId(rig.receiver.events);
  const middle = new Map(
    [...first].filter(([messageId]) => {
      const n = numberOf({ messageId });
      return n > 1_666 && n <= 3_333;
    }),
  );
  expect(middle.size).toBe(2 * 1_667);
  for (const [begin, end] of [
    [from?.at, to?.at],
    [from?.lsn, to?.lsn],
  ]) {
    rig.receiver.clear();
    const { exitCode, out, err } = await rig.replay('--from', begin ?? '', '--to', end ?? '');
    expect(err).toBe('');
    expect(exitCode).toBe(0);
    expect(out).toContain('1,667 commits');
    expect(out).toMatch(/Replayed 3,334 events/);
    // Balances are those after each purchase, although the wallets moved on 1,667 times since.
    expect(byId(rig.receiver.events)).toEqual(middle);
    expect(rig.receiver.counts.duplicates).toBe(0);
  }
  await rig.noCopyLeft();
}, 120_000);
