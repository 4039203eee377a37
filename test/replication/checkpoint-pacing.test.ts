import fc from 'fast-check';
import { expect, test } from 'vitest';

import { checkpointDue, type PacingState } from '../../src/replication/checkpoint-pacing.js';
import { runs } from '../support/fuzz-runs.js';
import { lsn } from './pgoutput-messages.js';

const base: PacingState = {
  written: { lsn: lsn(1_000n), atMs: 10_000 },
  floor: lsn(1_001n),
  transactionsSettled: true,
  nowMs: 20_000,
};

test.each<[string, Partial<PacingState>, object]>([
  ['the first row is written at once', { written: null }, { tag: 'write' }],
  ['nothing new, nothing to write', { floor: lsn(1_000n) }, { tag: 'nothing' }],
  ['a settled transaction a second later', { nowMs: 11_000 }, { tag: 'write' }],
  ['a settled transaction sooner waits for the second', { nowMs: 10_400 }, { tag: 'wait', waitMs: 600 }],
  [
    'keepalives within 1 MiB never write, or a row’s own WAL would call for the next',
    { transactionsSettled: false, floor: lsn(1_000n + 1_048_575n), nowMs: 9_999_999 },
    { tag: 'nothing' },
  ],
  [
    'keepalives past 1 MiB write after 10 s',
    { transactionsSettled: false, floor: lsn(1_000n + 1_048_576n), nowMs: 20_000 },
    { tag: 'write' },
  ],
  [
    'keepalives past 1 MiB wait for the 10 s',
    { transactionsSettled: false, floor: lsn(1_000n + 1_048_576n), nowMs: 19_000 },
    { tag: 'wait', waitMs: 1_000 },
  ],
  ['a clock set back does not stop checkpoints', { nowMs: 5_000 }, { tag: 'write' }],
])('%s', (_name, given, expected) => {
  expect(checkpointDue({ ...base, ...given })).toEqual(expected);
});

/** What happens between two looks: time passes, the floor rises, by a settled transaction or by a keepalive alone. */
const looks = fc.array(
  fc.record({
    ms: fc.constantFrom(0, 1, 100, 100, 400, 1_000, 5_000, 20_000, -3_600_000),
    bytes: fc.oneof(fc.constant(0n), fc.bigInt({ min: 1n, max: 300_000n }), fc.constant(1_048_576n)),
    transaction: fc.boolean(),
  }),
  { maxLength: 80, size: 'max' },
);

test('over any course of events rows are rare enough not to feed themselves, and none that is due is forgotten', () => {
  fc.assert(
    fc.property(looks, (course) => {
      let [nowMs, floor, transactionsSettled] = [1_000_000, 1_000n, false];
      let written: PacingState['written'] = null;
      for (const { ms, bytes, transaction } of course) {
        nowMs += ms;
        floor += bytes;
        transactionsSettled ||= transaction && bytes > 0n;
        const due = checkpointDue({ written: written, floor: lsn(floor), transactionsSettled, nowMs });
        const since: number = written === null ? Infinity : nowMs - written.atMs;
        const gained: bigint = written === null ? floor : floor - written.lsn;
        switch (due.tag) {
          case 'write':
            if (written !== null) {
              expect(gained > 0n).toBe(true);
              if (since >= 0) expect(since).toBeGreaterThanOrEqual(transactionsSettled ? 1_000 : 10_000);
              if (!transactionsSettled) expect(gained >= 1_048_576n).toBe(true);
            }
            written = { lsn: lsn(floor), atMs: nowMs };
            transactionsSettled = false;
            break;
          case 'wait':
            // It is due when that time has passed, whatever else happens.
            expect(due.waitMs).toBeGreaterThan(0);
            expect(due.waitMs).toBeLessThanOrEqual(10_000);
            expect(
              checkpointDue({ written, floor: lsn(floor), transactionsSettled, nowMs: nowMs + due.waitMs }),
            ).toEqual({ tag: 'write' });
            break;
          case 'nothing':
            expect(written).not.toBeNull();
            expect(gained === 0n || (!transactionsSettled && gained < 1_048_576n)).toBe(true);
            break;
          default:
            due satisfies never;
        }
      }
    }),
    runs(150),
  );
});
