import type { Lsn } from '../postgres/lsn.js';

/** What the connector last wrote down as done, in its own schema. */
export interface StoredCheckpoint {
  /** `system_identifier` of pg_control_system(): one per initdb, kept by physical copies. Decimal text of 64 bits. */
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly slotName: string;
  /** Everything that ends at or before this position is in the queue. */
  readonly endLsn: Lsn;
  /** When the last transaction of the checkpoint was committed, microseconds since 1970; null: keepalives only. */
  readonly commitTimeUs: number | null;
}

/** The row of pg_replication_slots. */
export interface SlotState {
  readonly slotName: string;
  /** `logical` or `physical`. */
  readonly slotType: string;
  /** Null for a physical slot. */
  readonly plugin: string | null;
  readonly database: string | null;
  /** The process that streams from it; null: nobody. */
  readonly activePid: number | null;
  /** Null while the slot is still being made. */
  readonly confirmedFlushLsn: Lsn | null;
  /** Null once the slot is invalidated. */
  readonly restartLsn: Lsn | null;
  /** `reserved`, `extended`, `unreserved` or `lost`; null when restart_lsn is. */
  readonly walStatus: string | null;
  /** PostgreSQL 17 and newer, else null. */
  readonly invalidationReason: string | null;
}

/** The server as it is now. */
export interface SystemState {
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** Where the current timeline left the one before it; null: not known, or the first. */
  readonly timelineStartLsn: Lsn | null;
  /** pg_current_wal_flush_lsn(). */
  readonly walLsn: Lsn;
  /** The database connected to. */
  readonly database: string;
  /** The server's clock, microseconds since 1970. */
  readonly nowUs: number;
}

export type GapReason =
  /** The data directory is another one: restored by dump, upgraded, or the address points elsewhere. */
  | 'another-cluster'
  /** The slot was dropped. */
  | 'slot-missing'
  /** The server gave up the slot's WAL or rows (wal_status `lost`). */
  | 'slot-invalidated'
  /** The name belongs to a slot of another kind, plugin or database. */
  | 'slot-foreign'
  /** Someone confirmed past what is queued; the slot was not made anew. */
  | 'slot-ahead'
  /** As `slot-ahead`, and it needs no WAL from before the checkpoint: most likely dropped and made again. */
  | 'slot-recreated'
  /** The server stands before the checkpoint on the same timeline: its storage was set back. */
  | 'server-rewound'
  /** The timeline is older than the checkpoint's: a former primary answers. */
  | 'older-timeline';

/** Commits that can no longer be had from the slot, as exactly as is known. */
export interface Gap {
  readonly tag: 'gap';
  readonly reason: GapReason;
  /** The first position not known to be queued; null: nothing was ever queued. */
  readonly from: Lsn | null;
  /** Where the stream could go on; null: not known (another cluster's positions cannot be compared). */
  readonly to: Lsn | null;
  readonly fromTimeUs: number | null;
  readonly toTimeUs: number;
}

export type StartDecision =
  /** No slot and no checkpoint: `setup` has not been run. */
  | { readonly tag: 'setup-needed' }
  /** A slot without a checkpoint: everything from the slot's position on is new. */
  | { readonly tag: 'first-run'; readonly startLsn: Lsn }
  /** The slot stands exactly at the checkpoint. */
  | { readonly tag: 'continue'; readonly startLsn: Lsn }
  /**
   * The server forgot confirmations (every crash does that) and sends again what is queued: transactions ending at or
   * before `queuedUpTo` may be skipped where a lane's mark agrees.
   */
  | { readonly tag: 'slot-behind'; readonly startLsn: Lsn; readonly queuedUpTo: Lsn }
  /**
   * A newer timeline, and the slot came along without running ahead. Positions up to `queuedUpTo` mean the same on both
   * timelines; past it the new primary may have given the old one's positions to other commits, so lane marks beyond it
   * prove nothing and what they cover is sent again (the message ids are the same).
   */
  | {
      readonly tag: 'failover';
      readonly startLsn: Lsn;
      readonly queuedUpTo: Lsn;
      readonly fromTimeline: number;
    }
  | Gap;

/**
 * What a start means for completeness, from the stored checkpoint, the slot and the server. Never skips silently: when
 * commits may be missing between the checkpoint and the slot, the answer is a gap with its bounds.
 */
export function compareStart(input: {
  readonly checkpoint: StoredCheckpoint | null;
  /** Null: there is no slot of that name. */
  readonly slot: SlotState | null;
  readonly system: SystemState;
}): StartDecision {
  const { checkpoint, slot, system } = input;
  const gap = (reason: GapReason, to: Lsn | null): Gap => ({
    tag: 'gap',
    reason,
    from: checkpoint?.endLsn ?? null,
    to,
    fromTimeUs: checkpoint?.commitTimeUs ?? null,
    toTimeUs: system.nowUs,
  });

  if (checkpoint !== null && checkpoint.systemIdentifier !== system.systemIdentifier) {
    return gap('another-cluster', null);
  }
  if (slot === null)
    return checkpoint === null ? { tag: 'setup-needed' } : gap('slot-missing', system.walLsn);
  if (slot.slotType !== 'logical' || slot.plugin !== 'pgoutput' || slot.database !== system.database) {
    return gap('slot-foreign', system.walLsn);
  }
  if (slot.walStatus === 'lost' || slot.invalidationReason !== null || slot.confirmedFlushLsn === null) {
    return gap('slot-invalidated', system.walLsn);
  }
  const startLsn = slot.confirmedFlushLsn;
  if (checkpoint === null) return { tag: 'first-run', startLsn };
  if (system.timeline < checkpoint.timeline) return gap('older-timeline', null);
  // Before the failover case: on a new timeline, too, a slot past the checkpoint has lost what lies between.
  if (startLsn > checkpoint.endLsn) {
    const remade = slot.restartLsn === null || slot.restartLsn > checkpoint.endLsn;
    return gap(remade ? 'slot-recreated' : 'slot-ahead', startLsn);
  }
  if (system.timeline > checkpoint.timeline) {
    return {
      tag: 'failover',
      startLsn,
      queuedUpTo: sharedHistory(startLsn, checkpoint.endLsn, system),
      fromTimeline: checkpoint.timeline,
    };
  }
  if (system.walLsn < checkpoint.endLsn) return gap('server-rewound', startLsn);
  if (startLsn === checkpoint.endLsn) return { tag: 'continue', startLsn };
  return { tag: 'slot-behind', startLsn, queuedUpTo: checkpoint.endLsn };
}

/** How far the checkpoint's positions are the new timeline's too. Unknown where it branched off: only what the slot itself confirms. */
function sharedHistory(startLsn: Lsn, endLsn: Lsn, system: SystemState): Lsn {
  const branch = system.timelineStartLsn;
  if (branch === null) return startLsn;
  return branch < endLsn ? branch : endLsn;
}
