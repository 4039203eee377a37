import { expect, test } from 'vitest';
import { Pace } from '../../src/backfill/pace.js';
import type { Clock } from '../../src/lifecycle/clock.js';

class HandClock implements Clock {
  nowMs = 1_000;
  now(): number {
    return this.nowMs;
  }
  async sleep(ms: number): Promise<void> {
    this.nowMs += ms;
  }
}

const NEVER = new AbortController().signal;

test('so many rows take as long as the rate says, whatever the pages', async () => {
  const clock = new HandClock();
  const pace = new Pace(clock, 500);
  for (const rows of [1_000, 1, 499, 500]) await pace.after(rows, NEVER);
  expect(clock.nowMs - 1_000).toBe(4_000);
});

test('time that reading took counts, and time lost elsewhere is not made up for', async () => {
  const clock = new HandClock();
  const pace = new Pace(clock, 100);
  clock.nowMs += 400;
  await pace.after(100, NEVER);
  expect(clock.nowMs).toBe(2_000);
  clock.nowMs += 60_000;
  await pace.after(100, NEVER);
  const resumedAtMs = clock.nowMs;
  await pace.after(100, NEVER);
  expect(clock.nowMs - resumedAtMs).toBe(1_000);
});
