import { TABLES, type TableName } from '../records/tables.js';
import { givenKey, labelOf, recordColumns, type RecordColumn } from './columns.js';
import { defaultInWords } from './defaults.js';
import { meaningOf, RECORD_MEANING } from './meanings.js';
import { RECORD_NAMES, RECORDS, type RecordName } from './record-names.js';

/** What `docs/mapping.md` says of the records: a heading and a table of columns for each. */
export function recordsDoc(): string {
  return RECORD_NAMES.map(recordDoc).join('\n\n');
}

/** A further column of the tables is one more entry. */
const CELLS: readonly (readonly [
  heading: string,
  cell: (column: RecordColumn, record: RecordName) => string,
])[] = [
  ['column', ({ name }) => `\`${name}\``],
  ['holds', holds],
  ['needed', needed],
  ['default', ({ name }, record) => shownDefault(RECORDS[record], name)],
  ['meaning', ({ name }, record) => meaningOf(record, name)],
];

function recordDoc(record: RecordName): string {
  const table = RECORDS[record];
  const rows = [...recordColumns(table).values()].map((column) =>
    line(CELLS.map(([, cell]) => cell(column, record))),
  );
  const heads = [line(CELLS.map(([heading]) => heading)), line(CELLS.map(() => '---'))];
  const full =
    TABLES[table].identity === 'full' ? [`Needs \`REPLICA IDENTITY FULL\`: ${OLD_ROW_WHY}.`, ''] : [];
  return [`### ${record}`, '', RECORD_MEANING[record], '', ...full, ...heads, ...rows].join('\n');
}

const OLD_ROW_WHY = 'what it was before an UPDATE decides whether there is an event';

function shownDefault(table: TableName, column: string): string {
  const { words, isValue } = defaultInWords(table, column) ?? { words: '', isValue: false };
  return isValue ? `\`${words}\`` : words;
}

function holds(column: RecordColumn): string {
  const { values } = column;
  if (values === null) return labelOf(column).replace(/^an? /, '');
  return values.map((value) => `\`${value}\``).join(', ');
}

function needed({ name, need }: RecordColumn, record: RecordName): string {
  if (givenKey(RECORDS[record]).includes(name)) return 'key';
  return need === 'required' ? 'never null' : '';
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
