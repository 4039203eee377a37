import { expect, test } from 'vitest';
import { READINESS_LIMITS, unreadyReasons, type Vitals } from '../../src/observability/readiness.js';

const NOW = 1_800_000_000_000;
const WELL: Vitals = {
  failure: null,
  capture: 'streaming',
  delivery: 'running',
  serverUnansweredSinceMs: null,
  redisAnsweredAtMs: NOW - 1_000,
  queueWaits: [],
  openSinceMs: null,
  standingStill: [],
  failing: [],
};

function reasons(vitals: Partial<Vitals>): string[] {
  return unreadyReasons({ ...WELL, ...vitals }, READINESS_LIMITS, NOW);
}

const ago = (seconds: number): number => NOW - seconds * 1_000;

test('a process whose work is being done is ready; one of a single role need not do the other’s', () => {
  expect(reasons({})).toEqual([]);
  expect(reasons({ capture: null })).toEqual([]);
  expect(reasons({ delivery: null })).toEqual([]);
});

test.each<[string, Partial<Vitals>, string]>([
  ['it has failed', { failure: 'no slot' }, 'stopped by an error: no slot'],
  ['capture is not streaming', { capture: 'standing-by' }, 'capture is standing-by'],
  ['delivery has not begun', { delivery: 'starting' }, 'delivery is starting'],
  [
    'a source is stopped',
    { standingStill: [{ source: 'default', lane: null, code: 'SOURCE_REFUSED', sinceMs: NOW }] },
    'source default stands still: SOURCE_REFUSED',
  ],
])('it is not ready at once when %s', (_, vitals, reason) => {
  expect(reasons(vitals)).toEqual([reason]);
});

test.each<[string, number, (sinceMs: number) => Partial<Vitals>, string]>([
  [
    'PostgreSQL owes an answer',
    10,
    (sinceMs) => ({ serverUnansweredSinceMs: sinceMs }),
    'postgres does not answer on the replication connection, for 10 s',
  ],
  [
    'Redis has not answered',
    10,
    (sinceMs) => ({ redisAnsweredAtMs: sinceMs }),
    'redis does not answer, for 10 s',
  ],
  [
    'capture waits',
    10,
    (sinceMs) => ({ queueWaits: [{ why: 'redis is at its memory limit', sinceMs }] }),
    'capture waits: redis is at its memory limit, for 10 s',
  ],
  [
    'a lane stands still',
    10,
    (sinceMs) => ({ standingStill: [{ source: 's', lane: '0', code: 'JOB_FORMAT_NEWER', sinceMs }] }),
    'lane s/0 stands still: JOB_FORMAT_NEWER, for 10 s',
  ],
  [
    'Segment takes nothing',
    60,
    (sinceMs) => ({ failing: [{ source: 's', lane: '0', why: 'status 503', sinceMs }] }),
    'segment takes nothing of s/0: status 503, for 60 s',
  ],
  [
    'something received is not queued',
    120,
    (sinceMs) => ({ openSinceMs: sinceMs }),
    'a transaction was received and is not in redis yet, for 120 s',
  ],
])('it is not ready when %s for %i s, and is before', (_, limitSeconds, given, reason) => {
  expect(reasons(given(ago(limitSeconds - 1)))).toEqual([]);
  expect(reasons(given(ago(limitSeconds)))).toEqual([reason]);
});
