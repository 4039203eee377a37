import { ConnectorError } from '../errors/connector-error.js';
import { formatLsn, laterLsn, type Lsn } from '../postgres/lsn.js';
import { resolvePosition, timeText, pointText, type AskedPosition } from './position.js';

/** What can be replayed: every commit from here on, up to what the live stream has confirmed. */
export interface ReplayWindow {
  /** Where the replay slot stands: the first commit that can be replayed begins at or after it. */
  readonly from: Lsn;
  /** Everything committed at or after this time is in the window; null: not known. Microseconds since 1970. */
  readonly fromTimeUs: number | null;
  /** Where the live stream stood: what comes after is still its own to send. */
  readonly to: Lsn;
  /** When the last commit up to there was committed; null: none yet. */
  readonly toTimeUs: number | null;
  /** The server's clock when this was read. */
  readonly nowUs: number;
}

/** Commits to be replayed: within the positions, and within the times where there are any (inclusive). */
export interface ReplayRange {
  readonly from: Lsn;
  readonly to: Lsn;
  readonly fromTimeUs: number | null;
  readonly toTimeUs: number | null;
}

/**
 * What was asked for, as a range within the window. `--to` beyond the window ends with the window.
 * @throws ConnectorError REPLAY_WINDOW naming the window and what to do about the rest
 */
export function rangeWithin(
  window: ReplayWindow,
  asked: { readonly from: AskedPosition; readonly to: AskedPosition | null },
  /** A position known to lie before everything committed since the time asked for; null: the window's start does. */
  before: Lsn | null = null,
): ReplayRange {
  const from = resolvePosition(asked.from, window.nowUs);
  const to = asked.to === null ? null : resolvePosition(asked.to, window.nowUs);
  const range: ReplayRange = {
    from: from.tag === 'lsn' ? from.lsn : laterLsn(window.from, before ?? window.from),
    fromTimeUs: from.tag === 'time' ? from.timeUs : null,
    to: to?.tag === 'lsn' && to.lsn < window.to ? to.lsn : window.to,
    toTimeUs: to?.tag === 'time' ? to.timeUs : null,
  };
  if (from.tag === 'lsn' && from.lsn < window.from) throw beforeWindow(window, formatLsn(from.lsn), null);
  if (from.tag === 'time' && (window.fromTimeUs === null || from.timeUs < window.fromTimeUs)) {
    throw beforeWindow(window, timeText(from.timeUs), from.timeUs);
  }
  const nothing =
    range.from > range.to ||
    (range.fromTimeUs !== null && range.fromTimeUs > (range.toTimeUs ?? window.nowUs));
  if (nothing) {
    throw new ConnectorError('REPLAY_WINDOW', `nothing lies between --from and --to; ${windowText(window)}`, {
      facts: factsOf(window),
    });
  }
  return range;
}

export function windowText(window: ReplayWindow): string {
  return `the window is ${pointText(window.from, window.fromTimeUs)} to ${pointText(window.to, window.toTimeUs)}`;
}

function beforeWindow(window: ReplayWindow, asked: string, askedUs: number | null): ConnectorError {
  const start = window.fromTimeUs === null ? formatLsn(window.from) : timeText(window.fromTimeUs);
  const since = askedUs === null ? '<its time>' : timeText(askedUs);
  const until = window.fromTimeUs === null ? '' : ` --until ${timeText(window.fromTimeUs)}`;
  return new ConnectorError(
    'REPLAY_WINDOW',
    [
      `${asked} lies before what the WAL still holds; ${windowText(window)}.`,
      `  what it holds:  paytronix-segment replay --from ${start}`,
      `  the rest:       paytronix-segment backfill --event all --since ${since}${until}`,
    ].join('\n'),
    { facts: factsOf(window) },
  );
}

/** The replay slot moved on while a run was being prepared or was interrupted. */
export function windowMoved(asked: Lsn, stands: Lsn): ConnectorError {
  return new ConnectorError(
    'REPLAY_WINDOW',
    `the replay slot has moved on to ${formatLsn(stands)}, past ${formatLsn(asked)}: what lies between is no longer in the WAL; fill it with paytronix-segment backfill`,
    { facts: { asked: formatLsn(asked), from: formatLsn(stands) } },
  );
}

function factsOf(window: ReplayWindow): Record<string, string | null> {
  return {
    from: formatLsn(window.from),
    fromTime: window.fromTimeUs === null ? null : timeText(window.fromTimeUs),
    to: formatLsn(window.to),
  };
}
