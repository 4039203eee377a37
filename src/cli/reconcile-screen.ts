import type { Doubt } from '../reconcile/judge.js';
import type { MinuteReport, Reconciliation } from '../reconcile/reconcile.js';
import { DOUBT_MEANING, minuteText, summarize, totalOf, type EventSummary } from '../reconcile/summary.js';
import type { Style } from './style.js';

const COLUMNS: readonly [heading: string, of: Exclude<keyof EventSummary, 'name'>][] = [
  ['expected', 'expected'],
  ['delivered', 'delivered'],
  ['queued', 'queued'],
  ['dead letters', 'deadLetters'],
  ['suppressed', 'suppressed'],
  ['to capture', 'toCapture'],
  ['missing', 'missing'],
  ['extra', 'extra'],
  ['undecidable', 'undecidable'],
];
const NAME_WIDTH = 22;
/** More ids of one minute are counted, not listed. */
const MOST_IDS = 20;

/** The comparison for a person: a table by event, then each minute that differs, with its ids. */
export function renderReconciliation(found: Reconciliation, style: Style): string {
  const { source, minutes, reports, tracked } = found;
  const summaries = summarize(reports);
  const lines = [
    `Source ${source}, calls with a timestamp from ${minuteText(minutes.from)} to ${minuteText(minutes.to)}`,
    ...(tracked
      ? []
      : [
          style.yellow('track_commit_timestamp is off: commits are told by the times in the rows themselves'),
        ]),
    '',
    style.bold(
      row(
        '',
        COLUMNS.map(([heading]) => heading),
      ),
    ),
    ...[...summaries, totalOf(summaries)].map((summary) =>
      row(
        summary.name,
        COLUMNS.map(([, of]) => String(summary[of])),
      ),
    ),
    '',
    ...reports.flatMap((report) => minuteLines(report, style)),
    ...doubtLines(reports),
    found.equal
      ? style.green('Nothing is missing and nothing is extra.')
      : style.red('What was delivered differs from what the tables imply.'),
  ];
  return `${lines.join('\n')}\n`;
}

function row(name: string, cells: readonly string[]): string {
  const padded = cells.map((cell, index) => cell.padStart((COLUMNS[index]?.[0].length ?? 0) + 2));
  return `${name.padEnd(NAME_WIDTH)}${padded.join('')}`;
}

function minuteLines(report: MinuteReport, style: Style): string[] {
  const { name, minute, missing, extra, missingIds } = report;
  if (missing === 0 && extra === 0) return [];
  const what = [missing > 0 ? `${missing} missing` : '', extra > 0 ? `${extra} extra` : ''].filter(Boolean);
  const ids = missingIds.slice(0, MOST_IDS).map(({ messageId }) => `  ${messageId}`);
  return [
    style.red(`${minuteText(minute)}  ${name}: ${what.join(', ')}`),
    ...(missingIds.length > missing ? [`  ${missing} of these ${missingIds.length}:`] : []),
    ...ids,
    ...(missingIds.length > MOST_IDS
      ? [`  and ${missingIds.length - MOST_IDS} more; --json lists them all`]
      : []),
    '',
  ];
}

function doubtLines(reports: readonly MinuteReport[]): string[] {
  const byDoubt = new Map<Doubt, number>();
  for (const { undecidable } of reports) {
    for (const { doubt } of undecidable) byDoubt.set(doubt, (byDoubt.get(doubt) ?? 0) + 1);
  }
  if (byDoubt.size === 0) return [];
  return [
    'Of these the tables can no longer tell whether, or when, they should have been delivered:',
    ...[...byDoubt].map(([doubt, count]) => `  ${count}: ${DOUBT_MEANING[doubt]}`),
    '',
  ];
}
