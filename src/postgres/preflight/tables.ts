import type { Knex } from 'knex';

import { didYouMean } from '../../config/nearest.js';
import { failure, ok, warning, type Finding } from '../../preflight/finding.js';
import { columnsOf, TABLE_NAMES, TABLES, type TableName } from '../../records/tables.js';
import { readTableNames, readTables, type Member, type TableFacts } from '../catalog.js';
import { quoteName, quoteTable, rowsOf } from '../query.js';

export interface TablesFacts {
  /** Mapped tables that exist. */
  readonly tables: ReadonlyMap<string, TableFacts>;
  /** Names of all tables of the database. */
  readonly names: readonly string[];
  /** `table.column` of every index's first column, of mapped tables. */
  readonly indexedColumns: ReadonlySet<string>;
}

/** Look-ups by something else than the primary key, and where they come from. */
const LOOKUP_COLUMNS: readonly { table: TableName; column: string; partial: boolean; asked: string }[] = [
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
export async function readTablesFacts(knex: Knex): Promise<TablesFacts> {
  const indexed = await rowsOf<{ name: string }>(
    knex,
    'reading the indexes',
    `SELECT DISTINCT n.nspname || '.' || c.relname || '.' || a.attname AS name
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
    WHERE i.indisvalid AND n.nspname || '.' || c.relname = ANY(?)`,
    [TABLE_NAMES],
  );
  return {
    tables: await readTables(knex),
    names: await readTableNames(knex),
    indexedColumns: new Set(indexed.map(({ name }) => name)),
  };
}

export function judgeTables(facts: TablesFacts): readonly Finding[] {
  const findings = [
    ...TABLE_NAMES.flatMap((name) => judgePresence(name, facts)),
    ...TABLE_NAMES.flatMap((name) => judgeIdentity(name, facts.tables.get(name)?.members ?? [])),
  ];
  if (findings.length === 0)
    findings.push(ok('tables', `all ${TABLE_NAMES.length} tables are as events need them`));
  return [...findings, ...judgeIndexes(facts)];
}

function judgePresence(name: TableName, { tables, names }: TablesFacts): Finding[] {
  const why = 'Events are derived from it.';
  const fix = 'Restore it, or check that DATABASE_URL names the loyalty database.';
  const facts = tables.get(name);
  if (facts === undefined) {
    return [failure('table-missing', `there is no table ${name}.${didYouMean(name, names)}`, why, fix)];
  }
  const unmapped = facts.columns.filter((column) => !columnsOf(name).includes(column));
  return columnsOf(name)
    .filter((column) => !facts.columns.includes(column))
    .map((column) =>
      failure('column-missing', `${name} has no column ${column}.${didYouMean(column, unmapped)}`, why, fix),
    );
}

/** Every relation that holds rows is judged: the identity of a partition is its own, not its parent's. */
function judgeIdentity(name: TableName, members: readonly Member[]): Finding[] {
  const holders = members.filter(({ holdsRows }) => holdsRows);
  if (TABLES[name].identity === 'full') {
    return holders
      .filter(({ identity }) => identity !== 'full')
      .map(({ table, identity }) =>
        failure(
          'replica-identity',
          `${table} has REPLICA IDENTITY ${identity.toUpperCase()}`,
          'Events tell a change by the row before it, which the log then does not hold.',
          `ALTER TABLE ${quoteTable(table)} REPLICA IDENTITY FULL;`,
        ),
      );
  }
  return holders.flatMap((member) => judgeKey(name, member));
}

function judgeKey(name: TableName, { table, identity, identityColumns }: Member): Finding[] {
  if (identityColumns.length === 0) {
    return [
      failure(
        'primary-key',
        identity === 'default'
          ? `${table} has no primary key`
          : `${table} has REPLICA IDENTITY ${identity.toUpperCase()}`,
        'Once it is published, every UPDATE and DELETE on it fails for the application.',
        identity === 'default'
          ? `ALTER TABLE ${quoteTable(table)} ADD PRIMARY KEY (${TABLES[name].key.map(quoteName).join(', ')});`
          : `ALTER TABLE ${quoteTable(table)} REPLICA IDENTITY DEFAULT;`,
      ),
    ];
  }
  const absent = TABLES[name].key.filter((column) => !identityColumns.includes(column));
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

function judgeIndexes({ tables, indexedColumns }: TablesFacts): Finding[] {
  return LOOKUP_COLUMNS.filter(
    ({ table, column }) => tables.has(table) && !indexedColumns.has(`${table}.${column}`),
  ).map(({ table, column, partial, asked }) => {
    // CONCURRENTLY is not there for partitioned tables; theirs is made without.
    const concurrently = tables.get(table)?.partitioned === true ? '' : ' CONCURRENTLY';
    const where = partial ? ` WHERE ${quoteName(column)} IS NOT NULL` : '';
    return warning(
      'index',
      `no index of ${table} begins with ${column}`,
      `Asking ${asked} reads the whole table each time.`,
      `CREATE INDEX${concurrently} ON ${quoteTable(table)} (${quoteName(column)})${where};`,
    );
  });
}
