import { isReached, ratioOf, type FigureResult, type Goal, type Measure } from './measure.js';
import { median } from './statistics.js';

const HEADINGS = ['figure', 'measured', 'baseline of the same run', 'ratio', 'goal', ''];

/** The lines of a table with columns wide enough, then what was found wrong and what is to be known. */
export function tableLines(results: ReadonlyMap<string, FigureResult>): readonly string[] {
  const rows = [HEADINGS];
  const remarks: string[] = [];
  for (const [figure, { measures, findings, notes }] of results) {
    for (const measure of measures) rows.push(cellsOf(figure, measure));
    for (const finding of findings) remarks.push(`WRONG ${figure}: ${finding}`);
    for (const note of notes) remarks.push(`${figure}: ${note}`);
  }
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [...lines, ...(remarks.length === 0 ? [] : ['', ...remarks])];
}

function cellsOf(figure: string, measure: Measure): string[] {
  const { what, unit, values, baseline, goal } = measure;
  const proportion = ratioOf(measure);
  const reached = isReached(measure);
  return [
    `${figure}: ${what}`,
    `${spreadText(values)} ${unit}`,
    baseline === null ? '–' : `${baseline.name} ${spreadText(baseline.values)}`,
    proportion === null ? '–' : `${numberText(proportion)} ×`,
    goal === null ? '–' : goalText(goal, unit),
    reached === null ? '' : reached ? 'reached' : 'not reached',
  ];
}

/** The median, and what the rounds spread over: `12,300 (11,900–12,400)`. */
function spreadText(values: readonly number[]): string {
  const middle = numberText(median(values));
  if (values.length === 1) return middle;
  return `${middle} (${numberText(Math.min(...values))}–${numberText(Math.max(...values))})`;
}

/** Three significant digits, whole from 100 up. */
function numberText(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

function goalText({ of, bound, limit }: Goal, unit: string): string {
  const sign = bound === 'least' ? '≥' : '≤';
  return `${sign} ${numberText(limit)} ${of === 'ratio' ? '×' : unit}`;
}
