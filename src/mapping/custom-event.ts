import type { SourceChange, SourceRow } from '../changes/transaction.js';
import type { CustomOccurrence, CustomProperty, CustomPropertyKind } from '../records/custom-occurrence.js';
import { compileCanonical, compileConditions, compileExpression } from './evaluate.js';
import type { Expression } from './expression.js';
import { checkedTypeOf } from './expression-type.js';
import type { JoinedCommit } from './joined-commit.js';
import type { CustomEvent } from './mapping.js';
import { readJoins, type JoinReader } from './join-reader.js';

/** A custom event made ready to be seen in changed rows. */
export interface CustomReader {
  readonly event: CustomEvent;
  readonly joins: readonly JoinReader[];
  /** `before` null: the row was not there, or the server did not send it. Null: the change is not what was asked for. */
  read(change: SourceChange, after: JoinedCommit, before: JoinedCommit | null): CustomOccurrence | null;
  /** What a row that stands in the table tells of the event, if it can tell (see `untold`); null: nothing. */
  restore(row: JoinedCommit): CustomOccurrence | null;
}

export function customReader(event: CustomEvent): CustomReader {
  const { on, changed, order, table } = event;
  const where = compileConditions(event.where);
  const becomes = compileConditions(event.becomes);
  const key = event.key === null ? null : compileExpression(event.key);
  const primaryKey = compileExpression(event.primaryKey);
  const merchantId = compileExpression(event.merchantId);
  const accountId = event.accountId === null ? null : compileExpression(event.accountId);
  const userId = event.userId === null ? null : compileExpression(event.userId);
  const at =
    event.timestamp === null ? null : compileCanonical(event.timestamp, { kind: 'timestamptz' }, NO_KEY);
  const properties = [...event.properties].map(
    ([name, expression]) => [name, propertyOf(expression)] as const,
  );
  const isAsked = (change: SourceChange, after: JoinedCommit, before: JoinedCommit | null): boolean => {
    if (change.op === 'delete' || !on.has(change.op)) return false;
    if (where(after, after) === false) return false;
    if (change.op === 'insert') return event.becomes.length === 0 || becomes(after, after) === true;
    const differs = (column: string): boolean =>
      after.own[column] !== undefined && after.own[column] !== before?.own[column];
    if (changed.length > 0 && (before === null || !changed.some(differs))) return false;
    if (event.becomes.length === 0) return true;
    return before !== null && becomes(after, after) === true && becomes(before, before) === false;
  };
  const made = (row: JoinedCommit, keyless: 'primary key' | 'place of commit'): CustomOccurrence | null => {
    const [id, merchant] = [primaryKey(row, row), merchantId(row, row)];
    if (id == null || merchant == null) return null;
    const given: Record<string, CustomProperty> = {};
    for (const [name, property] of properties) given[name] = property(row);
    return {
      event: event.name,
      order,
      table: table.slice(table.indexOf('.') + 1),
      primaryKey: id,
      key: key?.(row, row) ?? (keyless === 'primary key' ? id : null),
      merchantId: merchant,
      accountId: accountId?.(row, row) ?? null,
      userId: userId?.(row, row) ?? null,
      at: at?.(row, row) ?? null,
      properties: given,
    };
  };
  return {
    event,
    joins: readJoins(event.joins),
    read(change, after, before) {
      if (!isAsked(change, after, before)) return null;
      return made(after, change.op === 'insert' ? 'primary key' : 'place of commit');
    },
    restore(row) {
      if (where(row, row) === false) return null;
      if (event.becomes.length > 0 && becomes(row, row) !== true) return null;
      // Whether it was inserted so or became so the row does not tell, and without its key their ids differ.
      if (on.has('update') && key !== null && key(row, row) == null) return null;
      return made(row, 'primary key');
    },
  };
}

/** What a change is to a custom event; null: not what it asks for. */
export function occurrenceOf(
  change: SourceChange,
  reader: CustomReader,
  join: (own: SourceRow) => JoinedCommit,
): CustomOccurrence | null {
  if (change.op === 'delete') return null;
  return reader.read(change, join(change.row), change.old === null ? null : join(change.old));
}

function propertyOf(expression: Expression): (row: JoinedCommit) => CustomProperty {
  const kind = propertyKind(expression);
  const value =
    kind === 'number'
      ? compileCanonical(expression, { kind: 'numeric' }, NO_KEY)
      : compileExpression(expression);
  return (row) => ({ kind, text: value(row, row) ?? null });
}

/** Of a type that holds no key. */
const NO_KEY = (): string => 'text';

function propertyKind(expression: Expression): CustomPropertyKind {
  const { kind } = checkedTypeOf(expression);
  switch (kind) {
    case 'int':
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
    case 'any':
    case 'uuid':
    case 'text':
    case 'timestamp':
    case 'other':
      return 'text';
    default:
      return kind satisfies never;
  }
}
