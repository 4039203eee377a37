import { readFileSync } from 'node:fs';
import { isMappedTable, TABLES, type Row, type TableName } from '../../src/records/tables.js';
import type { Commit, Transition } from '../../src/records/commit.js';
import { commitOf, row, World, type CommitRows } from './world.js';

/**
 * Reads examples/rows.sql, which real databases run as it is: INSERT … VALUES and UPDATE … SET … WHERE of literals,
 * one row a line. Values become what PostgreSQL would send for them.
 */
export interface ExampleCommit {
  readonly name: string;
  readonly statements: readonly string[];
}

const FILE = new URL('examples/rows.sql', import.meta.url);

let read: readonly ExampleCommit[] | null = null;

export function exampleCommits(): readonly ExampleCommit[] {
  return (read ??= readCommits());
}

function readCommits(): ExampleCommit[] {
  return readFileSync(FILE, 'utf8')
    .split(/^-- commit: /m)
    .slice(1)
    .map((text) => {
      const [name = '', ...lines] = text.split('\n');
      const body = lines.filter((line) => !line.startsWith('--')).join('\n');
      const statements = body.split(/;\n/).map((statement) => statement.trim());
      return { name, statements: statements.filter((statement) => statement !== '') };
    });
}

type Values = Record<string, string | null>;

const LITERAL = /'(?:[^']|'')*'|NULL|true|false|-?[0-9]+(?:\.[0-9]+)?/g;

function valueOf(literal: string): string | null {
  if (literal === 'NULL') return null;
  if (literal === 'true') return 't';
  if (literal === 'false') return 'f';
  return literal.startsWith("'") ? literal.slice(1, -1).replaceAll("''", "'") : literal;
}

function mappedOnly<T extends TableName>(table: T, values: Values): Partial<Row<T>> {
  const columns = TABLES[table].columns;
  return Object.fromEntries(Object.entries(values).filter(([column]) => column in columns)) as Partial<
    Row<T>
  >;
}

function inserted(statement: string): { table: TableName; rows: Values[] } | null {
  const match = /^INSERT INTO (\S+) \(([^)]*)\) VALUES\n([\s\S]*)$/.exec(statement);
  if (match === null) return null;
  const columns = (match[2] ?? '').split(', ');
  const rows = (match[3] ?? '').split('\n').map((line) => {
    const literals = line.match(LITERAL) ?? [];
    if (literals.length !== columns.length) throw new Error(`${columns.length} columns, but ${line}`);
    return Object.fromEntries(columns.map((column, at) => [column, valueOf(literals[at] ?? '')]));
  });
  return { table: tableOf(match[1]), rows };
}

function updated(statement: string): { table: TableName; set: Values; where: Values } {
  const match = /^UPDATE (\S+) SET (.*) WHERE (.*)$/.exec(statement);
  if (match === null) throw new Error(`not understood: ${statement}`);
  return { table: tableOf(match[1]), set: assignments(match[2] ?? ''), where: assignments(match[3] ?? '') };
}

function assignments(text: string): Values {
  const pairs = text.matchAll(/(\w+) = ('(?:[^']|'')*'|\S+?)(?=,|\s|$)/g);
  return Object.fromEntries([...pairs].map(([, column, literal]) => [column ?? '', valueOf(literal ?? '')]));
}

function tableOf(name: string | undefined): TableName {
  if (name === undefined || !isMappedTable(name)) throw new Error(`no such table: ${name}`);
  return name;
}

/** Runs a commit against the world and says what it did, as gathering would. */
export function runCommit(world: World, example: ExampleCommit): Commit {
  const rows: Required<Pick<CommitRows, 'transactions' | 'entries' | 'checkins'>> & CommitRows = {
    transactions: [],
    entries: [],
    checkins: [],
  };
  const changed = new Map<string, Transition<TableName>>();
  const record = (table: TableName, before: object | null, after: object): void => {
    world.put(table, after as Row<TableName>);
    const key = `${table} ${world.keyOf(table, after)}`;
    const known = changed.get(key);
    changed.set(key, {
      before: known === undefined ? (before as Row<TableName> | null) : known.before,
      after: after as Row<TableName>,
    });
  };
  for (const statement of example.statements) {
    const insert = inserted(statement);
    if (insert !== null) {
      for (const values of insert.rows)
        record(insert.table, null, row(insert.table, mappedOnly(insert.table, values)));
      continue;
    }
    const { table, set, where } = updated(statement);
    const before = world.find(table, world.keyOf(table, where));
    if (before === null) throw new Error(`nothing to update: ${statement}`);
    record(table, before, { ...before, ...mappedOnly(table, set) });
  }
  const of = <T extends TableName>(table: T): Transition<T>[] =>
    [...changed]
      .filter(([key]) => key.startsWith(`${table} `))
      .map(([, each]) => each as unknown as Transition<T>);
  const made = <T extends TableName>(table: T): Row<T>[] =>
    of(table).flatMap(({ before, after }) => (before === null && after !== null ? [after] : []));
  return commitOf({
    ...rows,
    transactions: made('txn.transaction'),
    entries: made('txn.wallet_entry'),
    checkins: made('loyalty.checkin'),
    accounts: of('loyalty.account'),
    referrals: of('loyalty.referral'),
    recharges: of('txn.recharge'),
    responses: of('survey.response'),
  });
}

/** The world as it stands before the named commit of the examples, and that commit, run. */
export function worldAt(name: string): { world: World; commit: Commit } {
  const world = new World();
  for (const example of exampleCommits()) {
    const commit = runCommit(world, example);
    if (example.name === name) return { world, commit };
  }
  throw new Error(`no commit called ${name}`);
}
