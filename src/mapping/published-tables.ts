import type { TableName } from '../records/tables.js';
import type { TableShape } from '../postgres/table-shapes.js';
import { isNeverNull } from './bind-feed.js';
import type { Expression } from './expression.js';
import { columnsOfConditions, columnsOfExpression, type ColumnExpression } from './expression-columns.js';
import type { CustomEvent, Feed, SourceTable, SourceTables } from './mapping.js';

/**
 * Records that events fire on, with the columns by which an UPDATE can make an event, or move a record to another
 * account. Where those may change, or what `where` asks may, the row before is needed to see it.
 */
const DECIDING: Partial<Readonly<Record<TableName, readonly string[]>>> = {
  'loyalty.account': ['user_id', 'registered_at', 'merged_into_account_id'],
  'loyalty.card': ['account_id', 'is_primary'],
  'txn.recharge': ['transaction_state'],
  'survey.response': ['status'],
  'txn.transaction': [],
  'loyalty.checkin': [],
  'loyalty.referral': [],
};

export interface PublishedTablesOptions {
  readonly feeds: readonly Feed[];
  readonly customEvents: readonly CustomEvent[];
  /** Tables that are read anyway. */
  readonly base: SourceTables;
}

/** What is published and read of the user's tables, and which of them must keep their old rows. */
export function publishedTables(
  { feeds, customEvents, base }: PublishedTablesOptions,
  catalogue: ReadonlyMap<string, TableShape>,
): SourceTables {
  const columns = new Map<string, Set<string>>();
  const full = new Set<string>();
  const read = ({ table, column }: ReadColumn): void => {
    const known = columns.get(table) ?? new Set<string>();
    columns.set(table, known.add(column));
  };
  for (const feed of feeds) {
    readsOf(feed, [...columnsOfConditions(feed.where), ...columnsOf(Object.values(feed.columns))]).forEach(
      read,
    );
    if (needsOldRows(feed, catalogue.get(feed.table))) full.add(feed.table);
  }
  for (const event of customEvents) {
    readsOf(event, columnsOfEvent(event)).forEach(read);
    for (const column of event.changed) read({ table: event.table, column });
    if (event.changed.length > 0 || event.becomes.length > 0) full.add(event.table);
  }
  const own = [...columns].map(([name, names]) => [name, sourceTable(name, names)] as const);
  return new Map([...base, ...own]);

  function sourceTable(name: string, names: ReadonlySet<string>): SourceTable {
    const standing = base.get(name);
    const facts = catalogue.get(name);
    if (facts === undefined) throw new RangeError(`${name} is not in the catalogue`);
    const wanted = [...facts.columns].filter(
      ([column]) => names.has(column) || facts.identityKey.includes(column),
    );
    return {
      name,
      columns: {
        ...standing?.columns,
        ...Object.fromEntries(
          wanted.map(([column, { nullable }]) => [column, nullable ? 'nullable' : 'required']),
        ),
      },
      key: standing?.key ?? facts.identityKey,
      identity: full.has(name) || standing?.identity === 'full' ? 'full' : 'default',
    };
  }
}

interface ReadColumn {
  readonly table: string;
  readonly column: string;
}

function columnsOf(expressions: readonly (Expression | null)[]): readonly ColumnExpression[] {
  return expressions.flatMap((each) => (each === null ? [] : columnsOfExpression(each)));
}

export function columnsOfEvent(event: CustomEvent): readonly ColumnExpression[] {
  const { key, primaryKey, merchantId, accountId, userId, timestamp, properties } = event;
  return [
    ...columnsOfConditions([...event.where, ...event.becomes]),
    ...columnsOf([key, primaryKey, merchantId, accountId, userId, timestamp, ...properties.values()]),
  ];
}

/** The tables of these columns, and what the joins themselves read. */
function readsOf(
  { table: own, joins }: Pick<Feed, 'table' | 'joins'>,
  columns: readonly ColumnExpression[],
): readonly ReadColumn[] {
  const placed = ({ join, column }: ColumnExpression): ReadColumn => ({
    table: join === null ? own : (joins.get(join)?.table ?? own),
    column,
  });
  const joined = [...joins.values()].flatMap(({ table, on }) =>
    on.flatMap(({ column, equals }) => [{ table, column }, ...columnsOfExpression(equals).map(placed)]),
  );
  return [...columns.map(placed), ...joined];
}

function needsOldRows(feed: Feed, table: TableShape | undefined): boolean {
  const deciding = DECIDING[feed.record];
  if (deciding === undefined || table === undefined) return false;
  const decided = [
    ...columnsOfConditions(feed.where),
    ...deciding.flatMap((column) => {
      const expression = feed.columns[column] ?? NOTHING;
      // A time that is always there is not set by an UPDATE.
      const isSettled = column === 'registered_at' && isNeverNull(expression, table);
      return isSettled ? [] : columnsOfExpression(expression);
    }),
  ];
  return decided.some(({ join, column }) => join !== null || !table.identityKey.includes(column));
}

const NOTHING: Expression = { kind: 'constant', text: null };
