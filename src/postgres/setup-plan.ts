import type { compareStart } from '../replication/startup.js';
import { ConnectorError } from '../errors/connector-error.js';
import type { SourceTables } from '../mapping/mapping.js';
import { columnsOf, withIdentity } from '../mapping/source-tables.js';
import { tablesWithFull, type TableFacts } from './catalog.js';
import { formatLsn } from './lsn.js';
import { desiredPublication, type DesiredPublication } from './publication.js';

export type StartDecision = ReturnType<typeof compareStart>;

/**
 * Refuses when a mapped table or column is not there: publishing the rest would look like success.
 * @throws ConnectorError TABLES_MISSING
 */
export function requireTables(tables: SourceTables, found: ReadonlyMap<string, TableFacts>): void {
  const missing = [...tables.values()].flatMap((table) => {
    const facts = found.get(table.name);
    if (facts === undefined) return [table.name];
    return columnsOf(table)
      .filter((column) => !facts.columns.includes(column))
      .map((column) => `${table.name}.${column}`);
  });
  if (missing.length === 0) return;
  throw new ConnectorError('TABLES_MISSING', `not in this database: ${missing.join(', ')}`, {
    facts: { missing: missing.length },
  });
}

/**
 * Refuses when publishing a table would break the application: without a usable identity PostgreSQL rejects every
 * UPDATE and DELETE on a table from the moment it is published.
 * @throws ConnectorError SETUP_REFUSED
 */
export function requireIdentities(tables: SourceTables, found: ReadonlyMap<string, TableFacts>): void {
  const broken = withIdentity(tables, 'default').flatMap(({ name }) =>
    (found.get(name)?.members ?? []).filter(
      ({ holdsRows, identityColumns }) => holdsRows && identityColumns.length === 0,
    ),
  );
  if (broken.length === 0) return;
  const names = broken.map(({ table }) => table).join(', ');
  throw new ConnectorError(
    'SETUP_REFUSED',
    `without a primary key or replica identity, publishing would make every UPDATE and DELETE fail on ${names}; ` +
      'add a primary key, or ALTER TABLE … REPLICA IDENTITY USING INDEX',
  );
}

/** What to publish, given what identities the tables have already. */
export function planPublication(
  tables: SourceTables,
  found: ReadonlyMap<string, TableFacts>,
  options: { readonly wholeTables: boolean },
): DesiredPublication {
  const identityColumns = new Map(
    [...found.values()].map(
      ({ table, members }) => [table, members.flatMap((member) => member.identityColumns)] as const,
    ),
  );
  return desiredPublication({
    tables,
    wholeTables: options.wholeTables,
    alreadyFull: tablesWithFull(found),
    identityColumns,
  });
}

/** Relations that need REPLICA IDENTITY FULL and do not have it, partitions included. */
export function identitiesToSet(tables: SourceTables, found: ReadonlyMap<string, TableFacts>): string[] {
  return withIdentity(tables, 'full').flatMap(({ name }) =>
    (found.get(name)?.members ?? []).filter(({ identity }) => identity !== 'full').map(({ table }) => table),
  );
}

const REASONS = {
  'another-cluster': 'the checkpoint is of another cluster',
  'slot-missing': 'the slot is gone',
  'slot-invalidated': 'the server gave up the slot',
  'slot-foreign': 'a slot of that name belongs to something else',
  'slot-ahead': 'the slot was advanced past what is queued',
  'slot-recreated': 'the slot was dropped and created again',
  'server-rewound': 'the server stands before the checkpoint',
  'older-timeline': 'the server is on an older timeline than the checkpoint',
} as const satisfies Record<Extract<StartDecision, { tag: 'gap' }>['reason'], string>;

/** `the slot is gone: from 0/1500 (2026-07-01T10:00:00.000Z) to 0/1900 (…)`. */
export function describeGap(gap: Extract<StartDecision, { tag: 'gap' }>): string {
  const point = (lsn: typeof gap.from, us: number | null): string =>
    `${lsn === null ? 'an unknown position' : formatLsn(lsn)}${us === null ? '' : ` (${isoFromUs(us)})`}`;
  return `${REASONS[gap.reason]}: from ${point(gap.from, gap.fromTimeUs)} to ${point(gap.to, gap.toTimeUs)}`;
}

/** Positions of another history cannot be compared with the old ones, so neither can marks made of them. */
export function positionsStillMean(decision: StartDecision): boolean {
  if (decision.tag !== 'gap') return true;
  return !['another-cluster', 'server-rewound', 'older-timeline'].includes(decision.reason);
}

function isoFromUs(us: number): string {
  return new Date(us / 1_000).toISOString();
}
