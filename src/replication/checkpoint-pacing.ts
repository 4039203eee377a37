import type { Lsn } from '../postgres/lsn.js';

/** At most one row a second while transactions settle: each row is itself WAL. */
export const TRANSACTION_INTERVAL_MS = 1_000;
/** Keepalives alone: at most one row in 10 s, and only past 1 MiB, or the row's own WAL would call for the next row. */
export const KEEPALIVE_INTERVAL_MS = 10_000;
export const KEEPALIVE_BYTES = 1_048_576n;

export interface PacingState {
  /** Position and time of the last checkpoint row written; null: none by this process. */
  readonly written: { readonly lsn: Lsn; readonly atMs: number } | null;
  /** What could be checkpointed now. */
  readonly floor: Lsn;
  /** Whether a transaction has settled since the last row (not merely a keepalive). */
  readonly transactionsSettled: boolean;
  readonly nowMs: number;
}

export type CheckpointDue =
  | { readonly tag: 'nothing' }
  | { readonly tag: 'write' }
  /** Something is to be written, but not before this many milliseconds. */
  | { readonly tag: 'wait'; readonly waitMs: number };

/** Whether a checkpoint row is due for `floor`. A position is confirmed to the server only after its row is committed. */
export function checkpointDue(state: PacingState): CheckpointDue {
  const { written, floor, transactionsSettled, nowMs } = state;
  if (written === null) return { tag: 'write' };
  if (floor <= written.lsn) return { tag: 'nothing' };
  if (!transactionsSettled && floor - written.lsn < KEEPALIVE_BYTES) return { tag: 'nothing' };
  const interval = transactionsSettled ? TRANSACTION_INTERVAL_MS : KEEPALIVE_INTERVAL_MS;
  // A clock set back must not stop checkpoints: an age below zero counts as due.
  const ageMs = nowMs - written.atMs;
  if (ageMs < 0 || ageMs >= interval) return { tag: 'write' };
  return { tag: 'wait', waitMs: interval - ageMs };
}
