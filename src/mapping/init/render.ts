import { flow } from './flow.js';
import type { Line, Proposal, ProposedFeed, ProposedRows, Unplaced } from './proposal.js';

const WIDTH = 110;
/** Records stand below `mapping`. */
const INDENT = '  ';

type Section = ProposedFeed | ProposedRows;
type Mapping = Extract<Proposal, { readonly tag: 'mapping' }>;

/** A proposal as the text of a file: the `mapping` of connector.yaml with its reasons, or why there is none. */
export function renderProposal(proposal: Proposal): string {
  switch (proposal.tag) {
    case 'reference':
      return text(reference(proposal.lacking));
    case 'nothing':
      return text([
        ...comment('No mapping is proposed: no table looks like the people that events are about.'),
        ...unplaced('What there is, and why it was not taken:', proposal.unplaced),
        ...comment(
          'Next: write the records guest, account and transaction yourself; docs/mapping.md has examples.',
        ),
      ]);
    case 'mapping':
      return text(mapping(proposal));
    default:
      return never(proposal);
  }
}

function reference(lacking: readonly string[]): string[] {
  if (lacking.length > 0) {
    return [
      ...comment(`These are the tables of the reference schema, but for ${lacking.join(', ')}.`),
      ...comment(
        'With what is lacking restored no mapping is needed: paytronix-segment check names the nearest there is.',
      ),
    ];
  }
  return [
    ...comment('These are the tables of the reference schema: no mapping is needed. Leave `mapping` out.'),
    ...comment('Next: paytronix-segment setup, then paytronix-segment check.'),
  ];
}

function mapping(proposal: Mapping): string[] {
  const { database, tables, sections } = proposal;
  const names = [...new Set(sections.map(({ record }) => record))];
  return [
    ...comment(
      `Proposed for the database ${database} (${tables === 1 ? 'one table' : `${tables} tables`}) by paytronix-segment mapping init, from ` +
        'names, keys and references. Read it before you use it: every choice has its reason; TODO marks what only you know. ' +
        'Lines that are comments already are for you to turn on.',
    ),
    'mapping:',
    ...proposal.zoneNotes.flatMap((note) => comment(note, INDENT)),
    `${INDENT}zone: ${flow(proposal.zone)}`,
    ...names.flatMap((record) => [
      '',
      ...recordLines(
        record,
        sections.filter((section) => section.record === record),
      ),
    ]),
    ...(proposal.unplaced.length === 0 ? [] : ['', ...unplaced('Not placed:', proposal.unplaced)]),
    ...(proposal.silent.length === 0
      ? []
      : ['', ...unplaced('Events that this sends none of:', proposal.silent)]),
    '',
    ...comment(
      'Next: put it into connector.yaml, then paytronix-segment check; then paytronix-segment preview.',
    ),
  ];
}

function recordLines(record: string, sections: readonly Section[]): string[] {
  const [only, more] = sections;
  if (only === undefined) return [];
  if (more === undefined) {
    const lines = [...notes(only, INDENT), `${INDENT}${record}:`, ...body(only, `${INDENT}  `)];
    return isOffered(only) ? lines.map(commentedOut) : lines;
  }
  return [`${INDENT}${record}:`, ...sections.flatMap((section) => item(section))];
}

/** An entry of a record that several tables make. */
function item(section: Section): string[] {
  const inner = `${INDENT}  `;
  const [first = '', ...rest] = body(section, `${inner}  `);
  const lines = [...notes(section, inner), `${inner}- ${first.trimStart()}`, ...rest];
  return isOffered(section) ? lines.map(commentedOut) : lines;
}

function isOffered(section: Section): boolean {
  return section.offered ?? false;
}

function commentedOut(line: string): string {
  const bare = line.slice(INDENT.length);
  return line.trimStart().startsWith('#') ? line : `${INDENT}# ${bare}`;
}

function notes(section: Section, indent: string): string[] {
  if (section.tag === 'rows') return section.notes.flatMap((note) => comment(note, indent));
  const { record, table, confidence, offered } = section;
  const head = `${record} from ${table}: confidence ${confidence}.`;
  const off = offered ? ' Only offered: take the # away to use it.' : '';
  return [head + off, ...section.notes].flatMap((note) => comment(note, indent));
}

function body(section: Section, indent: string): string[] {
  if (section.tag === 'rows') {
    return [`${indent}rows:`, ...section.rows.map((row) => `${indent}  - ${flow(row)}`)];
  }
  const where = Object.keys(section.where).length === 0 ? [] : [`${indent}where: ${flow(section.where)}`];
  const joins = section.joins.map(
    ({ name, table, on }) => `${indent}  ${flow(name)}: ${flow({ table, on })}`,
  );
  return [
    `${indent}table: ${flow(section.table)}`,
    ...where,
    ...(joins.length === 0 ? [] : [`${indent}join:`, ...joins]),
    `${indent}columns:`,
    ...section.lines.map((line) => columnLine(line, `${indent}  `)),
  ];
}

function columnLine({ column, value, why, offered }: Line, indent: string): string {
  const line = `${column}: ${flow(value)}`;
  return `${indent}${offered ? '# ' : ''}${line}${why === null ? '' : ` # ${oneLine(why)}`}`;
}

function unplaced(head: string, list: readonly Unplaced[]): string[] {
  return [...comment(head), ...list.flatMap(({ what, why }) => comment(`  ${what}: ${why}.`, '', '    '))];
}

/** As many lines of comment as it takes. `hang`: how much further in those after the first stand. */
function comment(said: string, indent = '', hang = ''): string[] {
  const lines: string[] = [];
  const lead = /^ */.exec(said)?.[0] ?? '';
  let line = lead;
  for (const word of oneLine(said).trim().split(' ')) {
    if (line.trim() !== '' && indent.length + 3 + line.length + word.length > WIDTH) {
      lines.push(line);
      line = hang;
    }
    line += line.trim() === '' ? word : ` ${word}`;
  }
  return [...lines, line].map((each) => `${indent}# ${each}`);
}

/** Names of tables and codes of rows are others' words: none of them ends a comment. */
function oneLine(said: string): string {
  return said.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' ');
}

function text(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

function never(proposal: never): never {
  throw new RangeError(`no such proposal: ${JSON.stringify(proposal)}`);
}
