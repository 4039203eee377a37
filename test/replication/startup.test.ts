import { describe, expect, test } from 'vitest';

import {
  compareStart,
  type SlotState,
  type StoredCheckpoint,
  type SystemState,
} from '../../src/replication/startup.js';
import { lsn } from './pgoutput-messages.js';

const checkpoint: StoredCheckpoint = {
  systemIdentifier: '7400000000000000001',
  timeline: 3,
  slotName: 'segment',
  endLsn: lsn(1_000n),
  commitTimeUs: 5_000_000,
};
const slot: SlotState = {
  slotName: 'segment',
  slotType: 'logical',
  plugin: 'pgoutput',
  database: 'loyalty',
  activePid: null,
  confirmedFlushLsn: lsn(1_000n),
  restartLsn: lsn(900n),
  walStatus: 'reserved',
  invalidationReason: null,
};
const system: SystemState = {
  systemIdentifier: '7400000000000000001',
  timeline: 3,
  timelineStartLsn: lsn(100n),
  walLsn: lsn(2_000n),
  database: 'loyalty',
  nowUs: 9_000_000,
};

interface Case {
  readonly checkpoint?: Partial<StoredCheckpoint> | null;
  readonly slot?: Partial<SlotState> | null;
  readonly system?: Partial<SystemState>;
}

const decide = (given: Case): ReturnType<typeof compareStart> =>
  compareStart({
    checkpoint: given.checkpoint === null ? null : { ...checkpoint, ...given.checkpoint },
    slot: given.slot === null ? null : { ...slot, ...given.slot },
    system: { ...system, ...given.system },
  });

describe('starts that go on', () => {
  test.each<[string, Case, object]>([
    [
      'neither slot nor checkpoint: set-up was not run',
      { checkpoint: null, slot: null },
      { tag: 'setup-needed' },
    ],
    ['a new slot', { checkpoint: null }, { tag: 'first-run', startLsn: 1_000n }],
    ['the slot at the checkpoint', {}, { tag: 'continue', startLsn: 1_000n }],
    [
      'a slot set back by a crash sends again what is queued',
      { slot: { confirmedFlushLsn: lsn(950n) } },
      { tag: 'slot-behind', startLsn: 950n, queuedUpTo: 1_000n },
    ],
    [
      'a failover after the checkpoint: all of it is shared history',
      { system: { timeline: 4, timelineStartLsn: lsn(1_500n) }, slot: { confirmedFlushLsn: lsn(950n) } },
      { tag: 'failover', startLsn: 950n, queuedUpTo: 1_000n, fromTimeline: 3 },
    ],
    [
      'a failover that lost the old primary’s tail: its positions are given out anew, so nothing past the branch is skipped',
      {
        system: { timeline: 4, timelineStartLsn: lsn(960n), walLsn: lsn(970n) },
        slot: { confirmedFlushLsn: lsn(950n) },
      },
      { tag: 'failover', startLsn: 950n, queuedUpTo: 960n, fromTimeline: 3 },
    ],
    [
      'a failover with an unknown branch: only what the slot confirms is skipped',
      { system: { timeline: 5, timelineStartLsn: null }, slot: { confirmedFlushLsn: lsn(950n) } },
      { tag: 'failover', startLsn: 950n, queuedUpTo: 950n, fromTimeline: 3 },
    ],
    [
      'a slot of another name that is not ahead',
      { slot: { slotName: 'segment_2', confirmedFlushLsn: lsn(800n) } },
      { tag: 'slot-behind', startLsn: 800n, queuedUpTo: 1_000n },
    ],
  ])('%s', (_name, given, expected) => {
    expect(decide(given)).toEqual(expected);
  });
});

describe('gaps are named, with their bounds', () => {
  const bounds = { tag: 'gap', from: 1_000n, fromTimeUs: 5_000_000, toTimeUs: 9_000_000 };
  test.each<[string, Case, object]>([
    ['the slot was dropped', { slot: null }, { reason: 'slot-missing', to: 2_000n }],
    [
      'wal_status lost',
      { slot: { walStatus: 'lost', restartLsn: null } },
      { reason: 'slot-invalidated', to: 2_000n },
    ],
    [
      'invalidated while WAL remains',
      { slot: { invalidationReason: 'rows_removed' } },
      { reason: 'slot-invalidated', to: 2_000n },
    ],
    [
      'someone advanced the slot',
      { slot: { confirmedFlushLsn: lsn(1_001n) } },
      { reason: 'slot-ahead', to: 1_001n },
    ],
    [
      'the slot was dropped and made again',
      { slot: { confirmedFlushLsn: lsn(1_500n), restartLsn: lsn(1_490n) } },
      { reason: 'slot-recreated', to: 1_500n },
    ],
    [
      'a failover whose slot was made again',
      { system: { timeline: 4 }, slot: { confirmedFlushLsn: lsn(1_500n), restartLsn: lsn(1_490n) } },
      { reason: 'slot-recreated', to: 1_500n },
    ],
    [
      'another cluster: positions do not compare',
      { system: { systemIdentifier: '7' } },
      { reason: 'another-cluster', to: null },
    ],
    [
      'a physical slot of that name',
      { slot: { slotType: 'physical', plugin: null, database: null } },
      { reason: 'slot-foreign', to: 2_000n },
    ],
    ['another plugin', { slot: { plugin: 'wal2json' } }, { reason: 'slot-foreign', to: 2_000n }],
    ['a slot of another database', { slot: { database: 'other' } }, { reason: 'slot-foreign', to: 2_000n }],
    ['a former primary', { system: { timeline: 2 } }, { reason: 'older-timeline', to: null }],
    [
      'storage set back: positions after it will be given out a second time',
      { system: { walLsn: lsn(999n) }, slot: { confirmedFlushLsn: lsn(950n) } },
      { reason: 'server-rewound', to: 950n },
    ],
  ])('%s', (_name, given, expected) => {
    expect(decide(given)).toEqual({ ...bounds, ...expected });
  });

  test('an unusable slot is a gap also before anything was queued', () => {
    expect(decide({ checkpoint: null, slot: { walStatus: 'lost' } })).toMatchObject({
      tag: 'gap',
      reason: 'slot-invalidated',
      from: null,
      fromTimeUs: null,
    });
  });
});
