import { toError } from '../../src/errors/connector-error.js';
import type { Ending } from './fleet.js';
import { mebibytes } from './memory.js';
import type { RepeatClass, Repeats } from './repeats.js';
import type { Struck } from './strikes.js';

/** How often a fault struck, and how often it met nothing. */
export interface StrikeCount {
  readonly hits: number;
  readonly voids: number;
}

export interface ChaosReport {
  readonly seed: number;
  readonly minutes: number;
  readonly strikes: Readonly<Record<string, StrikeCount>>;
  readonly commits: number;
  /** Acts of the business that failed, by code. */
  readonly failedActs: Readonly<Record<string, number>>;
  readonly expected: number;
  readonly received: number;
  readonly missing: number;
  readonly extra: number;
  readonly wrong: number;
  readonly outOfOrder: number;
  readonly again: number;
  readonly repeats: Repeats['classes'];
  /** Calls that Segment refused alone. */
  readonly refused: number;
  /** Of those, the ones seen among the dead letters. */
  readonly deadLetters: number;
  readonly recoveries: number;
  /** How often the run itself was not given the machine for over a second. */
  readonly stalls: number;
  /** Processes that ended, by how. */
  readonly endings: Readonly<Record<string, number>>;
  readonly mostBytes: number;
  readonly longLives: number;
  readonly shortLives: number;
  /** Empty: everything held. */
  readonly findings: readonly string[];
}

export function countedStrikes(struck: readonly Struck[]): Record<string, StrikeCount> {
  const counts: Record<string, StrikeCount> = {};
  for (const { name, isHit } of struck.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const { hits, voids } = counts[name] ?? { hits: 0, voids: 0 };
    counts[name] = isHit ? { hits: hits + 1, voids } : { hits, voids: voids + 1 };
  }
  return counts;
}

export function countedEndings(endings: readonly Ending[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code, signal, condition } of endings) {
    const how = `${code ?? signal ?? ''} ${condition?.split(':')[0] ?? ''}`.trim();
    counts[how] = (counts[how] ?? 0) + 1;
  }
  return counts;
}

/** The report as a person reads it. */
export function reportLines(report: ChaosReport): string[] {
  const { strikes, endings, findings, repeats, failedActs, mostBytes, longLives, shortLives, ...figures } =
    report;
  const list = (counts: Readonly<Record<string, number>>): string => {
    const text = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
    return text.length === 0 ? 'none' : text.join(', ');
  };
  const struck = Object.entries(strikes).map(
    ([name, { hits, voids }]) => `${name} ${hits}${voids === 0 ? '' : ` (and ${voids} void)`}`,
  );
  const again = (Object.entries(repeats) as [RepeatClass, Repeats['classes'][RepeatClass]][]).map(
    ([name, { came, allowed }]) => `${name} ${came} of at most ${allowed}`,
  );
  return [
    `strikes: ${struck.join(', ')}`,
    `acts of the business that failed: ${list(failedActs)}`,
    `ends of processes: ${list(endings)}`,
    `most memory of one: ${mebibytes(mostBytes)}; judged by themselves ${longLives} lives, by the median of their process ${shortLives}`,
    `came again, by what explains it: ${again.join(', ')}`,
    list(figures),
    findings.length === 0 ? 'everything held' : `${findings.length} findings:`,
    ...findings.map((finding) => `  ${finding}`),
  ];
}

/** What ended a run without a verdict. */
export function failureLine(thrown: unknown): string {
  return toError(thrown).stack ?? String(thrown);
}
