import { expect, test } from 'vitest';
import { withoutMoved } from '../../src/reconcile/moved.js';
import type { MinuteReport } from '../../src/reconcile/reconcile.js';

function report(minute: number, extra: number, name = 'Loyalty Registration'): MinuteReport {
  const nothing = { expected: 0, delivered: 0, queued: 0, deadLetters: 0, suppressed: 0, toCapture: 0 };
  return { ...nothing, name, minute, extra, missing: 0, missingIds: [], undecidable: [] };
}

test('what is extra is explained by rows that have moved to its minute or a later one, each of them once', () => {
  const moved = [
    { name: 'Loyalty Registration', minute: 10, moved: 1 },
    { name: 'Loyalty Registration', minute: 20, moved: 2 },
  ];
  const found = withoutMoved(
    [report(5, 2), report(15, 3), report(25, 1), report(5, 1, 'POS Activity')],
    moved,
  );
  const told = found.map(({ name, minute, extra, undecidable }) => [name, minute, extra, undecidable.length]);
  // The latest minute comes first.
  expect(told).toEqual([
    ['Loyalty Registration', 25, 1, 0],
    ['Loyalty Registration', 15, 1, 2],
    ['Loyalty Registration', 5, 1, 1],
    ['POS Activity', 5, 1, 0],
  ]);
});
