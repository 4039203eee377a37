import type { ColumnType } from './canonical.js';
import { isIntegerInText, isNumberInText } from './decimal-text.js';
import type { Expression } from './expression.js';

/** What kind of value an expression gives, as far as it decides where it can stand. */
export type ValueKind =
  | 'text'
  | 'integer'
  | 'numeric'
  | 'float'
  | 'boolean'
  | 'timestamptz'
  | 'timestamp'
  | 'date'
  | 'json'
  | 'other';

const KINDS: Readonly<Record<string, ValueKind>> = {
  text: 'text',
  varchar: 'text',
  bpchar: 'text',
  citext: 'text',
  name: 'text',
  int2: 'integer',
  int4: 'integer',
  int8: 'integer',
  numeric: 'numeric',
  float4: 'float',
  float8: 'float',
  bool: 'boolean',
  timestamptz: 'timestamptz',
  timestamp: 'timestamp',
  date: 'date',
  json: 'json',
  jsonb: 'json',
};

export function kindOfType(type: string): ValueKind {
  return KINDS[type] ?? 'other';
}

/** Constants are of whatever kind is wanted: their texts are judged instead. */
export function kindOf(expression: Expression): ValueKind | 'constant' {
  switch (expression.kind) {
    case 'column':
      return kindOfType(expression.type);
    case 'constant':
      return 'constant';
    case 'concat':
    case 'composite':
    case 'json':
      return 'text';
    case 'codes':
      return 'keep' in expression.otherwise ? kindOf(expression.of) : 'constant';
    case 'truth':
      return 'boolean';
    case 'scaled':
      return 'numeric';
    case 'zoned':
    case 'commit-time':
      return 'timestamptz';
    case 'when':
      return kindOf(expression.of);
    case 'first':
      return 'other';
    default:
      return expression satisfies never;
  }
}

/**
 * Why a value cannot stand in a canonical column, completing "<column> …", with what to do about it; null when it can.
 * What passes cannot fail in SQL on any row.
 */
export function assignable(expression: Expression, type: ColumnType): string | null {
  if (expression.kind === 'first') return firstProblem(expression.of, type);
  if (expression.kind === 'when') {
    const wrong = expression.holds.map(({ of }) => innerProblem(of)).find((problem) => problem !== null);
    return wrong ?? assignable(expression.of, type);
  }
  const inner = innerProblem(expression);
  if (inner !== null) return inner;
  for (const text of constantsOf(expression)) {
    const problem = constantProblem(text, type);
    if (problem !== null) return problem;
  }
  const kind = kindOf(expression);
  return kind === 'constant' ? null : kindProblem(kind, type);
}

/** As `assignable`, where the value may be of any kind. */
export function assignableAnywhere(expression: Expression): string | null {
  return innerProblem(expression);
}

function firstProblem(parts: readonly Expression[], type: ColumnType): string | null {
  return parts.map((part) => assignable(part, type)).find((problem) => problem !== null) ?? null;
}

/** What an expression asks of what it is made of. */
function innerProblem(expression: Expression): string | null {
  switch (expression.kind) {
    case 'json':
      return expression.of.kind === 'column' && kindOf(expression.of) === 'json'
        ? innerProblem(expression.of)
        : 'has a path, which only a column of type json or jsonb has.';
    case 'scaled': {
      const kind = kindOf(expression.of);
      const number = kind === 'integer' || kind === 'numeric' || kind === 'float';
      return number ? innerProblem(expression.of) : 'has a scale, which only a number has.';
    }
    case 'zoned': {
      const kind = kindOf(expression.of);
      if (kind === 'timestamptz') return 'has a time zone already: take `zone` away.';
      return expression.of.kind === 'column' && (kind === 'timestamp' || kind === 'date')
        ? innerProblem(expression.of)
        : 'has a zone, which only a timestamp or date without time zone has.';
    }
    case 'codes':
    case 'truth':
      return innerProblem(expression.of);
    case 'concat':
    case 'composite':
      return expression.parts.map(innerProblem).find((problem) => problem !== null) ?? null;
    case 'when':
      return innerProblem(expression.of);
    case 'first':
      return expression.of.map(innerProblem).find((problem) => problem !== null) ?? null;
    case 'column':
    case 'constant':
    case 'commit-time':
      return null;
    default:
      return expression satisfies never;
  }
}

function constantsOf(expression: Expression): readonly string[] {
  if (expression.kind === 'constant') return expression.text === null ? [] : [expression.text];
  if (expression.kind !== 'codes') return [];
  const { codes, otherwise } = expression;
  const other = 'keep' in otherwise || otherwise.text === null ? [] : [otherwise.text];
  return [...codes.values(), ...other];
}

const TIMESTAMPTZ = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?\+00$/;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

function constantProblem(text: string, type: ColumnType): string | null {
  const must = (holds: boolean, what: string): string | null => (holds ? null : `must be ${what}.`);
  switch (type.kind) {
    case 'key':
    case 'text':
      return null;
    case 'int':
      return must(isIntegerInText(text), 'a whole number');
    case 'numeric':
      return must(isNumberInText(text), 'a number');
    case 'boolean':
      return must(['t', 'f', 'true', 'false'].includes(text), 'true or false');
    case 'timestamptz':
      return must(
        TIMESTAMPTZ.test(text) && isTime(text.slice(0, 19)),
        'a time in UTC, such as 2026-11-20 19:02:11+00',
      );
    case 'timestamp':
      return must(TIMESTAMP.test(text) && isTime(text.slice(0, 19)), 'a time, such as 2026-11-20 19:02:11');
    case 'date':
      return must(DATE.test(text) && isTime(`${text} 00:00:00`), 'a date, such as 2026-11-20');
    case 'jsonb':
      return must(isJson(text), 'JSON');
    default:
      return type satisfies never;
  }
}

function isTime(text: string): boolean {
  const iso = text.replace(' ', 'T');
  const moment = new Date(`${iso}Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(iso);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return !text.includes('\\u0000');
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function kindProblem(kind: ValueKind, type: ColumnType): string | null {
  switch (type.kind) {
    case 'key':
    case 'text':
      return null;
    case 'int':
      return kind === 'integer' || kind === 'text' ? null : `must be a whole number and is ${nameOf(kind)}.`;
    case 'numeric':
      return ['integer', 'numeric', 'float', 'text'].includes(kind)
        ? null
        : `must be a number and is ${nameOf(kind)}.`;
    case 'boolean':
      return kind === 'boolean'
        ? null
        : `must be true or false and is ${nameOf(kind)}: say which values are true, as in { column: …, true: [Y] }, or \`true: set\`.`;
    case 'timestamptz':
      if (kind === 'timestamptz') return null;
      return kind === 'timestamp' || kind === 'date'
        ? `is a ${kind} without time zone: give the mapping a zone, or this value one of its own.`
        : `must be a time and is ${nameOf(kind)}.`;
    case 'timestamp':
      return kind === 'timestamp' || kind === 'date'
        ? null
        : `must be a timestamp without time zone and is ${nameOf(kind)}.`;
    case 'date':
      return kind === 'date' || kind === 'timestamp' ? null : `must be a date and is ${nameOf(kind)}.`;
    case 'jsonb':
      return kind === 'json' ? null : `must be json or jsonb and is ${nameOf(kind)}.`;
    default:
      return type satisfies never;
  }
}

function nameOf(kind: ValueKind): string {
  return kind === 'other' ? 'of another type' : `of type ${kind}`;
}
