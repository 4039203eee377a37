import type { SourceChange, SourceRow } from '../changes/transaction.js';
import type { CustomOccurrence, CustomProperty, CustomPropertyKind } from '../records/custom-occurrence.js';
import { compileFor } from './canonical-value.js';
import { allOf, compileCondition, compileExpression, type JoinedRow, type Value } from './evaluate.js';
import type { Expression } from './expression.js';
import { kindOf } from './expression-type.js';
import type { CustomEvent } from './mapping.js';
import { readJoins, type JoinReader } from './join-reader.js';

/** A custom event made ready to be seen in changed rows. */
export interface CustomReader {
  readonly event: CustomEvent;
  readonly joins: readonly JoinReader[];
  /** `before` null: the row was not there, or the server did not send it. Null: the change is not what was asked for. */
  read(change: SourceChange, after: JoinedRow, before: JoinedRow | null): CustomOccurrence | null;
}

export function customReader(event: CustomEvent): CustomReader {
  const { on, changed, order, table } = event;
  const where = event.where.map(compileCondition);
  const becomes = event.becomes.map(compileCondition);
  const key = event.key === null ? null : compileExpression(event.key);
  const primaryKey = compileExpression(event.primaryKey);
  const merchantId = compileExpression(event.merchantId);
  const accountId = event.accountId === null ? null : compileExpression(event.accountId);
  const userId = event.userId === null ? null : compileExpression(event.userId);
  const at = event.timestamp === null ? null : compileFor(event.timestamp, { kind: 'timestamptz' });
  const properties = [...event.properties].map(
    ([name, expression]) => [name, propertyOf(expression)] as const,
  );
  const isAsked = (change: SourceChange, after: JoinedRow, before: JoinedRow | null): boolean => {
    if (change.op === 'delete' || !on.has(change.op)) return false;
    if (allOf(where, after) === false) return false;
    if (change.op === 'insert') return true;
    const differs = (column: string): boolean =>
      after.own[column] !== undefined && after.own[column] !== before?.own[column];
    if (changed.length > 0 && (before === null || !changed.some(differs))) return false;
    if (becomes.length === 0) return true;
    return before !== null && allOf(becomes, after) === true && allOf(becomes, before) === false;
  };
  return {
    event,
    joins: readJoins(event.joins),
    read(change, after, before) {
      if (!isAsked(change, after, before)) return null;
      const [id, merchant] = [primaryKey(after), merchantId(after)];
      if (id == null || merchant == null) return null;
      const made: Record<string, CustomProperty> = {};
      for (const [name, property] of properties) made[name] = property(after);
      return {
        event: event.name,
        order,
        table: table.slice(table.indexOf('.') + 1),
        primaryKey: id,
        key: key?.(after) ?? (change.op === 'insert' ? id : null),
        merchantId: merchant,
        accountId: accountId?.(after) ?? null,
        userId: userId?.(after) ?? null,
        at: at?.(after) ?? null,
        properties: made,
      };
    },
  };
}

/** What a change is to a custom event; null: not what it asks for. */
export function occurrenceOf(
  change: SourceChange,
  reader: CustomReader,
  join: (own: SourceRow) => JoinedRow,
): CustomOccurrence | null {
  if (change.op === 'delete') return null;
  return reader.read(change, join(change.row), change.old === null ? null : join(change.old));
}

function propertyOf(expression: Expression): (row: JoinedRow) => CustomProperty {
  const kind = propertyKind(expression);
  const value: Value =
    kind === 'number' ? compileFor(expression, { kind: 'numeric' }) : compileExpression(expression);
  return (row) => ({ kind, text: value(row) ?? null });
}

function propertyKind(expression: Expression): CustomPropertyKind {
  const kind = kindOf(expression);
  switch (kind) {
    case 'integer':
    case 'numeric':
    case 'float':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'timestamptz':
      return 'time';
    case 'date':
      return 'date';
    case 'json':
      return 'json';
    case 'constant':
    case 'text':
    case 'timestamp':
    case 'other':
      return 'text';
    default:
      return kind satisfies never;
  }
}
