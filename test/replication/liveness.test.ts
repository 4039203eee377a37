import { describe, expect, test } from 'vitest';

import { livenessPlan, livenessStep, type SilenceState } from '../../src/replication/liveness.js';

const plan = livenessPlan(60_000);
const fresh: SilenceState = { sinceMs: 0, lastTickMs: 0, unanswered: 0 };

/** Ticks at the plan's interval with nothing heard, and tells what was done. */
function silence(options: { readonly paused?: (atMs: number) => boolean; readonly ticks: number }): string[] {
  let state = fresh;
  const done: string[] = [];
  for (let tick = 1; tick <= options.ticks; tick++) {
    const nowMs = tick * plan.statusIntervalMs;
    const step = livenessStep(plan, state, { nowMs, heard: false, paused: options.paused?.(nowMs) ?? false });
    done.push(step.tag);
    if (step.tag === 'silent') break;
    state = step.state;
  }
  return done;
}

describe('statuses', () => {
  test.each([
    [60_000, 10_000, 60_000],
    [5_000, 1_666, 5_000],
    [300, 100, 300],
    [0, 10_000, 60_000],
  ])(
    'wal_sender_timeout %i: a status every %i ms, given up after %i',
    (timeout, statusIntervalMs, silenceLimitMs) => {
      expect(livenessPlan(timeout)).toEqual({ statusIntervalMs, silenceLimitMs });
    },
  );
});

describe('a silent server', () => {
  test('is asked for a reply after ten seconds, or half a shorter limit, and given up at the limit', () => {
    expect(silence({ ticks: 20 })).toEqual(['ask', 'ask', 'ask', 'ask', 'ask', 'silent']);
    const short = livenessPlan(3_000);
    const at = (nowMs: number) => livenessStep(short, fresh, { nowMs, heard: false, paused: false }).tag;
    expect([at(1_000), at(1_500), at(2_000)]).toEqual(['status', 'ask', 'ask']);
  });

  test('is not blamed while we do not read', () => {
    expect(new Set(silence({ ticks: 50, paused: () => true }))).toEqual(new Set(['status']));
    // The silence begins anew when reading goes on.
    expect(silence({ ticks: 30, paused: (at) => at <= 100_000 }).indexOf('silent')).toBe(15);
  });

  test('is not blamed for the time in which this process stood still', () => {
    const step = livenessStep(plan, fresh, { nowMs: 600_000, heard: false, paused: false });
    expect(step).toEqual({ tag: 'status', state: { sinceMs: 600_000, lastTickMs: 600_000, unanswered: 0 } });
  });

  test('any message ends the silence', () => {
    const asked: SilenceState = { sinceMs: 0, lastTickMs: 50_000, unanswered: 2 };
    expect(livenessStep(plan, asked, { nowMs: 60_000, heard: false, paused: false }).tag).toBe('silent');
    expect(livenessStep(plan, asked, { nowMs: 60_000, heard: true, paused: false })).toEqual({
      tag: 'status',
      state: { sinceMs: 60_000, lastTickMs: 60_000, unanswered: 0 },
    });
  });
});
