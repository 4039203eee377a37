import type { Derived } from '../events/event.js';
import type { Lsn } from '../postgres/lsn.js';

/** Called once, when every call of the transaction is in Redis (jobs or dead letters) or was there already. */
export type Settled = () => void;

/**
 * Where capture hands over what a transaction implies.
 *
 * Guarantee: at least once, in the order offered, per lane. `settled` runs only when Redis holds everything of the
 * transaction, so a position may be confirmed exactly when it and all before it have settled. While Redis is down or
 * full nothing settles and `offer` waits: the WAL is the buffer. Who de-duplicates: Segment, by messageId; a restarted
 * capture skips what its lane's mark says is queued, so at most one job per lane is ever doubled.
 */
export interface EventSink {
  /**
   * Takes the calls of one transaction for one source, in rank order. Transactions are offered in commit order.
   * Resolves when every call has been taken from `calls` and the sink has room for more: not when the calls are durable
   * (that is `settled`). The calls are derived as they are taken, so a huge transaction is never held whole.
   */
  offer(batch: OfferedTransaction): Promise<void>;
  /** Resolves when everything offered so far has settled. @throws what keeps it from settling, when `close` was called. */
  flush(): Promise<void>;
}

export interface OfferedTransaction {
  readonly source: string;
  readonly endLsn: Lsn;
  /**
   * Which part of a huge transaction, 0 and up; 0 for a transaction offered whole. Ranks order the calls of one slice,
   * and slices follow each other: the same at each replay, so a mark compares (endLsn, slice, rank).
   */
  readonly slice?: number;
  readonly commitTimeUs: number;
  readonly receivedAtMs: number;
  readonly calls: Iterable<Derived>;
  readonly settled: Settled;
}
