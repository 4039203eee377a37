import type { SourceRow } from '../changes/transaction.js';
import { timestamptzText, zonedText } from '../records/timestamps.js';
import { momentOfLocal } from '../records/zones.js';
import { shiftedDecimal } from './decimal-text.js';
import type { Condition, Expression } from './expression.js';
import { textAtPath } from './json-path.js';
import { literalOf, plainText } from './plain-text.js';

/** A row of a feed's table with the rows that its joins meet, null where they meet none. */
export interface JoinedRow {
  readonly own: SourceRow;
  readonly joins: Readonly<Record<string, SourceRow | null>>;
  /** When the row was committed, microseconds since 1970. */
  readonly commitTimeUs: number;
}

/** Undefined: it depends on a value that the server did not send. */
export type Value = (row: JoinedRow) => string | null | undefined;

/** An expression made ready for many rows. Its results are what `textSql` gives for the same row. */
export function compileExpression(expression: Expression): Value {
  switch (expression.kind) {
    case 'column':
      return columnValue(expression);
    case 'constant':
      return () => expression.text;
    case 'concat':
      return concatenated(expression.parts.map(compileExpression), expression.separator);
    case 'composite':
      return composed(expression.parts.map(compileExpression));
    case 'json':
      return mapped(compileExpression(expression.of), (text) => textAtPath(text, expression.path));
    case 'codes':
      return decoded(expression);
    case 'truth':
      return judged(expression);
    case 'scaled':
      return mapped(compileExpression(expression.of), (text) => shiftedDecimal(text, expression.digits));
    case 'zoned': {
      const momentOf = (localMs: number): number => momentOfLocal(expression.zone, localMs);
      return mapped(compileExpression(expression.of), (text) => zonedText(text, 'a time', momentOf));
    }
    case 'first':
      return firstOf(expression.of.map(compileExpression));
    case 'when':
      return whenAll(expression.holds.map(compileCondition), compileExpression(expression.of));
    case 'commit-time':
      return (row) => timestamptzText(row.commitTimeUs);
    default:
      return expression satisfies never;
  }
}

/** Whether a condition holds; undefined where a value that was not sent would tell. */
export function compileCondition(condition: Condition): (row: JoinedRow) => boolean | undefined {
  const value = compileExpression(condition.of);
  if (condition.kind === 'null') {
    return (row) => {
      const text = value(row);
      return text === undefined ? undefined : (text === null) === condition.isNull;
    };
  }
  const values = new Set([...condition.values].map((literal) => literalOf(condition.of, literal)));
  const wanted = condition.kind === 'equals';
  return (row) => {
    const text = value(row);
    if (text === undefined) return undefined;
    return text === null ? !wanted : values.has(text) === wanted;
  };
}

function columnValue({ join, column, type }: Extract<Expression, { kind: 'column' }>): Value {
  const plain = type === 'bool' || type === 'bpchar' ? plainText : (wire: string): string => wire;
  if (join === null) {
    return ({ own }) => {
      const wire = own[column];
      return wire == null ? wire : plain(wire, type);
    };
  }
  return ({ joins }) => {
    const row = joins[join];
    const wire = row == null ? row : row[column];
    return wire == null ? wire : plain(wire, type);
  };
}

function mapped(of: Value, change: (text: string) => string | null): Value {
  return (row) => {
    const text = of(row);
    return text == null ? text : change(text);
  };
}

function concatenated(parts: readonly Value[], separator: string): Value {
  return (row) => {
    const texts = parts.map((part) => part(row));
    if (texts.includes(undefined)) return undefined;
    const text = texts.filter((each) => each !== null).join(separator);
    return text === '' ? null : text;
  };
}

function composed(parts: readonly Value[]): Value {
  return (row) => {
    const texts: string[] = [];
    for (const part of parts) {
      const text = part(row);
      if (text == null) return text;
      texts.push(text.replaceAll('%', '%25').replaceAll(':', '%3A'));
    }
    return texts.join(':');
  };
}

function decoded({ of, codes, otherwise }: Extract<Expression, { kind: 'codes' }>): Value {
  const words = new Map([...codes].map(([code, word]) => [literalOf(of, code), word]));
  return mapped(
    compileExpression(of),
    (text) => words.get(text) ?? ('keep' in otherwise ? text : otherwise.text),
  );
}

function judged({ of, trueWhen }: Extract<Expression, { kind: 'truth' }>): Value {
  const value = compileExpression(of);
  if (trueWhen === 'set') {
    return (row) => {
      const text = value(row);
      return text === undefined ? undefined : String(text !== null);
    };
  }
  const truths = new Set([...trueWhen].map((literal) => literalOf(of, literal)));
  return mapped(value, (text) => String(truths.has(text)));
}

/** `then` where all of these hold, else null. */
export function whenAll(
  conditions: readonly ((row: JoinedRow) => boolean | undefined)[],
  then: Value,
): Value {
  return (row) => {
    const held = allOf(conditions, row);
    if (held === undefined) return undefined;
    return held ? then(row) : null;
  };
}

/** Whether all hold; undefined: a value that was not sent would tell. */
export function allOf(
  conditions: readonly ((row: JoinedRow) => boolean | undefined)[],
  row: JoinedRow,
): boolean | undefined {
  let all: boolean | undefined = true;
  for (const holds of conditions) {
    const answer = holds(row);
    if (answer === false) return false;
    if (answer === undefined) all = undefined;
  }
  return all;
}

function firstOf(values: readonly Value[]): Value {
  return (row) => {
    for (const value of values) {
      const text = value(row);
      if (text !== null) return text;
    }
    return null;
  };
}
