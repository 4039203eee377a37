import type { Lsn } from '../postgres/lsn.js';

/** The replay slot and what it should follow, as of one look. */
export interface TrailingState {
  /** Null: there is none, and none can be made while the main slot is in use. */
  readonly slot: {
    readonly position: Lsn;
    /** WAL is kept from here on; behind `position` by as much as the oldest transaction open there goes back. */
    readonly restart: Lsn;
    readonly lost: boolean;
  } | null;
  /** Where the server writes now. */
  readonly wal: Lsn;
  /**
   * Everything up to here is delivered of the sources that take part in the live stream, and the checkpoint on disk says so;
   * null: not known yet.
   */
  readonly delivered: Lsn | null;
  /** The same of those that are parked; null: none is. */
  readonly parked: Lsn | null;
  /** Where the stream stood at now − retention; null: the time index does not reach back that far. */
  readonly retained: Lsn | null;
  /** Since the last advance of this process; null: none yet. */
  readonly sinceAdvanceMs: number | null;
}

export interface TrailingLimits {
  /** 0: no window beyond what is not delivered. */
  readonly retentionMs: number;
  readonly maxWalBytes: bigint;
  /** WAL read by one advance at most (beyond restart_lsn). */
  readonly stepBytes: bigint;
  /** The server frees whole segments: a shorter way is gone only when the last one was long ago, or the limit is small. */
  readonly leastBytes: bigint;
  readonly leastEveryMs: number;
  /** A held-back restart_lsn is read again by every advance: at most so many bytes a second on average. */
  readonly rereadBytesPerSecond: bigint;
  /** WAL behind the position from which on a slot held back is worth a word. */
  readonly heldBackBytes: bigint;
}

export const DEFAULT_TRAILING = {
  stepBytes: 64n * 1_048_576n,
  leastBytes: 16n * 1_048_576n,
  leastEveryMs: 60_000,
  rereadBytesPerSecond: 16n * 1_048_576n,
  heldBackBytes: 64n * 1_048_576n,
} as const satisfies Partial<TrailingLimits>;

export type TrailingStep =
  /** No slot: degraded until the next start makes one. */
  | { readonly tag: 'missing' }
  | { readonly tag: 'drop'; readonly reason: 'too-much-wal' | 'lost'; readonly retainedBytes: bigint }
  | { readonly tag: 'advance'; readonly to: Lsn; readonly shortened: boolean }
  | { readonly tag: 'stay' };

/**
 * What becomes of the replay slot now. It trails at the older of *delivered* and *now − retention*. When the WAL it holds
 * nears its limit the retention gives way, and what parked sources miss (the tables have that), never what is not delivered
 * to the others; past the limit the slot is dropped, because a full disk stops the database itself.
 */
export function trailingStep(state: TrailingState, limits: TrailingLimits): TrailingStep {
  const { slot, wal } = state;
  if (slot === null) return { tag: 'missing' };
  const retainedBytes = wal > slot.restart ? wal - slot.restart : 0n;
  if (slot.lost) return { tag: 'drop', reason: 'lost', retainedBytes };
  if (retainedBytes > limits.maxWalBytes) return { tag: 'drop', reason: 'too-much-wal', retainedBytes };
  const { to, shortened } = target(state, limits);
  if (to === null || to <= slot.position) return { tag: 'stay' };
  const step = earlier(to, (slot.position + limits.stepBytes) as Lsn);
  if (!due(state, slot, step, limits)) return { tag: 'stay' };
  return { tag: 'advance', to: step, shortened };
}

function target(
  { delivered, retained, parked, wal }: TrailingState,
  limits: TrailingLimits,
): { to: Lsn | null; shortened: boolean } {
  if (delivered === null) return { to: null, shortened: false };
  const undelivered = parked === null ? delivered : earlier(delivered, parked);
  if (limits.retentionMs === 0 && undelivered === delivered) return { to: delivered, shortened: false };
  const kept = limits.retentionMs === 0 ? delivered : retained;
  const wanted = kept === null ? null : earlier(undelivered, kept);
  // A quarter is left for what advancing cannot free at once.
  const room = (limits.maxWalBytes * 3n) / 4n;
  const cut = earlier(delivered, (wal > room ? wal - room : 0n) as Lsn);
  if (wanted !== null && wanted >= cut) return { to: wanted, shortened: false };
  return { to: cut > 0n ? cut : null, shortened: true };
}

function due(
  { sinceAdvanceMs }: TrailingState,
  slot: NonNullable<TrailingState['slot']>,
  step: Lsn,
  limits: TrailingLimits,
): boolean {
  if (sinceAdvanceMs === null) return true;
  const reread = step > slot.restart ? step - slot.restart : 0n;
  const restMs = Number((reread * 1_000n) / limits.rereadBytesPerSecond);
  // What has to be read anyway is no reason to wait.
  const held = slot.position > slot.restart ? slot.position - slot.restart : 0n;
  if (held > limits.stepBytes && sinceAdvanceMs < restMs) return false;
  return step - slot.position >= leastStep(limits) || sinceAdvanceMs >= limits.leastEveryMs;
}

/**
 * Behind the position the server keeps what the step before went over, and both must have room in the quarter that is left:
 * with a small limit, steps of a segment would lead past it although all is delivered.
 */
function leastStep({ leastBytes, maxWalBytes }: TrailingLimits): bigint {
  const share = maxWalBytes / 32n;
  return share < leastBytes ? share : leastBytes;
}

function earlier(a: Lsn, b: Lsn): Lsn {
  return a < b ? a : b;
}

/** Is the slot kept from freeing WAL by a transaction that was open at its position? */
export function heldBack(
  slot: { readonly position: Lsn; readonly restart: Lsn },
  limitBytes: bigint,
): boolean {
  return slot.position - slot.restart > limitBytes;
}
