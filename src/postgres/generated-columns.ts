import { ConnectorError } from '../errors/connector-error.js';
import type { SourceTables } from '../mapping/mapping.js';
import type { TableFacts } from './catalog.js';

/**
 * Publications have publish_generated_columns since 18. From then on the server refuses every UPDATE and DELETE of a
 * table with REPLICA IDENTITY FULL that has a generated column which some publication of it leaves out; before, it just
 * never sends such columns.
 * @see https://www.postgresql.org/docs/18/logical-replication-gencols.html
 */
export const GENERATED_SINCE = 180_000;

/** Tables with FULL, now or once they are set up, that a VIRTUAL column closes to UPDATE and DELETE: no publication has those. */
export function closedByVirtualColumns(
  tables: SourceTables,
  found: ReadonlyMap<string, TableFacts>,
): readonly TableFacts[] {
  return [...found.values()].filter(
    (facts) =>
      facts.virtualColumns.length > 0 && (tables.get(facts.table)?.identity === 'full' || hasFull(facts)),
  );
}

/** Whether rows of it are logged whole, of the table itself or of a part. */
export function hasFull({ members }: TableFacts): boolean {
  return members.some(({ identity, holdsRows }) => holdsRows && identity === 'full');
}

/**
 * Refuses where publishing a table, or setting FULL on it, would make every UPDATE and DELETE of the application fail.
 * @throws ConnectorError SETUP_REFUSED
 */
export function requireNoVirtualColumns(tables: SourceTables, found: ReadonlyMap<string, TableFacts>): void {
  const closed = closedByVirtualColumns(tables, found);
  if (closed.length === 0) return;
  const each = closed.map(
    ({ table, virtualColumns, makeStoredSql }) =>
      `${table} has the virtual generated column${virtualColumns.length > 1 ? 's' : ''} ${virtualColumns.join(', ')} (${makeStoredSql})`,
  );
  throw new ConnectorError(
    'SETUP_REFUSED',
    'published with REPLICA IDENTITY FULL, a table with a virtual generated column refuses every UPDATE and DELETE: ' +
      `${each.join('; ')}. Make the column STORED with the statement given, or drop it, or leave out of the mapping what ` +
      'needs the old rows of the table: no other replica identity has them',
  );
}
