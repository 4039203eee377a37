import { comparedLiteral, kindOfType } from './column-types.js';
import { plainDecimal } from './decimal-text.js';
import { quoteText } from '../postgres/query.js';

/** SQL of a type, pg_type.typname. */
export interface Fragment {
  readonly sql: string;
  readonly type: string;
}

const INTEGER = /^(?:0|-?[1-9][0-9]*)$/;

/**
 * Whether the value is one of these, null when it is null. By the type's own comparison where that is the same as that of
 * the texts, so that the planner's statistics serve; else byte by byte: a column's collation may take `a` for `A`.
 */
export function equalsSql(of: Fragment, literals: ReadonlySet<string>): string {
  const values = new Set([...literals].map((literal) => comparedLiteral(of.type, literal)));
  const [left, list] = sides(of, [...values]);
  if (list.length === 0) return `(CASE WHEN ${isNullSql(of, false)} THEN false END)`;
  return `(${left} IN (${list.join(', ')}))`;
}

function sides(
  { sql, type }: Fragment,
  values: readonly string[],
): readonly [left: string, list: readonly string[]] {
  if (kindOfType(type) === 'int') return [sql, values.filter((value) => INTEGER.test(value))];
  if (type === 'bool') return [sql, values.filter((value) => value === 'true' || value === 'false')];
  if (type === 'numeric') {
    const numbers = values.filter((value) => plainDecimal(value) !== null);
    return [sql, numbers.map((value) => `${quoteText(value)}::numeric`)];
  }
  const text = type === 'text' ? sql : `(${sql})::text`;
  return [`${text} COLLATE "C"`, values.map(quoteText)];
}

/** Codes in the form in which they are compared; of two that become one, the later counts. */
export function comparedSql(
  { type }: Fragment,
  codes: ReadonlyMap<string, string>,
): readonly (readonly [code: string, word: string])[] {
  return [...new Map([...codes].map(([code, word]) => [comparedLiteral(type, code), word]))];
}

export function isNullSql({ sql, type }: Fragment, isNull: boolean): string {
  // A row type is taken for null when all of its columns are.
  const value = kindOfType(type) === 'other' ? `(${sql})::text` : sql;
  return `(${value} IS ${isNull ? '' : 'NOT '}NULL)`;
}
