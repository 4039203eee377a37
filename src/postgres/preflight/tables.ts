import type { Knex } from 'knex';

import { didYouMean } from '../../errors/nearest.js';
import type { Mapping, SourceTable } from '../../mapping/mapping.js';
import { columnsOf } from '../../mapping/source-tables.js';
import { failure, ok, warning, type Finding } from '../../preflight/finding.js';
import type { TableName } from '../../records/tables.js';
import { readTableNames, readTables, type Member, type TableFacts } from '../catalog.js';
import { readPublication } from '../publication.js';
import { quoteName, quoteTable, rowsOf } from '../query.js';

export interface TablesFacts {
  /** Mapped tables that exist. */
  readonly tables: ReadonlyMap<string, TableFacts>;
  /** Names of all tables of the database. */
  readonly names: readonly string[];
  /** First columns of indexes, by mapped table. */
  readonly indexedColumns: ReadonlyMap<string, ReadonlySet<string>>;
  /** Tables that are published with a list of columns, which together with FULL would close them to UPDATE. */
  readonly listed: ReadonlySet<string>;
}

/** Look-ups by something else than the primary key, in canonical names, and where they come from. */
export const LOOKUP_COLUMNS: readonly {
  table: TableName;
  column: string;
  partial: boolean;
  asked: string;
}[] = [
  {
    table: 'loyalty.account',
    column: 'merged_into_account_id',
    partial: true,
    asked: 'whether any account was merged into a registering one',
  },
  {
    table: 'loyalty.account',
    column: 'user_id',
    partial: true,
    asked: 'whether a registering guest has another account',
  },
  { table: 'loyalty.card', column: 'account_id', partial: false, asked: 'the primary card of an account' },
  { table: 'txn.wallet_entry', column: 'account_id', partial: false, asked: 'balances as of a commit' },
  { table: 'survey.question', column: 'survey_id', partial: false, asked: 'the questions of a survey' },
];

/** @throws ConnectorError DATABASE_… */
export async function readTablesFacts(
  knex: Knex,
  { tables }: Mapping,
  publicationName: string,
): Promise<TablesFacts> {
  const publication = await readPublication(knex, publicationName);
  const listed = (publication?.tables ?? []).filter(({ columns }) => columns !== null);
  const indexed = await rowsOf<{ table: string; columns: string[] }>(
    knex,
    'reading the indexes',
    `SELECT n.nspname || '.' || c.relname AS table, array_agg(a.attname::text) AS columns
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
    WHERE i.indisvalid AND n.nspname || '.' || c.relname = ANY(?) AND strpos(n.nspname, '.') = 0 GROUP BY 1`,
    [[...tables.keys()]],
  );
  return {
    tables: await readTables(knex, tables),
    names: await readTableNames(knex),
    indexedColumns: new Map(indexed.map(({ table, columns }) => [table, new Set(columns)])),
    listed: new Set(listed.map(({ table }) => table)),
  };
}

export function judgeTables(facts: TablesFacts, mapping: Mapping): readonly Finding[] {
  const mapped = [...mapping.tables.values()];
  const findings = [
    ...mapped.flatMap((table) => judgePresence(table, facts)),
    ...mapped.flatMap((table) => judgeIdentity(table, facts)),
  ];
  if (findings.length === 0)
    findings.push(ok('tables', `all ${mapped.length} tables are as events need them`));
  return [...findings, ...judgeIndexes(facts, mapping)];
}

function judgePresence(table: SourceTable, { tables, names }: TablesFacts): Finding[] {
  const { name } = table;
  const why = 'Events are derived from it.';
  const fix = 'Restore it, or check that DATABASE_URL names the loyalty database.';
  const facts = tables.get(name);
  if (facts === undefined) {
    return [failure('table-missing', `there is no table ${name}.${didYouMean(name, names)}`, why, fix)];
  }
  const needed = columnsOf(table);
  const unmapped = facts.columns.filter((column) => !needed.includes(column));
  return needed
    .filter((column) => !facts.columns.includes(column))
    .map((column) =>
      failure('column-missing', `${name} has no column ${column}.${didYouMean(column, unmapped)}`, why, fix),
    );
}

/** Every relation that holds rows is judged: the identity of a partition is its own, not its parent's. */
function judgeIdentity(mapped: SourceTable, { tables, listed }: TablesFacts): Finding[] {
  const holders = (tables.get(mapped.name)?.members ?? []).filter(({ holdsRows }) => holdsRows);
  if (mapped.identity === 'full') {
    return holders
      .filter(({ identity }) => identity !== 'full')
      .map(({ table, identity }) =>
        failure(
          'replica-identity',
          `${table} has REPLICA IDENTITY ${identity.toUpperCase()}`,
          'Events tell a change by the row before it, which the log then does not hold.',
          listed.has(mapped.name)
            ? 'paytronix-segment setup'
            : `ALTER TABLE ${quoteTable(table)} REPLICA IDENTITY FULL;`,
        ),
      );
  }
  return holders.flatMap((member) => judgeKey(mapped, member));
}

function judgeKey({ key }: SourceTable, member: Member): Finding[] {
  const { table, identityColumns } = member;
  if (identityColumns.length === 0) {
    const { what, fix } = withoutKey(key, member);
    const why = 'Once it is published, every UPDATE and DELETE on it fails for the application.';
    return [failure('primary-key', what, why, fix)];
  }
  const absent = key.filter((column) => !identityColumns.includes(column));
  if (absent.length === 0) return [];
  return [
    warning(
      'primary-key',
      `the key of ${table} lacks ${absent.join(', ')}`,
      'A deleted row, or one whose key changed, cannot be found in what the connector remembers.',
      `ALTER TABLE ${quoteTable(table)} REPLICA IDENTITY USING INDEX …; -- a unique index with ${absent.join(', ')}`,
    ),
  ];
}

function withoutKey(
  key: readonly string[],
  { table, identity, keyIsDeferrable }: Member,
): { what: string; fix: string } {
  const alter = `ALTER TABLE ${quoteTable(table)}`;
  if (identity !== 'default') {
    return {
      what: `${table} has REPLICA IDENTITY ${identity.toUpperCase()}`,
      fix: `${alter} REPLICA IDENTITY DEFAULT;`,
    };
  }
  if (keyIsDeferrable) {
    return {
      what: `the primary key of ${table} is DEFERRABLE`,
      fix: `${alter} REPLICA IDENTITY USING INDEX …; -- a unique index of columns that are NOT NULL`,
    };
  }
  return {
    what: `${table} has no primary key`,
    fix: `${alter} ADD PRIMARY KEY (${key.map(quoteName).join(', ')});`,
  };
}

/** A canonical column that is not simply one of the user's is asked of the planner; see `slowLookups`. */
function judgeIndexes({ tables, indexedColumns }: TablesFacts, mapping: Mapping): Finding[] {
  const lookups = LOOKUP_COLUMNS.filter(({ table }) => !mapping.unmapped.has(table)).map((lookup) => ({
    ...lookup,
    plain: mapping.relations.plain(lookup.table, lookup.column),
  }));
  return lookups.flatMap(({ plain, partial, asked }) => {
    if (plain === null) return [];
    const { table, column } = plain;
    if (!tables.has(table) || indexedColumns.get(table)?.has(column) === true) return [];
    // CONCURRENTLY is not there for partitioned tables; theirs is made without.
    const concurrently = tables.get(table)?.partitioned === true ? '' : ' CONCURRENTLY';
    const where = partial ? ` WHERE ${quoteName(column)} IS NOT NULL` : '';
    return [
      warning(
        'index',
        `no index of ${table} begins with ${column}`,
        `Asking ${asked} reads the whole table each time.`,
        `CREATE INDEX${concurrently} ON ${quoteTable(table)} (${quoteName(column)})${where};`,
      ),
    ];
  });
}
