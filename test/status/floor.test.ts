import { expect, test } from 'vitest';
import type { Lsn } from '../../src/postgres/lsn.js';
import type { SlotState } from '../../src/postgres/slot.js';
import type { SourceState } from '../../src/postgres/source-store.js';
import type { LaneStatus, QueueStatus } from '../../src/queue/status.js';
import type { DatabaseStatus } from '../../src/status/database-status.js';
import { whoHoldsTheFloor } from '../../src/status/floor.js';
import type { StatusFacts } from '../../src/status/status.js';

const NOW = 1_800_000_000_000;
const MIB = 1_048_576n;

function slot(more: Partial<SlotState> = {}): SlotState {
  return {
    slotName: 's',
    plugin: 'pgoutput',
    slotType: 'logical',
    database: 'd',
    temporary: false,
    active: true,
    activePid: 7,
    restartLsn: 1n as Lsn,
    confirmedFlushLsn: 2n as Lsn,
    walStatus: 'reserved',
    safeWalBytes: null,
    retainedBytes: 1_000n,
    behindBytes: 0n,
    invalidationReason: null,
    conflicting: false,
    failover: false,
    ...more,
  };
}

function lane(more: Partial<LaneStatus> = {}): LaneStatus {
  return {
    source: 'default',
    lane: 0,
    jobs: 0,
    oldestAtMs: null,
    inHand: false,
    history: 'h',
    hole: false,
    queuedSeq: 10,
    mark: null,
    deliveredSeq: 10,
    deliveredPosition: null,
    deliveredAtMs: NOW,
    waitingBytes: 0,
    ...more,
  };
}

interface Given {
  readonly database?: Partial<DatabaseStatus>;
  readonly queue?: Partial<QueueStatus>;
  readonly away?: 'database' | 'queue';
  readonly pausedByFile?: readonly string[];
}

function facts({ database = {}, queue = {}, away, pausedByFile = [] }: Given): StatusFacts {
  return {
    database:
      away === 'database'
        ? { tag: 'away', reason: 'no answer within 5 s' }
        : {
            tag: 'answered',
            value: {
              server: { version: '18.4', database: 'd', inRecovery: false, walLsn: 3n as Lsn, nowMs: NOW },
              slotName: 's',
              slot: slot(),
              replaySlot: slot({ slotName: 's_replay', active: false }),
              checkpoint: null,
              openGaps: [],
              suppressedGuests: 0,
              sources: [],
              transaction: null,
              ...database,
            },
          },
    queue:
      away === 'queue'
        ? { tag: 'away', reason: 'connect ECONNREFUSED' }
        : {
            tag: 'answered',
            value: {
              memory: { usedBytes: 1, maxBytes: 0 },
              lanes: [lane()],
              notes: [],
              deadLetters: {},
              suppressedGuests: 0,
              listedGuests: null,
              ...queue,
            },
          },
    budgets: new Map([['default', 1_000]]),
    pausedByFile: new Set(pausedByFile),
    nowMs: NOW,
  };
}

function parked(source: string, sinceMs: number): SourceState {
  const added = { lsn: 1n as Lsn, atUs: 0 };
  const at = { upTo: 5n as Lsn, commitTimeUs: null, sinceUs: sinceMs * 1_000 };
  return { source, added, removed: false, parked: at, pausedAtUs: null };
}

const OPEN = { pid: 4711, gid: null, applicationName: 'psql', openForMs: 7_500_000 };
const OLD = { jobs: 812, oldestAtMs: NOW - 3_600_000 };
const failing = {
  source: 'default',
  lane: 0,
  state: 'failing' as const,
  why: 'status 503',
  sinceMs: NOW - 900_000,
};
const stopped = { ...failing, lane: null, state: 'stopped' as const, why: 'SOURCE_REFUSED' };

test.each<[string, Given, string, string]>([
  ['all is well', {}, 'nothing', 'Nothing holds the floor'],
  [
    'a source is parked that stands still',
    {
      queue: { lanes: [lane({ ...OLD, waitingBytes: 5_000 })], notes: [stopped] },
      database: {
        sources: [parked('default', NOW - 600_000), parked('east', NOW - 7_200_000)],
        replaySlot: slot({ behindBytes: 80n * MIB }),
      },
    },
    'parked',
    'Source east and 1 more, past the queue budget, parked for 2 h: capture goes on for the others, and the replay slot keeps 80.0 MiB',
  ],
  [
    'a source is paused',
    {
      queue: { lanes: [lane(OLD)] },
      database: {
        sources: [{ ...parked('default', NOW), parked: null, pausedAtUs: (NOW - 7_200_000) * 1_000 }],
      },
    },
    'paused',
    'Source default has been paused for 2 h, with 812 jobs waiting: paytronix-segment resume --source default',
  ],
  [
    'a source is paused by its configuration, whatever was resumed',
    { queue: { lanes: [lane(OLD)] }, pausedByFile: ['default'] },
    'paused',
    'Source default is paused by its configuration (paused: true), with 812 jobs waiting: without that line it goes on.',
  ],
  [
    'a source is paused by its configuration, and nothing of it waits',
    { pausedByFile: ['default'] },
    'nothing',
    'Nothing holds the floor',
  ],
  ['PostgreSQL does not answer', { away: 'database' }, 'postgres', 'no answer within 5 s'],
  ['there is no slot', { database: { slot: null } }, 'no_slot', 'There is no slot s'],
  [
    'the slot is lost',
    { database: { slot: slot({ walStatus: 'lost', active: false }) } },
    'no_slot',
    'paytronix-segment recover',
  ],
  [
    'capture is not running',
    { database: { slot: slot({ active: false, activePid: null, retainedBytes: 80n * MIB }) } },
    'capture',
    'nobody holds slot s, and the server keeps 80.0 MiB',
  ],
  [
    'a transaction is open that both slots have passed',
    { database: { transaction: OPEN, slot: slot({ retainedBytes: 200n * MIB, behindBytes: 2n * MIB }) } },
    'transaction',
    'PID 4711 (psql), open for 2 h 5 min, keeps 198.0 MiB',
  ],
  [
    'a prepared transaction is',
    {
      database: {
        transaction: { ...OPEN, pid: null, gid: 'till 7' },
        replaySlot: slot({ retainedBytes: 200n * MIB }),
      },
    },
    'transaction',
    'prepared transaction till 7',
  ],
  [
    'a transaction is open, but what is not confirmed is more',
    { database: { transaction: OPEN, slot: slot({ retainedBytes: 200n * MIB, behindBytes: 150n * MIB }) } },
    'catching_up',
    '150.0 MiB of WAL are not confirmed yet',
  ],
  ['Redis does not answer', { away: 'queue' }, 'redis', 'connect ECONNREFUSED'],
  [
    'Redis is at its memory limit',
    { queue: { memory: { usedBytes: 72, maxBytes: 100 } } },
    'redis_memory',
    'adds nothing from 70 % on',
  ],
  [
    'a source is refused',
    { queue: { notes: [failing, stopped] } },
    'lane',
    'Source default has been standing still for 15 min: SOURCE_REFUSED.',
  ],
  [
    'a lane stands still at a job of a newer release',
    { queue: { notes: [{ ...stopped, lane: 0, why: 'JOB_FORMAT_NEWER' }] } },
    'lane',
    'Lane default/0 has been standing still for 15 min: JOB_FORMAT_NEWER.',
  ],
  ['a lane has a hole', { queue: { lanes: [lane({ hole: true })] } }, 'lane', 'Lane default/0 misses a job'],
  [
    'Segment is down',
    { queue: { notes: [failing], lanes: [lane({ ...OLD, inHand: true })] } },
    'segment',
    'Segment has taken nothing of default for 15 min: status 503. It is tried again.',
  ],
  [
    'Segment is down, and the budget is used up',
    { queue: { notes: [failing], lanes: [lane({ ...OLD, waitingBytes: 1_001 })] } },
    'segment',
    'Its queue budget is used up, so capture waits.',
  ],
  ['Segment failed a moment ago', { queue: { notes: [failing] } }, 'nothing', 'Nothing holds the floor'],
  [
    'nobody delivers',
    { queue: { lanes: [lane(OLD)] } },
    'delivery',
    'Nobody delivers: no process has 812 jobs of lane default/0, the oldest for 60 min, in hand.',
  ],
  [
    'delivery is behind',
    { queue: { lanes: [lane({ ...OLD, inHand: true, lane: 1_000 })] } },
    'delivery',
    'Delivery works through a backlog: 812 jobs of lane default/replay',
  ],
  [
    'the replay slot trails',
    { database: { replaySlot: slot({ retainedBytes: 900n * MIB, behindBytes: 899n * MIB }) } },
    'replay_slot',
    'The replay slot trails by design: 899.0 MiB',
  ],
  [
    'capture is down, and Redis and Segment too: the most upstream is named',
    { away: 'queue', database: { slot: slot({ active: false }) } },
    'capture',
    'Capture is not running',
  ],
])('%s', (_, given, heldBy, says) => {
  const floor = whoHoldsTheFloor(facts(given));
  expect(floor.heldBy).toBe(heldBy);
  expect(floor.says).toContain(says);
});
