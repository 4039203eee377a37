import type { Knex } from 'knex';
import { ConnectorError } from '../../errors/connector-error.js';
import type { Expression } from '../../mapping/expression.js';
import { compositeIndexSql } from '../../mapping/feed-sql.js';
import type { Mapping } from '../../mapping/mapping.js';
import { recordNameOf } from '../../mapping/record-names.js';
import { warning, type Finding } from '../../preflight/finding.js';
import type { TableName } from '../../records/tables.js';
import { quoteName, quoteTable, rowsOf } from '../query.js';
import { LOOKUP_COLUMNS } from './tables.js';

interface Lookup {
  readonly table: TableName;
  readonly column: string;
}

/** What is looked up for events by its own id. */
const BY_ID: readonly Lookup[] = [
  { table: 'loyalty.account', column: 'account_id' },
  { table: 'loyalty.account_wallet', column: 'account_id' },
  { table: 'loyalty.card', column: 'card_id' },
  { table: 'loyalty.guest', column: 'user_id' },
  { table: 'loyalty.store', column: 'store_id' },
  { table: 'txn.pos_check', column: 'check_id' },
  { table: 'txn.check_card', column: 'check_id' },
  { table: 'survey.invitation', column: 'invitation_id' },
  { table: 'survey.answer', column: 'response_id' },
];

interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly Schema?: string;
  readonly 'Index Cond'?: string;
  readonly 'Recheck Cond'?: string;
  readonly Plans?: readonly PlanNode[];
}

/**
 * Look-ups of a mapping's records that no index of the user's tables serves, as the planner itself says when it is asked to
 * read no table whole. Those by a single column as it is are judged with the tables. Empty where the role may not read them,
 * which is a finding of its own.
 */
export async function slowLookups(knex: Knex, mapping: Mapping): Promise<readonly Finding[]> {
  if (mapping.feeds === null) return [];
  const indirect = LOOKUP_COLUMNS.filter(
    ({ table, column }) => mapping.relations.plain(table, column) === null,
  );
  const slow: Slow[] = [];
  for (const lookup of [...BY_ID, ...indirect]) {
    const given = [...mapping.feeds].filter(([, all]) => all.some(({ record }) => record === lookup.table));
    if (given.length === 0 || mapping.relations.isNull(lookup.table, lookup.column)) continue;
    const read = await tablesReadWhole(knex, mapping, { ...lookup, of: given.map(([name]) => name) });
    if (read === null) return [];
    slow.push(
      ...read.map((table) => ({ table, lookup, fix: adviceFor(table, idOf(table, lookup, mapping)) })),
    );
  }
  const byFix = new Map<string, Slow[]>();
  for (const each of slow) {
    const place = JSON.stringify([each.table, each.fix]);
    byFix.set(place, [...(byFix.get(place) ?? []), each]);
  }
  return [...byFix.values()].flatMap(notServed);
}

/** Null: the role may not read them. */
async function tablesReadWhole(
  knex: Knex,
  { relations }: Mapping,
  { table, column, of }: Lookup & { readonly of: readonly string[] },
): Promise<readonly string[] | null> {
  // The array is not known while it is planned, as when the statement is prepared.
  const statement = `SELECT t.* FROM ${relations.from(table)} t WHERE t.${quoteName(column)} = ANY ((SELECT ARRAY[NULL]::${relations.type(table, column)}[])::${relations.type(table, column)}[])`;
  try {
    const plans = await knex.transaction(async (transaction) => {
      await rowsOf(transaction, 'planning look-ups', 'SET LOCAL enable_seqscan = off');
      return rowsOf<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>(
        transaction,
        'planning look-ups',
        `EXPLAIN (FORMAT JSON, VERBOSE) ${statement}`,
      );
    });
    const nodes = plans.flatMap((row) => row['QUERY PLAN'].flatMap(({ Plan }) => nodesOf(Plan)));
    const whole = new Set(
      nodes
        .filter((node) => node['Index Cond'] === undefined && node['Recheck Cond'] === undefined)
        .map((node) => `${node.Schema ?? ''}.${node['Relation Name'] ?? ''}`),
    );
    return of.filter((name) => whole.has(name));
  } catch (error) {
    if (error instanceof ConnectorError && error.code === 'DATABASE_RIGHTS') return null;
    throw error;
  }
}

function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

interface Slow {
  readonly table: string;
  readonly lookup: Lookup;
  readonly fix: string;
}

/** One finding for look-ups that one index serves: account, wallet and card of a table may all have its key. */
function notServed(slow: readonly Slow[]): readonly Finding[] {
  const [first] = slow;
  if (first === undefined) return [];
  const lookups = slow.map(({ lookup: { table, column } }) => `${recordNameOf(table)} by ${column}`);
  return [
    warning(
      'index',
      `no index of ${first.table} serves looking up ${lookups.join(', ')}`,
      'Each look-up reads the whole table, or all of an index.',
      first.fix,
    ),
  ];
}

function idOf(table: string, { table: record, column }: Lookup, { feeds }: Mapping): Expression | undefined {
  return feeds?.get(table)?.find((each) => each.record === record)?.columns[column];
}

function adviceFor(table: string, expression: Expression | undefined): string {
  if (expression?.kind === 'composite') {
    const statement = compositeIndexSql(table, expression);
    if (statement !== null) return `${statement};`;
    return `Give the mapping an id of ${table} whose parts are text, numbers or uuids of its own: of others PostgreSQL makes no index.`;
  }
  if (expression?.kind === 'column' && expression.join === null) {
    return `CREATE INDEX CONCURRENTLY ON ${quoteTable(table)} (${quoteName(expression.column)});`;
  }
  return `Map the id to a column of ${table} itself, with an index on it.`;
}
