import type { Finding } from '../preflight/finding.js';
import type { Style } from './style.js';

/** What was looked at in one place, for instance `Redis`. */
export interface Section {
  readonly area: string;
  readonly findings: readonly Finding[];
}

const LEVEL_WIDTH = 'warning'.length;
const MARGIN = ' '.repeat(2 + LEVEL_WIDTH + 2);

/** The findings for a person: what, why it matters and what mends it, aligned, then a verdict. */
export function renderFindings(sections: readonly Section[], style: Style): string {
  const blocks = sections.map(({ area, findings }) =>
    [style.bold(area), ...findings.map((finding) => renderFinding(finding, style))].join('\n'),
  );
  return `${blocks.join('\n\n')}\n\n${verdict(sections, style)}\n`;
}

function renderFinding({ level, what, why, fix }: Finding, style: Style): string {
  const paint = { ok: style.green, warning: style.yellow, error: style.red }[level];
  const lines = [`  ${paint(level.padEnd(LEVEL_WIDTH))}  ${indented(what)}`];
  if (why !== '') lines.push(`${MARGIN}${style.dim('why')}  ${indented(why, 5)}`);
  if (fix !== '') lines.push(`${MARGIN}${style.dim('fix')}  ${indented(fix, 5)}`);
  return lines.join('\n');
}

/** Further lines of a text stand under its first, so that a statement over several lines can be copied. */
function indented(text: string, further = 0): string {
  return text.replaceAll('\n', `\n${MARGIN}${' '.repeat(further)}`);
}

function verdict(sections: readonly Section[], style: Style): string {
  const count = (level: Finding['level']): number =>
    sections.flatMap(({ findings }) => findings).filter((finding) => finding.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  const counted = `${count('ok')} ok, ${warnings} warning${warnings === 1 ? '' : 's'}, ${errors} error${errors === 1 ? '' : 's'}`;
  return wouldWork(sections)
    ? style.green(`${counted}: the connector would work.`)
    : style.red(`${counted}: the connector would not work, or would lose events.`);
}

export function wouldWork(sections: readonly Section[]): boolean {
  return sections.every(({ findings }) => findings.every(({ level }) => level !== 'error'));
}

/** The findings for a script. */
export function findingsJson(sections: readonly Section[]): string {
  const findings = sections.flatMap(({ area, findings: found }) =>
    found.map((finding) => ({ area, ...finding })),
  );
  return `${JSON.stringify({ ok: wouldWork(sections), findings }, null, 2)}\n`;
}
