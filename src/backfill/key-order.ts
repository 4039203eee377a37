import { compareCodePoints, compareKeys } from '../records/compare-keys.js';

/** The order of keys of one SQL type, the same in SQL and here: a place is compared in both. */
export interface KeyOrder {
  /** What to compare and sort by, of a column of that type. */
  sql(column: string): string;
  /** A key's text as something that compares with it. */
  readonly binding: string;
  /** Of keys as PostgreSQL prints them: negative, zero or positive as `a` stands before, is, or stands after `b`. */
  compare(a: string, b: string): number;
}

const INTEGERS: ReadonlySet<string> = new Set([
  'smallint',
  'int',
  'integer',
  'bigint',
  'int2',
  'int4',
  'int8',
]);

/**
 * Integers as numbers; all other types by the bytes of their text, whatever collation a column has. For uuid that is its
 * own order.
 */
export function keyOrderOf(type: string): KeyOrder {
  if (INTEGERS.has(type)) {
    return { sql: (column) => column, binding: `?::${type}`, compare: compareKeys };
  }
  if (type === 'uuid') return { sql: (column) => column, binding: '?::uuid', compare: compareCodePoints };
  return {
    sql: (column) => `${keyText(column)} COLLATE "C"`,
    binding: '?::text',
    compare: compareCodePoints,
  };
}

/** A key's text just as a row has it; a cast to text would take the blanks from the end of a char(n). */
export function keyText(column: string): string {
  return `concat(${column})`;
}
