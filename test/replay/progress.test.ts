import { expect, test } from 'vitest';
import { durationText, progressLine, ProgressDisplay, Rate } from '../../src/replay/progress.js';

const SENDING = { phase: 'sending', unit: 'events', ratePerSecond: 500 } as const;

test('a progress line shows share, counts, rate and time left, and fits the columns', () => {
  const wide = progressLine({ ...SENDING, done: 3_050, total: 5_000 }, 80);
  expect(wide).toMatch(/^sending ━+─+ {2}61% · 3,050 of 5,000 events · 500\/s · 4 s left$/);
  expect(wide.split('━').length - 1).toBe(Math.round(0.61 * (wide.split(/[━─]/).length - 1)));
  expect(progressLine({ ...SENDING, done: 12_345, total: null, ratePerSecond: null })).toBe(
    'sending · 12,345 events',
  );
  const narrow = progressLine({ ...SENDING, done: 1, total: 1_000_000, note: 'x'.repeat(80) }, 40);
  expect(narrow).toHaveLength(40);
  expect(progressLine({ ...SENDING, done: 0, total: 0 })).toContain('100%');
});

test('durations read as people say them', () => {
  expect([800, 4_000, 200_000, 7_500_000].map(durationText)).toEqual([
    '800 ms',
    '4 s',
    '3 min 20 s',
    '2 h 5 min',
  ]);
});

test('a rate is that of the last ten seconds, not of the whole run', () => {
  const rate = new Rate();
  expect(rate.perSecond).toBeNull();
  for (let s = 0; s <= 20; s += 1) rate.note(s * 1_000, s * 1_000);
  for (let s = 21; s <= 40; s += 1) rate.note(20_000 + (s - 20) * 10, s * 1_000);
  expect(rate.perSecond).toBeCloseTo(10, 5);
});

test('a pipe gets whole lines now and then, a terminal one line drawn again', () => {
  const shown = (isTTY: boolean): string[] => {
    const written: string[] = [];
    let nowMs = 0;
    const display = new ProgressDisplay({ isTTY, write: (text) => written.push(text) }, () => nowMs);
    for (const done of [1, 2, 3, 4]) {
      display.show({ ...SENDING, done, total: 4 });
      nowMs += 2_000;
    }
    display.end();
    return written;
  };
  const piped = shown(false);
  expect(piped).toHaveLength(2);
  expect(piped.every((line) => line.endsWith('\n') && !line.includes('\r'))).toBe(true);
  const drawn = shown(true);
  expect(drawn).toHaveLength(5);
  expect(drawn.every((line) => line.startsWith('\r') && !line.includes('\n'))).toBe(true);
});
