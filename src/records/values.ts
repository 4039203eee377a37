/**
 * PostgreSQL's text output, read when an event needs the value and not before: strictly, so that nonsense sets one
 * event aside instead of being sent, and exactly, so that money never passes through a rounding.
 */

/** A value whose text is not of its column's type, or that its column cannot mean. Carries the column's name and never the value. */
export class UnparsableValue extends Error {
  override readonly name = 'UnparsableValue';
  /** `schema.table.column`. */
  readonly column: string;
  /** Completes `<column> `. */
  readonly problem: string;

  constructor(column: string, problem = 'cannot be read') {
    super(`the value of ${column} ${problem}`);
    this.column = column;
    this.problem = problem;
  }
}

/** Told of values that JSON cannot carry and that are therefore sent as null. */
export interface ValueObserver {
  /** NaN, an infinity, or a time outside the years 1–9999. */
  notRepresentable(column: string): void;
}

declare const exactBrand: unique symbol;
/**
 * A number a double cannot hold: NUL, then its digits. PostgreSQL text never holds NUL, so no other string looks like
 * it, and `writeJson` puts the bare digits into the text.
 */
export type ExactNumber = string & { readonly [exactBrand]: true };

/** A number as it goes into JSON: a plain one wherever that is exact. */
export type JsonNumber = number | ExactNumber;

export const EXACT_MARK = '\u0000';

const DECIMAL = /^-?[0-9]+(?:\.[0-9]+)?$/;
/** Any decimal of at most 15 significant digits survives the way through a double unchanged. */
const ALWAYS_EXACT_CHARS = 15;
/** Below it JavaScript writes exponents. */
const SMALLEST_PLAIN = 1e-6;

/**
 * numeric text as a JSON number, without trailing zeros. NaN and infinities become null and are counted.
 * @throws UnparsableValue
 * @see https://www.postgresql.org/docs/current/datatype-numeric.html
 */
export function numericValue(text: string, column: string, observer?: ValueObserver): JsonNumber | null {
  if (!isFiniteNumeric(text, column)) {
    observer?.notRepresentable(column);
    return null;
  }
  const value = Number(text);
  const plain = value === 0 || Math.abs(value) >= SMALLEST_PLAIN;
  if (plain && text.length <= ALWAYS_EXACT_CHARS) return value;
  const digits = withoutTrailingZeros(text);
  return String(value) === digits ? value : ((EXACT_MARK + digits) as ExactNumber);
}

export function nullableNumeric(
  text: string | null,
  column: string,
  observer?: ValueObserver,
): JsonNumber | null {
  return text === null ? null : numericValue(text, column, observer);
}

/** Whether numeric text is a finite number; NaN and the infinities are not. @throws UnparsableValue */
function isFiniteNumeric(text: string, column: string): boolean {
  if (DECIMAL.test(text)) return true;
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return false;
  throw new UnparsableValue(column);
}

function withoutTrailingZeros(text: string): string {
  const negative = text.startsWith('-');
  const unsigned = text.slice(negative ? 1 : 0).replace(/^0+(?=[0-9])/, '');
  const trimmed = unsigned.includes('.') ? unsigned.replace(/\.?0+$/, '') : unsigned;
  return negative && trimmed !== '0' ? `-${trimmed}` : trimmed;
}

interface Scaled {
  readonly units: bigint;
  readonly scale: number;
}

function scaled(text: string): Scaled {
  const point = text.indexOf('.');
  if (point === -1) return { units: BigInt(text), scale: 0 };
  return { units: BigInt(text.slice(0, point) + text.slice(point + 1)), scale: text.length - point - 1 };
}

function unscaled({ units, scale }: Scaled): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const sign = units < 0n ? '-' : '';
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function add(a: Scaled, b: Scaled): Scaled {
  const scale = Math.max(a.scale, b.scale);
  return {
    units: a.units * 10n ** BigInt(scale - a.scale) + b.units * 10n ** BigInt(scale - b.scale),
    scale,
  };
}

/**
 * The exact sum of numeric texts as numeric text, '0' of none; 'NaN' when one of them is not finite, as any
 * PostgreSQL sum that nothing can be said of.
 * @throws UnparsableValue
 */
export function sumNumeric(texts: readonly string[], column: string): string {
  let sum: Scaled = { units: 0n, scale: 0 };
  for (const text of texts) {
    if (!isFiniteNumeric(text, column)) return 'NaN';
    if (texts.length === 1) return text;
    sum = add(sum, scaled(text));
  }
  return unscaled(sum);
}

/** `a − b`, exactly. @throws UnparsableValue */
export function subtractNumeric(a: string, b: string, column: string): string {
  return sumNumeric([a, negateNumeric(b)], column);
}

export function negateNumeric(text: string): string {
  if (text === 'NaN') return text;
  return text.startsWith('-') ? text.slice(1) : `-${text}`;
}

/** Whether numeric text is zero, whatever its scale. */
export function isZeroNumeric(text: string): boolean {
  return /^-?0+(?:\.0+)?$/.test(text);
}

/** int2 and int4 text. int8 stays text: it may exceed what a double holds. @throws UnparsableValue */
export function integerValue(text: string, column: string): number {
  const value = Number(text);
  if (!/^-?[0-9]+$/.test(text) || !Number.isSafeInteger(value)) throw new UnparsableValue(column);
  return value;
}

/** @throws UnparsableValue */
export function booleanValue(text: string, column: string): boolean {
  if (text === 't') return true;
  if (text === 'f') return false;
  throw new UnparsableValue(column);
}

export function nullableBoolean(text: string | null, column: string): boolean | null {
  return text === null ? null : booleanValue(text, column);
}

const JSON_TOKENS = /"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/g;
/** Sixteen digits in a row (a point may stand between) may be more than a double holds. */
const LONG_NUMBER = /[0-9][0-9.]{15}/;

/** An escaped zero byte: the backslash that begins it is not itself escaped. */
const ESCAPED_NUL = /(?<!\\)(?:\\\\)*\\u0000/;

/**
 * jsonb text as a value whose numbers are exact, as `numericValue` gives them.
 * @throws UnparsableValue
 */
export function jsonValue(text: string, column: string): unknown {
  // jsonb has none, json may: a string that begins with it would be taken for an ExactNumber.
  if (text.includes('\\u0000') && ESCAPED_NUL.test(text)) throw new UnparsableValue(column);
  try {
    if (!LONG_NUMBER.test(text)) return JSON.parse(text);
    return JSON.parse(
      text.replace(JSON_TOKENS, (token) => (token.startsWith('"') ? token : exactToken(token, column))),
    );
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new UnparsableValue(column);
    throw cause;
  }
}

/** jsonb prints its numbers as numeric does, without exponents; other texts keep theirs. */
function exactToken(token: string, column: string): string {
  if (!DECIMAL.test(token)) return token;
  const value = numericValue(token, column);
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}
