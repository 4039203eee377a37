import type { Change, ChangeOf } from '../changes/transaction.js';
import { ConnectorError } from '../errors/connector-error.js';
import { TABLES, type Row, type StreamedRow, type TableName } from './tables.js';

/** An INSERT carries every column, so its row is whole. */
export function whole<T extends TableName>(change: { readonly row: StreamedRow<T> | null }): Row<T> {
  return change.row as Row<T>;
}

export function merged<T extends TableName>(row: StreamedRow<T>, previous: Row<T>): Row<T> {
  const result: Record<string, string | null | undefined> = { ...row };
  for (const column in result) {
    if (result[column] === undefined) result[column] = previous[column as keyof Row<T>] as string | null;
  }
  return result as Row<T>;
}

/** Before and after of one change of a table with REPLICA IDENTITY FULL. */
export function bothRows<T extends TableName>(
  change: ChangeOf<T>,
): [before: Row<T> | null, after: Row<T> | null] {
  if (change.op === 'insert') return [null, change.row as Row<T>];
  if (change.op === 'delete') return [change.old as Row<T>, null];
  if (change.old === null) throw missingOldRow(change.table);
  const before = change.old as Row<T>;
  return [before, merged(change.row, before)];
}

function missingOldRow(table: TableName): ConnectorError {
  return new ConnectorError('REPLICA_IDENTITY', `${table} sent an UPDATE without the row before it`, {
    facts: { table, needed: TABLES[table].identity },
  });
}

export function keyOf(change: Change, column: string): string {
  const row = (change.row ?? change.old) as Readonly<Record<string, string | null | undefined>>;
  return row[column] as string;
}
