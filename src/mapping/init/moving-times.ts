import { fullName } from './catalogue.js';
import type { Line, ProposedFeed, ProposedRows, Value } from './proposal.js';
import type { World } from './world.js';

type Section = ProposedFeed | ProposedRows;

const WARNING = 'every update of the row moves it: see “Commit times” in docs/mapping.md';

/** Says so behind each line that takes a commit time in a table that is updated: people are, and so is what holds balances. */
export function withMovingTimes(sections: readonly Section[], { catalogue }: World): readonly Section[] {
  const ofBalances = sections.flatMap((section) =>
    section.tag === 'feed' && section.record === 'wallet' ? [section.table] : [],
  );
  const updated = new Set([
    ...catalogue.tables.filter((table) => table.updated === true).map(fullName),
    ...ofBalances,
  ]);
  return sections.map((section) => {
    if (section.tag === 'rows') return section;
    const moves = section.record === 'account' || updated.has(section.table);
    return moves ? { ...section, lines: section.lines.map(warned) } : section;
  });
}

function warned(line: Line): Line {
  if (!isCommitTime(line.value)) return line;
  return { ...line, why: line.why === null ? WARNING : `${line.why}; ${WARNING}` };
}

function isCommitTime(value: Value): boolean {
  if (typeof value === 'string') return false;
  const { commit_time: own, first } = value;
  return own === true || (Array.isArray(first) && first.some((each: Value) => isCommitTime(each)));
}
