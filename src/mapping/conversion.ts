import type { ColumnType, KeyKind } from './canonical.js';
import { integerLimit, typnameOf } from './column-types.js';
import type { Typed } from './expression-type.js';

/** The SQL type of the ids of one kind, the same wherever they stand. */
export type KeyTypeOf = (kind: KeyKind) => string;

/**
 * How a value becomes one of its canonical column's type. One decision for both readings and for the check before them,
 * so that nothing that passes the check fails in a statement, and nothing is read in two ways.
 */
export type Conversion =
  /** It is of that type already. */
  | 'none'
  /** As its text. */
  | 'text'
  /** By SQL's cast, of values (or texts of the mapping) that always have one. */
  | 'cast'
  /** By way of its text: floats lose digits in SQL's cast. */
  | 'decimal'
  /** Texts that may be none become null. */
  | 'decimal-or-null'
  | 'integer-or-null'
  | 'uuid-or-null'
  /** A timestamp without time zone as its date. */
  | 'day';

/**
 * pg_type.typname of a canonical column. Integers are int8 whatever the reference schema has: a user's may be larger, and
 * a cast must not fail.
 */
export function canonicalTypname(type: ColumnType, keyType: KeyTypeOf): string {
  switch (type.kind) {
    case 'key':
      return typnameOf(keyType(type.of));
    case 'int':
      return 'int8';
    case 'boolean':
      return 'bool';
    case 'numeric':
    case 'text':
    case 'date':
    case 'timestamp':
    case 'timestamptz':
    case 'jsonb':
      return type.kind;
    default: {
      const unknown: never = type;
      throw new RangeError(`unknown column type ${JSON.stringify(unknown)}`);
    }
  }
}

/** Null: there is no way that cannot fail. Texts of the mapping itself are another question. */
export function conversionOf({ kind, type }: Typed, target: string): Conversion | null {
  if (type === target && kind !== 'any') return 'none';
  if (kind === 'any') return 'cast';
  if (target === 'text' || target === 'varchar') return 'text';
  if (target === 'numeric') return toNumeric(kind, type);
  if (integerLimit(target) !== null) return toInteger(kind, type, target);
  if (target === 'uuid') return kind === 'text' ? 'uuid-or-null' : sameKind(kind, 'uuid');
  if (target === 'bool') return sameKind(kind, 'boolean');
  if (target === 'date') return type === 'timestamp' ? 'day' : sameKind(kind, 'date');
  if (target === 'timestamp') return sameKind(kind, 'timestamp');
  if (target === 'timestamptz') return sameKind(kind, 'timestamptz');
  return null;
}

function sameKind(kind: string, wanted: string): Conversion | null {
  return kind === wanted ? 'cast' : null;
}

function toNumeric(kind: string, type: string): Conversion | null {
  if (kind === 'text') return 'decimal-or-null';
  if (kind === 'int' && type !== 'text') return 'cast';
  return kind === 'int' || kind === 'numeric' || kind === 'float' ? 'decimal' : null;
}

function toInteger(kind: string, type: string, target: string): Conversion | null {
  if (kind === 'int' && type !== 'text') {
    return (integerLimit(type) ?? 0n) <= (integerLimit(target) ?? 0n) ? 'cast' : null;
  }
  return kind === 'int' || kind === 'numeric' || kind === 'float' || kind === 'text'
    ? 'integer-or-null'
    : null;
}
