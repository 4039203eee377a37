import { formatLsn, type Lsn } from './lsn.js';

export interface GapSpan {
  readonly fromLsn: Lsn | null;
  readonly toLsn: Lsn | null;
  /** Microseconds since 1970; null: not known. */
  readonly fromTimeUs: number | null;
  readonly toTimeUs: number | null;
}

/** Times are rounded outwards to whole seconds: what is sent twice carries the same message id. */
const SECOND_US = 1_000_000;

/** The commands that fill a gap, ready to be copied: all of it in one, or only the tables' part of the span. */
export function gapCommands({ fromTimeUs, toTimeUs }: GapSpan): {
  readonly recover: string;
  readonly backfill: string;
} {
  const since = fromTimeUs === null ? '' : ` --since ${isoSecond(Math.floor(fromTimeUs / SECOND_US))}`;
  const until = toTimeUs === null ? '' : ` --until ${isoSecond(Math.ceil(toTimeUs / SECOND_US))}`;
  return {
    recover: 'paytronix-segment recover',
    backfill: `paytronix-segment backfill --event all${since}${until}`,
  };
}

function isoSecond(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z');
}

/** The span as facts for the log, and in words. */
export function gapFacts({ fromLsn, toLsn, fromTimeUs, toTimeUs }: GapSpan): {
  readonly span: string;
  readonly facts: Readonly<Record<'from' | 'to' | 'fromTime' | 'toTime', string | null>>;
} {
  const facts = {
    from: fromLsn === null ? null : formatLsn(fromLsn),
    to: toLsn === null ? null : formatLsn(toLsn),
    fromTime: fromTimeUs === null ? null : new Date(fromTimeUs / 1_000).toISOString(),
    toTime: toTimeUs === null ? null : new Date(toTimeUs / 1_000).toISOString(),
  };
  const point = (lsn: string | null, time: string | null): string =>
    `${lsn ?? 'an unknown position'}${time === null ? '' : ` (${time})`}`;
  return { span: `from ${point(facts.from, facts.fromTime)} to ${point(facts.to, facts.toTime)}`, facts };
}
