import { expect, test } from 'vitest';
import { endingFindings } from './endings.js';
import type { Ending } from './fleet.js';

const ENDING: Ending = {
  member: 'capture-1',
  code: 0,
  signal: null,
  condition: null,
  killed: false,
  drained: true,
  atMs: 5_000,
  drainMs: 900,
  spoke: true,
};
const found = (ending: Partial<Ending>, occasions: { name: string; fromMs: number }[] = []): string[] =>
  endingFindings([{ ...ENDING, ...ending }], occasions);

test('who was asked to drain ends with 0 or 75, in time', () => {
  expect(found({})).toEqual([]);
  expect(found({ code: 75, drainMs: 25_300 })).toEqual([]);
  expect(found({ code: 1 })).toEqual([expect.stringContaining('capture-1 did not drain: 1')]);
  expect(found({ drainMs: 40_000 })).toEqual([expect.stringContaining('capture-1 drained for too long')]);
});

test('who was asked before it could listen may end by the signal, nobody else', () => {
  const bySignal = { code: null, signal: 'SIGTERM' };
  expect(found({ ...bySignal, spoke: false })).toEqual([]);
  expect(found(bySignal)).toHaveLength(1);
});

test('who was killed is gone, and who ended by itself is found', () => {
  expect(found({ code: null, signal: 'SIGKILL', killed: true, drained: false, drainMs: null })).toEqual([]);
  expect(found({ code: 0, drained: false, drainMs: null })).toEqual(['capture-1 ended by itself: 0']);
  expect(found({ condition: 'no code: boom' })).toHaveLength(1);
});

test('a gap explains an end only after the strike that may cause it', () => {
  const gap = { code: 70, drained: false, drainMs: null, condition: 'CAPTURE_GAP: gone [slot-missing]' };
  expect(found(gap, [{ name: 'slot-dropped', fromMs: 4_000 }])).toEqual([]);
  expect(found(gap, [{ name: 'slot-dropped', fromMs: 6_000 }])).toHaveLength(1);
  expect(found(gap, [{ name: 'replay-slot-dropped', fromMs: 4_000 }])).toHaveLength(1);
});
