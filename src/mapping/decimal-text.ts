/** Decimal texts as PostgreSQL's numeric writes them. */

const NUMBER = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
/** What a text column may hold to be taken for a number; the same expression guards the cast in SQL. */
export const NUMBER_IN_TEXT = '^-?[0-9]{1,40}(\\.[0-9]{1,40})?$';
export const INTEGER_IN_TEXT = '^-?[0-9]{1,18}$';

const numberInText = new RegExp(NUMBER_IN_TEXT);
const integerInText = new RegExp(INTEGER_IN_TEXT);

export function isNumberInText(text: string): boolean {
  return numberInText.test(text);
}

export function isIntegerInText(text: string): boolean {
  return integerInText.test(text);
}

/** The digits of a number that may have an exponent (float4 and float8 have), moved by so many places to the right. */
export function shiftedDecimal(text: string, places: number): string {
  const match = NUMBER.exec(text);
  // NaN and the infinities stay what they are.
  if (match === null) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const scale = fraction.length - Number(exponent) + places;
  const digits = whole + fraction;
  const units = scale < 0 ? digits + '0'.repeat(-scale) : digits.padStart(scale + 1, '0');
  const at = units.length - Math.max(scale, 0);
  const integer = units.slice(0, at).replace(/^0+(?=\d)/, '');
  const decimals = units.slice(at);
  const isZero = /^0*$/.test(digits);
  return `${isZero ? '' : sign}${integer}${decimals === '' ? '' : `.${decimals}`}`;
}
