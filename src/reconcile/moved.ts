import type { ExpectedMinute } from './expected-calls.js';
import { unknownRows } from './judge.js';
import type { MinuteReport } from './reconcile.js';

/**
 * Takes what is extra for what was delivered of rows whose time has moved since, as far as there are any: their call was
 * sent in an earlier minute than the one in which the tables show it. Neither is told by its id, so both are undecidable.
 * @param expected of every minute up to now
 */
export function withoutMoved(
  reports: readonly MinuteReport[],
  expected: readonly Pick<ExpectedMinute, 'name' | 'minute' | 'moved'>[],
): MinuteReport[] {
  const taken = new Map<string, number>();
  const later = (name: string, minute: number): number =>
    expected
      .filter((each) => each.name === name && each.minute >= minute)
      .reduce((sum, { moved }) => sum + moved, 0) - (taken.get(name) ?? 0);
  // The latest first: a row that has moved to some minute explains only those before it.
  return reports
    .toSorted((a, b) => b.minute - a.minute)
    .map((report) => {
      const { name, minute, extra } = report;
      const explained = extra === 0 ? 0 : Math.min(extra, later(name, minute));
      if (explained === 0) return report;
      taken.set(name, (taken.get(name) ?? 0) + explained);
      const undecidable = [...report.undecidable, ...unknownRows(explained, 'time_unknown')];
      return { ...report, extra: extra - explained, undecidable };
    });
}
