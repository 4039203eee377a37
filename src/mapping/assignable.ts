import type { ColumnType } from './canonical.js';
import { isTextOf } from './canonical-text.js';
import { integerLimit, spelledType } from './column-types.js';
import { canonicalTypname, conversionOf, type KeyTypeOf } from './conversion.js';
import type { Expression } from './expression.js';
import { inWords, isProblem, typeOf, type Typed } from './expression-type.js';

/**
 * Why an expression cannot stand in a canonical column, in words that follow its place and say what to do; null: it can,
 * and no row makes the statement that reads it fail.
 *
 * Text where a number or a uuid is needed passes: what is none becomes null.
 */
export function assignable(expression: Expression, type: ColumnType, keyType: KeyTypeOf): string | null {
  const typed = typeOf(expression);
  if (isProblem(typed)) return typed.problem;
  const target = canonicalTypname(type, keyType);
  const stray = typed.texts.find((text) => !isTextOf(text, target));
  if (stray !== undefined) return `gives \`${stray}\` where ${needed(target)} is needed`;
  // Padded as its column's type says, which a constant and another type are not.
  const padded = target === 'bpchar' && expression.kind !== 'column' && typed.kind !== 'any';
  if (!padded && conversionOf(typed, target) !== null) return null;
  return `is ${inWords(typed)} where ${needed(target)} is needed${advice(typed, target)}`;
}

function needed(target: string): string {
  if (target === 'bool') return 'a boolean';
  if (target === 'numeric') return 'a number';
  return integerLimit(target) === null ? spelledType(target) : `${spelledType(target)} (a whole number)`;
}

function advice(typed: Typed, target: string): string {
  switch (target) {
    case 'bool':
      return boolAdvice(typed);
    case 'timestamptz':
      if (typed.type === 'timestamp' || typed.type === 'date')
        return '; give `zone:`, that of the clocks it was read from';
      return '; only a column of such a type is one';
    case 'date':
      return typed.kind === 'timestamptz'
        ? ', and its date depends on the zone; map a column of type date'
        : '';
    case 'jsonb':
      return typed.kind === 'json' ? '; make the column jsonb' : '';
    default:
      if (typed.kind === 'boolean') return "; give `codes: { true: '1', false: '0' }`";
      return typed.kind === 'json' ? '; say with `path:` where in it the value stands' : '';
  }
}

function boolAdvice({ kind }: Typed): string {
  if (kind === 'int' || kind === 'numeric' || kind === 'float')
    return '; say which values are true: `true: [1]`';
  if (kind === 'json')
    return '; say with `path:` where in it the value stands, and which values are true: `true: [yes]`';
  const isTime = kind === 'date' || kind === 'timestamp' || kind === 'timestamptz';
  return isTime ? '; `true: set` is true where there is one' : '; say which values are true: `true: [Y]`';
}
