/**
 * The orders of keys: ids and codes as text, of whatever type a database has them in. Which order is taken does not
 * matter as long as it is one and the same everywhere, in a second process and a replay too.
 */

/** As PostgreSQL prints an integer: no other text of the same number. */
const INTEGER = /^(?:0|-?[1-9][0-9]*)$/;

/**
 * Negative, zero or positive as `a` stands before, is, or stands after `b`: integers first, as numbers, then all other
 * keys by code point. (Were `10` and `9a` compared by code point, `9` < `10` < `9a` < `9` … would have no first one.)
 */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  const [aIsInteger, bIsInteger] = [INTEGER.test(a), INTEGER.test(b)];
  if (aIsInteger && bIsInteger) return compareIntegers(a, b);
  if (aIsInteger !== bIsInteger) return aIsInteger ? -1 : 1;
  return compareCodePoints(a, b);
}

function compareIntegers(a: string, b: string): number {
  const [aIsNegative, bIsNegative] = [a.startsWith('-'), b.startsWith('-')];
  if (aIsNegative !== bIsNegative) return aIsNegative ? -1 : 1;
  const byAmount = a.length === b.length ? (a < b ? -1 : 1) : a.length - b.length;
  return aIsNegative ? -byAmount : byAmount;
}

const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;

/** By code point, which is the order of the bytes of UTF-8: what PostgreSQL's COLLATE "C" goes by. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const [ours, theirs] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (ours !== theirs) return beyondBasic(ours) - beyondBasic(theirs) || ours - theirs;
  }
  return a.length - b.length;
}

/** JavaScript compares UTF-16, in which half of a code point beyond U+FFFF is less than U+E000. */
function beyondBasic(unit: number): number {
  return unit >= FIRST_SURROGATE && unit <= LAST_SURROGATE ? 1 : 0;
}
