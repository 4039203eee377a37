import type { SourceTable, SourceTables } from '../../mapping/mapping.js';
import { columnsOf } from '../../mapping/source-tables.js';
import { failure, ok, warning, type Finding } from '../../preflight/finding.js';
import { tablesWithFull, type TableFacts } from '../catalog.js';
import type { PublicationFingerprint, PublishedTable } from '../publication.js';
import { quoteName, quoteTable } from '../query.js';
import { judgeGenerated } from './generated.js';

export interface PublicationFacts {
  readonly name: string;
  /** Null: there is none of that name. */
  readonly publication: PublicationFingerprint | null;
  /** Tables whose rows events need. */
  readonly mapped: SourceTables;
  readonly tables: ReadonlyMap<string, TableFacts>;
  /** `server_version_num`. */
  readonly versionNumber: number;
  /** The set-up command that would mend it: with `--accept-gap` where the checkpoint knows another publication. */
  readonly setupCommand: string;
}

export function judgePublication(facts: PublicationFacts): readonly Finding[] {
  const { name, publication, mapped, tables, setupCommand } = facts;
  if (publication === null) {
    return [
      failure(
        'publication',
        `there is no publication ${name}`,
        'It says which rows the slot sends.',
        setupCommand,
      ),
      ...judgeGenerated(facts, null),
    ];
  }
  const published = new Map(publication.tables.map((entry) => [entry.table, entry]));
  const full = tablesWithFull(tables);
  const findings = [
    ...judgeKinds(name, publication.publish),
    ...judgeViaRoot(name, publication.publishViaRoot, tables),
    ...[...mapped.values()].flatMap((table) =>
      judgeEntry(name, table, published.get(table.name), setupCommand),
    ),
    ...judgeGenerated(facts, publication),
    ...publication.tables.flatMap((entry) =>
      judgeFatalPair(entry, mapped.get(entry.table)?.identity === 'full', full, setupCommand),
    ),
    ...judgeExtras(name, publication, mapped, setupCommand),
  ];
  return findings.length === 0 ? [ok('publication', `publication ${name} sends what events need`)] : findings;
}

function judgeKinds(name: string, publish: readonly string[]): Finding[] {
  const absent = ['insert', 'update', 'delete'].filter((kind) => !publish.includes(kind));
  if (absent.length === 0) return [];
  return [
    failure(
      'publication-kinds',
      `publication ${name} does not publish ${absent.join(', ')}`,
      'Events from those changes would be missing, and balances wrong.',
      `ALTER PUBLICATION ${quoteName(name)} SET (publish = 'insert, update, delete');`,
    ),
  ];
}

function judgeViaRoot(name: string, viaRoot: boolean, tables: ReadonlyMap<string, TableFacts>): Finding[] {
  const partitioned = [...tables.values()].filter((facts) => facts.partitioned).map(({ table }) => table);
  if (viaRoot || partitioned.length === 0) return [];
  return [
    failure(
      'publication-via-root',
      `publication ${name} sends rows of ${partitioned.join(', ')} under the names of their partitions`,
      'The connector knows the partitioned table, not each partition of each month.',
      `ALTER PUBLICATION ${quoteName(name)} SET (publish_via_partition_root = true);`,
    ),
  ];
}

function judgeEntry(
  name: string,
  table: SourceTable,
  entry: PublishedTable | undefined,
  setupCommand: string,
): Finding[] {
  if (entry === undefined) {
    return [
      failure(
        'publication-table',
        `publication ${name} lacks ${table.name}`,
        'Its rows would never arrive.',
        setupCommand,
      ),
    ];
  }
  const findings: Finding[] = [];
  const { columns, rowFilter } = entry;
  const absent = columns === null ? [] : columnsOf(table).filter((column) => !columns.includes(column));
  if (absent.length > 0) {
    findings.push(
      failure(
        'publication-columns',
        `publication ${name} leaves out ${absent.join(', ')} of ${table.name}`,
        'Events need them.',
        setupCommand,
      ),
    );
  }
  if (rowFilter !== null) {
    findings.push(
      failure(
        'publication-filter',
        `publication ${name} sends only rows of ${table.name} with ${rowFilter}`,
        'The others are missing without a trace.',
        setupCommand,
      ),
    );
  }
  return findings;
}

function judgeFatalPair(
  { table, columns }: PublishedTable,
  wanted: boolean,
  full: ReadonlySet<string>,
  setupCommand: string,
): Finding[] {
  if (columns === null || !full.has(table)) return [];
  return [
    failure(
      'column-list-and-full',
      `${table} is published with a column list and has REPLICA IDENTITY FULL`,
      'Together they make every UPDATE and DELETE on it fail, for the application, now.',
      wanted
        ? setupCommand
        : `ALTER TABLE ${quoteTable(table)} REPLICA IDENTITY DEFAULT; -- or publish it whole: ${setupCommand}`,
    ),
  ];
}

function judgeExtras(
  name: string,
  publication: PublicationFingerprint,
  mapped: SourceTables,
  setupCommand: string,
): Finding[] {
  const extra = publication.tables.map(({ table }) => table).filter((table) => !mapped.has(table));
  // Rows under partition names come from the missing publish_via_partition_root, which has a finding of its own.
  if (extra.length === 0 || !publication.publishViaRoot) return [];
  return [
    warning(
      'publication-extra',
      `publication ${name} also sends ${extra.join(', ')}`,
      'The connector drops those rows, after the server has decoded and sent them.',
      setupCommand,
    ),
  ];
}
