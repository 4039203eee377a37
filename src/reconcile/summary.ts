import { TALLIED_NAMES } from '../queue/tally.js';
import type { Doubt } from './judge.js';
import type { MinuteReport, Reconciliation } from './reconcile.js';

/** Sums over the minutes of one event. */
export interface EventSummary {
  readonly name: string;
  readonly expected: number;
  readonly delivered: number;
  readonly queued: number;
  readonly deadLetters: number;
  readonly suppressed: number;
  /** Committed after what capture has confirmed. */
  readonly toCapture: number;
  readonly missing: number;
  readonly extra: number;
  readonly undecidable: number;
}

export const DOUBT_MEANING: Readonly<Record<Doubt, string>> = {
  guest_deleted: 'the guest was deleted or anonymised since: what was still queued then was dropped',
  account_merged: 'the account was merged into another since',
  account_terminated: 'the account was terminated since',
  merchant_inactive: 'the merchant is no longer active',
  row_changed: 'the row moved on since: refunded, referral used, survey reopened',
  time_unknown:
    'the time is a commit time, which updates of the row move: it was sent in another minute, if it was',
  commit_unknown: 'the rows tell a time before anything was counted, and may have been committed after it',
};

/** By event, in the order in which events are sent, identify calls last. */
export function summarize(reports: readonly MinuteReport[]): EventSummary[] {
  const summaries = new Map<string, EventSummary>();
  for (const report of reports) {
    const known = summaries.get(report.name) ?? nothingOf(report.name);
    summaries.set(report.name, added(known, { ...report, undecidable: report.undecidable.length }));
  }
  return TALLIED_NAMES.flatMap((name) => summaries.get(name) ?? []);
}

export function totalOf(summaries: readonly EventSummary[]): EventSummary {
  return summaries.reduce(added, nothingOf('total'));
}

function nothingOf(name: string): EventSummary {
  return {
    name,
    expected: 0,
    delivered: 0,
    queued: 0,
    deadLetters: 0,
    suppressed: 0,
    toCapture: 0,
    missing: 0,
    extra: 0,
    undecidable: 0,
  };
}

function added(a: EventSummary, b: EventSummary): EventSummary {
  return {
    name: a.name,
    expected: a.expected + b.expected,
    delivered: a.delivered + b.delivered,
    queued: a.queued + b.queued,
    deadLetters: a.deadLetters + b.deadLetters,
    suppressed: a.suppressed + b.suppressed,
    toCapture: a.toCapture + b.toCapture,
    missing: a.missing + b.missing,
    extra: a.extra + b.extra,
    undecidable: a.undecidable + b.undecidable,
  };
}

export function minuteText(minute: number): string {
  return `${new Date(minute * 60_000).toISOString().slice(0, 16)}Z`;
}

/** For a script. */
export function reconciliationJson(found: Reconciliation): string {
  const events = summarize(found.reports);
  const notable = found.reports.filter(
    ({ missing, extra, undecidable }) => missing + extra + undecidable.length > 0,
  );
  const minutes = notable.map(({ name, minute, missing, extra, missingIds, undecidable }) => ({
    minute: minuteText(minute),
    event: name,
    missing,
    extra,
    // More than `missing` where only their number can be told.
    missingIds: missingIds.map(({ messageId }) => messageId),
    undecidable,
  }));
  const { source, equal, tracked } = found;
  const [from, to] = [minuteText(found.minutes.from), minuteText(found.minutes.to)];
  return `${JSON.stringify({ source, from, to, equal, tracked, total: totalOf(events), events, minutes }, null, 2)}\n`;
}
