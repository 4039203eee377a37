/**
 * Numbers as text, exact whatever their length: what PostgreSQL's `numeric` makes of a text, digit by digit.
 * @see https://www.postgresql.org/docs/current/datatype-numeric.html
 */
const DECIMAL = /^([+-]?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?$/;
const PLAIN = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;
const NOT_FINITE = /^(?:NaN|-?Infinity)$/;

/** Texts that become numbers, as a regular expression that JavaScript and PostgreSQL read alike. */
export const NUMBER_PATTERN = '^(-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]{1,3})?|NaN|-?Infinity)$';
const NUMBER = new RegExp(NUMBER_PATTERN);
/** PostgreSQL's numeric ends at some 147,000 digits; texts beyond this are no amounts. */
export const MAX_NUMBER_CHARS = 1000;

export const INTEGER_PATTERN = '^-?[0-9]{1,19}([.]0{1,100})?$';
const INTEGER = new RegExp(INTEGER_PATTERN);

/** numeric's text of a number in any notation; null when the text is none. */
export function plainDecimal(text: string): string | null {
  return shiftedDecimal(text, 0);
}

/** The same divided by 10 to the power of `digits`, with as many more digits behind the point; null: it is no number. */
export function shiftedDecimal(text: string, digits: number): string | null {
  if (NOT_FINITE.test(text) || (digits === 0 && PLAIN.test(text) && !/^-0(?:\.0+)?$/.test(text))) return text;
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  // An exponent shortens the fraction or lengthens the whole, as numeric's input does.
  const beyond = fraction.length - Number(exponent);
  const units = whole + fraction + '0'.repeat(Math.max(0, -beyond));
  const scale = Math.max(0, beyond) + digits;
  const padded = units.padStart(scale + 1, '0');
  const left = padded.slice(0, padded.length - scale).replace(/^0+(?=[0-9])/, '');
  const unsigned = scale === 0 ? left : `${left}.${padded.slice(-scale)}`;
  return sign === '-' && /[1-9]/.test(unsigned) ? `-${unsigned}` : unsigned;
}

/** Text of a text column as a number where it is one; else null. */
export function numberOrNull(text: string): string | null {
  return text.length <= MAX_NUMBER_CHARS && NUMBER.test(text) ? plainDecimal(text) : null;
}

/** Text as an integer from −limit up to but not including limit; else null. `5.00` is 5. */
export function integerOrNull(text: string, limit: bigint): string | null {
  if (!INTEGER.test(text)) return null;
  const point = text.indexOf('.');
  const value = BigInt(point === -1 ? text : text.slice(0, point));
  return value >= -limit && value < limit ? value.toString() : null;
}

/** A number's text with the other sign, or without one: what numeric's `-` and `abs` give. Zero has none. */
export function signedDecimal(decimal: string, sign: 'negated' | 'absolute'): string {
  if (decimal === 'NaN') return decimal;
  const isNegative = decimal.startsWith('-');
  if (isNegative) return decimal.slice(1);
  return sign === 'absolute' || !/[1-9I]/.test(decimal) ? decimal : `-${decimal}`;
}

/** Negative, zero or positive as a number's text is less than another's, equal or greater: NaN is the greatest, as in numeric. */
export function compareDecimals(a: string, b: string): number {
  const [left, right] = [magnitude(a), magnitude(b)];
  if (typeof left === 'number' || typeof right === 'number') {
    return (typeof left === 'number' ? left : 0) - (typeof right === 'number' ? right : 0);
  }
  const scale = Math.max(left.scale, right.scale);
  const difference =
    left.units * 10n ** BigInt(scale - left.scale) - right.units * 10n ** BigInt(scale - right.scale);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

/** Of what is not finite its place beyond all numbers; what is no number counts as NaN. */
function magnitude(text: string): number | { readonly units: bigint; readonly scale: number } {
  const decimal = plainDecimal(text);
  if (decimal === null || decimal === 'NaN') return 2;
  if (decimal === 'Infinity') return 1;
  if (decimal === '-Infinity') return -1;
  const point = decimal.indexOf('.');
  if (point === -1) return { units: BigInt(decimal), scale: 0 };
  return {
    units: BigInt(decimal.slice(0, point) + decimal.slice(point + 1)),
    scale: decimal.length - point - 1,
  };
}

/** A number's text times 10 to the power of `digits`, rounded down; null: it is not finite. */
export function wholeUnits(decimal: string, digits: number): bigint | null {
  const parts = magnitude(decimal);
  if (typeof parts === 'number') return null;
  const { units, scale } = parts;
  if (scale <= digits) return units * 10n ** BigInt(digits - scale);
  const by = 10n ** BigInt(scale - digits);
  const quotient = units / by;
  return units < 0n && quotient * by !== units ? quotient - 1n : quotient;
}
