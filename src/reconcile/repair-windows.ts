import { EVENT_NAMES, type EventName } from '../events/event.js';
import type { MinuteReport } from './reconcile.js';

/** What a backfill must read to send what is missing. */
export interface RepairWindow {
  readonly events: readonly EventName[];
  /** Of the rows' own times, milliseconds since 1970; from inclusive, to exclusive. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly messageIds: ReadonlySet<string>;
  /** Some of the ids may have been delivered: of their minute only the number of the missing ones is known. */
  readonly maySendAgain: boolean;
}

/** Windows nearer than this are read as one. */
const NEAR_MS = 5 * 60_000;

/** The stretches of rows that hold what is missing, oldest first. */
export function repairWindows(reports: readonly MinuteReport[]): RepairWindow[] {
  const rows = reports.flatMap(({ missing, missingIds }) =>
    missingIds.map(({ messageId, event, rowAtMs }) => ({
      event,
      messageId,
      rowAtMs,
      maySendAgain: missingIds.length > missing,
    })),
  );
  const windows: RepairWindow[] = [];
  for (const { event, messageId, rowAtMs, maySendAgain } of rows.toSorted((a, b) => a.rowAtMs - b.rowAtMs)) {
    // Backfill reads to the microsecond; this time is of milliseconds.
    const [fromMs, toMs] = [Math.floor(rowAtMs), Math.floor(rowAtMs) + 1];
    const last = windows.at(-1);
    if (last === undefined || fromMs - last.toMs > NEAR_MS) {
      windows.push({ events: [event], fromMs, toMs, messageIds: new Set([messageId]), maySendAgain });
      continue;
    }
    windows[windows.length - 1] = {
      events: EVENT_NAMES.filter((name) => name === event || last.events.includes(name)),
      fromMs: last.fromMs,
      toMs: Math.max(last.toMs, toMs),
      messageIds: new Set([...last.messageIds, messageId]),
      maySendAgain: last.maySendAgain || maySendAgain,
    };
  }
  return windows;
}
