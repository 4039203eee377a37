import { compareRank, type Rank } from '../events/event.js';
import { formatLsn, tryParseLsn, type Lsn } from '../postgres/lsn.js';

/** The last call a lane holds: where a restarted capture goes on. Total order: commit end, slice, then rank within it. */
export interface Mark {
  readonly endLsn: Lsn;
  /** Slice of a huge transaction, else 0. */
  readonly slice: number;
  readonly rank: Rank;
}

const MARK_TEXT = /^([0-9A-F]+\/[0-9A-F]+)\|(\d+)\|(\d+)\|(.*)\|([01])$/s;

/** `<endLsn>|<slice>|<kind>|<key>|<part>`, for instance `16/B374D848|0|5|5501234580|1`. */
export function formatMark(mark: Mark): string {
  return `${formatLsn(mark.endLsn)}|${mark.slice}|${mark.rank.kind}|${mark.rank.key}|${mark.rank.part}`;
}

/** Null for text that is no mark. */
export function tryParseMark(text: string): Mark | null {
  const match = MARK_TEXT.exec(text);
  const endLsn = tryParseLsn(match?.[1] ?? '');
  if (match === null || endLsn === null) return null;
  const rank: Rank = { kind: Number(match[3]), key: match[4] ?? '', part: match[5] === '1' ? 1 : 0 };
  return { endLsn, slice: Number(match[2]), rank };
}

/** Is the call at `at` queued already, if everything up to `mark` is? */
export function isQueued(mark: Mark | null, at: Mark): boolean {
  if (mark === null) return false;
  if (at.endLsn !== mark.endLsn) return at.endLsn < mark.endLsn;
  if (at.slice !== mark.slice) return at.slice < mark.slice;
  return compareRank(at.rank, mark.rank) <= 0;
}

/**
 * The mark as far as it proves anything: after a failover only positions up to where the histories part mean the same
 * commits, and what it covers beyond is queued again (the message ids are the same).
 */
export function markUpTo(mark: Mark | null, trustUpTo: Lsn | null): Mark | null {
  if (mark === null || trustUpTo === null || mark.endLsn <= trustUpTo) return mark;
  return {
    endLsn: trustUpTo,
    slice: Number.MAX_SAFE_INTEGER,
    rank: { kind: Number.MAX_SAFE_INTEGER, key: '', part: 1 },
  };
}
