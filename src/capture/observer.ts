import type { Lsn } from '../postgres/lsn.js';
import type { SlotState } from '../postgres/slot.js';
import type { Healed } from '../replay/healing.js';
import type { ReplaySlotReport } from '../replay/trailing-task.js';

/** Where capture stands, for readiness and status. */
export type CaptureState =
  | { readonly tag: 'starting' }
  /** Another process holds the slot; this one takes over when it lets go. */
  | { readonly tag: 'standing-by' }
  | { readonly tag: 'streaming' }
  /** The last attempt ended; the next one begins after a pause. */
  | { readonly tag: 'reconnecting'; readonly code: string }
  | { readonly tag: 'stopped' }
  | { readonly tag: 'failed'; readonly code: string };

/** What capture tells whoever counts and logs. Every method is optional and must not throw. */
export interface CaptureObserver {
  state?(state: CaptureState): void;
  received?(commit: {
    commitTimeUs: number;
    receivedAtMs: number;
    rowCount: number;
    byteLength: number;
  }): void;
  spilled?(bytes: number): void;
  /** Reading from the server is paused, or goes on: what follows is slower than the stream. */
  backpressure?(paused: boolean): void;
  /** A call was derived, or set aside because it cannot be sent as it is. */
  derived?(source: string, name: string, outcome: 'derived' | 'rejected'): void;
  /** A merchant's rows would be events, and no source takes them; told once for each. */
  unrouted?(merchantId: string): void;
  /** A row would be this event of an account that there is no record of; nothing is sent of it. */
  noAccount?(source: string, event: string): void;
  /** A column of a mapped record was read with a word that the record does not have: it decides nothing. */
  unknownWord?(record: string, column: string): void;
  /** A statement read what the stream has not given. */
  lookup?(table: string): void;
  /** A source left the live stream, or takes part in it again. Told of those that an earlier process had parked, too. */
  parked?(source: string, parked: boolean): void;
  /** What a parked source misses is no longer in the WAL, and was recorded as a gap. */
  fellBehind?(source: string): void;
  checkpointed?(lsn: Lsn): void;
  slot?(slot: SlotState | null): void;
  reconnecting?(): void;
  /** Redis lost what was queued; live capture waits until it is queued again. */
  healing?(): void;
  healed?(healed: Healed): void;
  /** Everything up to here is delivered, in every lane. */
  delivered?(floor: Lsn): void;
  replaySlot?(report: ReplaySlotReport): void;
  replaySlotDropped?(reason: 'too-much-wal' | 'lost', retainedBytes: bigint): void;
}

/** Positions as they are now, for metrics and "who holds the floor". */
export interface CapturePositions {
  /** End of everything received from the server. */
  readonly received: Lsn;
  /** Everything up to here is in Redis. */
  readonly floor: Lsn;
  /** What the server was told it may forget. */
  readonly confirmed: Lsn;
  /** The oldest transaction received but not in Redis yet; null: none. */
  readonly oldestOpen: { readonly endLsn: Lsn; readonly sinceMs: number } | null;
  /** Since when the server owes an answer it was asked for, milliseconds since 1970; null: it does not. */
  readonly unansweredSinceMs: number | null;
}
