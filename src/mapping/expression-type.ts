import { kindOfType, spelledType, unreadableType, type SqlKind } from './column-types.js';
import { numberOrNull } from './decimal-text.js';
import type { Condition, Expression } from './expression.js';
import { countsFromTheEnd } from './json-path.js';
import { isSharedZone } from './moment-text.js';

/** What an expression gives, told by its parts alone. */
export interface Typed {
  readonly kind: SqlKind;
  /**
   * pg_type.typname of its SQL. `text` also where values of `kind` come as their text: beside constants, or of several
   * types.
   */
  readonly type: string;
  /** Constants that it may give beside values of `kind`. */
  readonly texts: readonly string[];
}

/** Why an expression has no meaning, with what to do. Completes "… ". */
export interface Problem {
  readonly problem: string;
}

export function isProblem(typed: Typed | Problem): typed is Problem {
  return 'problem' in typed;
}

/** 10 to a higher power is no unit of anything. */
const MAX_SCALED_DIGITS = 20;

const NULL: Typed = { kind: 'any', type: 'text', texts: [] };
const NUMERIC: Typed = { kind: 'numeric', type: 'numeric', texts: [] };
const TIMESTAMPTZ: Typed = { kind: 'timestamptz', type: 'timestamptz', texts: [] };
const TEXT: Typed = { kind: 'text', type: 'text', texts: [] };

/** The result of an expression whose columns are bound to a database. @throws RangeError when one is not */
export function typeOf(expression: Expression): Typed | Problem {
  switch (expression.kind) {
    case 'column':
      return columnType(expression.type);
    case 'constant':
      return constantTexts([expression.text]);
    case 'concat':
    case 'composite':
      return firstProblem(expression.parts) ?? TEXT;
    case 'json':
      return jsonType(typeOf(expression.of), expression.path);
    case 'codes':
      return codesType(typeOf(expression.of), expression);
    case 'truth':
      return firstProblem([expression.of]) ?? { kind: 'boolean', type: 'bool', texts: [] };
    case 'scaled':
      return scaledType(typeOf(expression.of), expression.digits);
    case 'signed':
      return numberType(typeOf(expression.of), expression.sign === 'negated' ? 'negate' : 'abs', NUMERIC);
    case 'epoch':
      return numberType(typeOf(expression.of), 'unit', TIMESTAMPTZ);
    case 'zoned':
      return zonedType(typeOf(expression.of), expression.zone);
    case 'first':
      return firstType(expression.of);
    case 'when':
      return expression.holds.map(conditionProblem).find((each) => each !== null) ?? typeOf(expression.of);
    case 'commit-time':
      return TIMESTAMPTZ;
    default: {
      const unknown: never = expression;
      throw new RangeError(`unknown expression ${JSON.stringify(unknown)}`);
    }
  }
}

/** `typeOf` of an expression that has passed it. @throws RangeError for one that has not */
export function checkedTypeOf(expression: Expression): Typed {
  const typed = typeOf(expression);
  if (isProblem(typed)) throw new RangeError(`an expression ${typed.problem}`);
  return typed;
}

/** A type in words, for `is … where … is needed`. */
export function inWords({ kind, type }: Typed): string {
  if (type !== 'text' || kind === 'other') return spelledType(type);
  if (kind === 'any') return 'a constant';
  return KIND_NAMES[kind] ?? spelledType(kind);
}

const KIND_NAMES: Readonly<Partial<Record<SqlKind, string>>> = { int: 'integer', float: 'double precision' };

function columnType(type: string): Typed | Problem {
  if (type === 'unknown') throw new RangeError('an expression is not bound to a database');
  const problem = unreadableType(type);
  return problem === null ? { kind: kindOfType(type), type, texts: [] } : { problem };
}

function constantTexts(texts: readonly (string | null)[]): Typed | Problem {
  const given = texts.filter((text) => text !== null);
  if (given.some((text) => text.includes('\u0000')))
    return { problem: 'holds a zero byte, which no text of PostgreSQL can' };
  return { ...NULL, texts: given };
}

function firstProblem(expressions: readonly Expression[]): Problem | null {
  return expressions.map((each) => typeOf(each)).find(isProblem) ?? null;
}

function jsonType(of: Typed | Problem, path: readonly string[]): Typed | Problem {
  if (isProblem(of)) return of;
  if (of.type !== 'json' && of.type !== 'jsonb') {
    return {
      problem: `is ${inWords(of)}, in which there is no \`path:\`; only json and jsonb columns have one`,
    };
  }
  if (path.length === 0) return { problem: 'has an empty `path:`; leave it out' };
  if (path.some((element) => element.includes('\u0000'))) return { problem: 'has a path with a zero byte' };
  if (of.type === 'json' && path.some(countsFromTheEnd)) {
    // Beside another array, `#>>` of json may count from the end of the wrong one.
    return { problem: 'is json, where a path cannot count from an array’s end; make the column jsonb' };
  }
  return TEXT;
}

function codesType(
  of: Typed | Problem,
  { codes, otherwise }: Expression & { kind: 'codes' },
): Typed | Problem {
  if (isProblem(of)) return of;
  const keep = 'keep' in otherwise;
  const written = constantTexts([...codes.values(), ...(keep ? [] : [otherwise.text])]);
  if (!keep || isProblem(written)) return written;
  return { kind: of.kind, type: 'text', texts: [...of.texts, ...written.texts] };
}

function scaledType(of: Typed | Problem, digits: number): Typed | Problem {
  if (isProblem(of)) return of;
  if (!Number.isInteger(digits) || digits < 0 || digits > MAX_SCALED_DIGITS) {
    return { problem: `has a \`scale:\` that is no whole number from 0 to ${MAX_SCALED_DIGITS}` };
  }
  return numberType(of, 'scale', NUMERIC);
}

/** What each does with the number that it needs. */
const NUMBER_PARTS = {
  scale: 'divide',
  negate: 'negate',
  abs: 'read',
  unit: 'read',
  below: 'compare',
  above: 'compare',
  at_least: 'compare',
  at_most: 'compare',
} as const;

/** What is made of a number; of a text, where it is one. */
function numberType(of: Typed | Problem, part: keyof typeof NUMBER_PARTS, made: Typed): Typed | Problem {
  if (isProblem(of)) return of;
  const notNumber = of.texts.find((text) => numberOrNull(text) === null);
  if (notNumber !== undefined) {
    return { problem: `gives \`${notNumber}\`, which is no number, as \`${part}:\` needs` };
  }
  if (isNumeric(of.kind) || of.kind === 'text' || of.kind === 'any') return made;
  return { problem: `is ${inWords(of)}, which \`${part}:\` cannot ${NUMBER_PARTS[part]}; it needs a number` };
}

/** Why a condition has no meaning. */
export function conditionProblem(condition: Condition): Problem | null {
  const of = typeOf(condition.of);
  const typed = condition.kind === 'compares' ? numberType(of, condition.as, NUMERIC) : of;
  return isProblem(typed) ? typed : null;
}

function zonedType(of: Typed | Problem, zone: string): Typed | Problem {
  if (isProblem(of)) return of;
  if (!isSharedZone(zone)) {
    return {
      problem: `has the zone \`${zone}\`, which is not known; name it as Region/City, for instance America/New_York`,
    };
  }
  if (of.type === 'timestamp' || of.type === 'date') return TIMESTAMPTZ;
  if (of.kind === 'timestamptz') return { problem: 'is timestamp with time zone; leave out `zone:`' };
  return {
    problem: `is ${inWords(of)}; only columns of type timestamp without time zone or date take a \`zone:\``,
  };
}

function firstType(operands: readonly Expression[]): Typed | Problem {
  const all = operands.map((each) => typeOf(each));
  const problem = all.find(isProblem);
  if (problem !== undefined) return problem;
  const typed = all as readonly Typed[];
  const kind = typed.map((each) => each.kind).reduce(commonKind, 'any');
  const [type = 'text', ...others] = new Set(typed.map((each) => each.type));
  // Types of one name may be of several schemas, and texts of several collations: COALESCE mixes neither.
  const native = others.length === 0 && kind !== 'other' && kind !== 'any' && kind !== 'text';
  return { kind, type: native ? type : 'text', texts: typed.flatMap((each) => each.texts) };
}

function commonKind(a: SqlKind, b: SqlKind): SqlKind {
  if (a === b || b === 'any') return a;
  if (a === 'any') return b;
  return isNumeric(a) && isNumeric(b) ? 'numeric' : 'text';
}

function isNumeric(kind: SqlKind): boolean {
  return kind === 'int' || kind === 'numeric' || kind === 'float';
}
