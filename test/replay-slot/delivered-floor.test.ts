import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Lsn } from '../../src/postgres/lsn.js';
import { DeliveredFloor } from '../../src/replay/delivered-floor.js';
import { deliveredFromJson, deliveredToJson } from '../../src/replay/delivered-state.js';
import { healingPlan } from '../../src/replay/healing-plan.js';
import { runs } from '../support/fuzz-runs.js';

const at = (position: number): Lsn => BigInt(position) as Lsn;

describe('the delivered floor', () => {
  test('rises only when every lane has delivered what was queued up to there', () => {
    const floor = new DeliveredFloor(at(5), 50);
    floor.queued(at(10), 100, { 'default/0': 3, 'default/1': 7 });
    floor.queued(at(20), 200, { 'default/0': 4, 'default/1': 7 });
    expect(floor.delivered({ 'default/0': 3, 'default/1': 6 })).toBe(at(5));
    expect(floor.delivered({ 'default/0': 9, 'default/1': 6 })).toBe(at(5));
    expect(floor.delivered({ 'default/0': 3, 'default/1': 7 })).toBe(at(10));
    expect(floor.commitTimeUs).toBe(100);
    expect(floor.delivered({ 'default/0': 4, 'default/1': 7 })).toBe(at(20));
  });

  test('a drained lane does not hold it back', () => {
    const floor = new DeliveredFloor(at(5), null);
    floor.queued(at(90), 1, { 'default/0': 0, 'default/1': 2 });
    expect(floor.delivered({ 'default/1': 2 })).toBe(at(90));
  });

  test('never goes back, also when Redis knows less than before', () => {
    const floor = new DeliveredFloor(at(5), null);
    floor.queued(at(10), 1, { 'default/0': 3 });
    floor.delivered({ 'default/0': 3 });
    floor.queued(at(8), 1, { 'default/0': 0 });
    expect(floor.delivered({ 'default/0': 0 })).toBe(at(10));
  });

  test('a long outage of delivery makes it coarser, not wrong, and takes little memory', () => {
    const floor = new DeliveredFloor(at(0), null);
    for (let n = 1; n <= 50_000; n += 1) floor.queued(at(n), n, { 'default/0': n });
    expect(floor.delivered({ 'default/0': 30_000 })).toBeLessThanOrEqual(30_000n);
    expect(floor.floor).toBeGreaterThan(20_000n);
  });

  test('never passes a call that is not delivered, and reaches the end when all are', () => {
    // Calls 1, 2, 3 … of a stream, each in one of two lanes, batched into jobs at any moment and delivered lane by lane.
    const step = fc.oneof(
      fc.record({
        do: fc.constant('queue' as const),
        lane: fc.nat(1),
        calls: fc.integer({ min: 1, max: 3 }),
      }),
      fc.record({ do: fc.constant('deliver' as const), lane: fc.nat(1), calls: fc.constant(0) }),
      fc.record({ do: fc.constant('look' as const), lane: fc.constant(0), calls: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const floor = new DeliveredFloor(at(0), null);
        const jobs: { last: number; first: number }[][] = [[], []];
        const done = [0, 0];
        let last = 0;
        const look = (): bigint => {
          floor.queued(at(last), last, {
            'default/0': jobs[0]?.length ?? 0,
            'default/1': jobs[1]?.length ?? 0,
          });
          return floor.delivered({ 'default/0': done[0] ?? 0, 'default/1': done[1] ?? 0 });
        };
        const firstMissing = (): number =>
          Math.min(...jobs.flatMap((lane, i) => lane.slice(done[i]).map((job) => job.first)), Infinity);
        for (const one of steps) {
          const lane = jobs[one.lane] ?? [];
          if (one.do === 'queue') {
            lane.push({ first: last + 1, last: last + one.calls });
            last += one.calls;
          } else if (one.do === 'deliver') done[one.lane] = Math.min(lane.length, (done[one.lane] ?? 0) + 1);
          else expect(Number(look())).toBeLessThan(firstMissing());
        }
        look();
        for (const [i, lane] of jobs.entries()) done[i] = lane.length;
        expect(Number(look())).toBe(last);
      }),
      runs(300),
    );
  });

  test('survives the checkpoint, and anything else there is taken for nothing', () => {
    const state = {
      floor: at(0x16b374d848),
      commitTimeUs: 5,
      lanes: { 'default/0': { seq: 4, position: '0/10' } },
      sources: {
        default: { floor: at(0x16b374d848), commitTimeUs: 5 },
        east: { floor: at(7), commitTimeUs: null },
      },
    };
    expect(deliveredFromJson(deliveredToJson(state))).toEqual(state);
    expect(deliveredFromJson({})).toBeNull();
    expect(deliveredFromJson({ floor: 'nowhere' })).toBeNull();
  });
});

describe('what healing streams', () => {
  const facts = { delivered: at(10), live: at(50), replay: at(10), accepted: [] };
  test.each([
    ['from the delivered position to the live stream', facts, { tag: 'stream', from: at(10), to: at(50) }],
    ['nothing, when all was delivered', { ...facts, delivered: at(50) }, { tag: 'nothing' }],
    [
      'nothing it does not have',
      { ...facts, replay: null },
      { tag: 'gap', reason: 'no-replay-slot', from: at(10), to: at(50) },
    ],
    [
      'nothing behind a hole',
      { ...facts, replay: at(30) },
      { tag: 'gap', reason: 'window-too-short', from: at(10), to: at(30) },
    ],
    [
      'no gap beyond the live position',
      { ...facts, replay: at(90) },
      { tag: 'gap', reason: 'window-too-short', from: at(10), to: at(50) },
    ],
    [
      'what is left when somebody has dealt with the gap',
      { ...facts, replay: at(30), accepted: [{ from: at(10), to: at(30) }] },
      { tag: 'stream', from: at(30), to: at(50) },
    ],
    [
      'no more for a gap of long ago',
      { ...facts, replay: at(30), accepted: [{ from: at(2), to: at(9) }] },
      { tag: 'gap', reason: 'window-too-short', from: at(10), to: at(30) },
    ],
    [
      'no more for a gap further on',
      { ...facts, replay: at(30), accepted: [{ from: at(20), to: at(30) }] },
      { tag: 'gap', reason: 'window-too-short', from: at(10), to: at(30) },
    ],
  ] as const)('%s', (_what, given, expected) => {
    expect(healingPlan(given)).toEqual(expected);
  });
});
