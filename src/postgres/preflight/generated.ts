import { columnsOf } from '../../mapping/source-tables.js';
import { failure, warning, type Finding } from '../../preflight/finding.js';
import { closedByVirtualColumns, GENERATED_SINCE, hasFull } from '../generated-columns.js';
import type { PublicationFingerprint } from '../publication.js';
import { quoteName } from '../query.js';
import type { PublicationFacts } from './publication.js';

export const CLOSED = 'UPDATE and DELETE of this table fail for the application now.';

/** Generated columns that keep the application, or events, from working. Of servers before 18 none does. */
export function judgeGenerated(
  facts: PublicationFacts,
  publication: PublicationFingerprint | null,
): readonly Finding[] {
  if (facts.versionNumber < GENERATED_SINCE) return [];
  const published = new Set(publication?.tables.map(({ table }) => table));
  const lacking = publication !== null && publication.publishGenerated !== true;
  return [...judgeVirtual(facts, published), ...(lacking ? judgeStored(facts, publication) : [])];
}

function judgeVirtual({ mapped, tables }: PublicationFacts, published: ReadonlySet<string>): Finding[] {
  return closedByVirtualColumns(mapped, tables).map((facts) => {
    const { table, virtualColumns, makeStoredSql } = facts;
    const now = published.has(table) && hasFull(facts);
    return failure(
      'virtual-column-and-full',
      `${table} has the virtual generated column ${virtualColumns.join(', ')}, and ${now ? 'has' : 'needs'} REPLICA IDENTITY FULL`,
      now ? CLOSED : 'With FULL every UPDATE and DELETE of it would fail, so that set-up refuses.',
      `${makeStoredSql};`,
    );
  });
}

function judgeStored(
  { name, mapped, tables }: PublicationFacts,
  publication: PublicationFingerprint,
): Finding[] {
  const fix = `ALTER PUBLICATION ${quoteName(name)} SET (publish_generated_columns = stored);`;
  const whole = publication.tables.filter(({ columns }) => columns === null);
  const all = whole.flatMap(({ table }) => tables.get(table) ?? []);
  const findings = all.flatMap((facts) => {
    const { table, storedColumns } = facts;
    if (storedColumns.length === 0) return [];
    const columns = storedColumns.join(', ');
    if (hasFull(facts)) {
      const what = `${table} has REPLICA IDENTITY FULL, and publication ${name} leaves out its generated column ${columns}`;
      return [failure('generated-column-and-full', what, CLOSED, fix)];
    }
    const mappedTable = mapped.get(table);
    const read = mappedTable === undefined ? [] : columnsOf(mappedTable);
    const absent = storedColumns.filter((column) => read.includes(column));
    if (absent.length === 0) return [];
    const what = `publication ${name} leaves out the generated column ${absent.join(', ')} of ${table}`;
    return [failure('publication-columns', what, 'Events need it.', fix)];
  });
  const open = all.filter(hasFull).map(({ table }) => table);
  if (findings.length > 0 || open.length === 0) return findings;
  return [
    warning(
      'publication-generated',
      `publication ${name} does not publish generated columns`,
      `Once one is added to ${open.join(', ')}, every UPDATE and DELETE of that table fails for the application.`,
      fix,
    ),
  ];
}
