import { plainDecimal } from './decimal-text.js';

/** What can be said of a value by its type alone. `any`: constants and null, which are judged by their texts. */
export type SqlKind =
  | 'text'
  | 'int'
  | 'numeric'
  | 'float'
  | 'boolean'
  | 'timestamptz'
  | 'timestamp'
  | 'date'
  | 'json'
  | 'uuid'
  | 'other'
  | 'any';

const KINDS: Readonly<Record<string, SqlKind>> = {
  text: 'text',
  varchar: 'text',
  bpchar: 'text',
  name: 'text',
  char: 'text',
  citext: 'text',
  int2: 'int',
  int4: 'int',
  int8: 'int',
  numeric: 'numeric',
  float4: 'float',
  float8: 'float',
  bool: 'boolean',
  timestamptz: 'timestamptz',
  timestamp: 'timestamp',
  date: 'date',
  json: 'json',
  jsonb: 'json',
  uuid: 'uuid',
};

/** @param type pg_type.typname; of a domain, that of the type below it. */
export function kindOfType(type: string): SqlKind {
  return Object.hasOwn(KINDS, type) ? (KINDS[type] as SqlKind) : 'other';
}

/** Why a column of this type is no part of a mapping, null when it may be. */
export function unreadableType(type: string): string | null {
  if (type === 'money') return 'is money, whose text depends on the server’s locale; make it numeric';
  if (type === 'xml')
    return 'is xml, whose text is not what was stored; keep what is needed in a column of its own';
  return null;
}

const SPELLED: Readonly<Record<string, string>> = {
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  float4: 'real',
  float8: 'double precision',
  bool: 'boolean',
  varchar: 'character varying',
  bpchar: 'character',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
};

/** As the manual spells a type. */
export function spelledType(type: string): string {
  return SPELLED[type] ?? type;
}

/** pg_type.typname of a type name as SQL has it: `bigint` is int8. */
export function typnameOf(sqlType: string): string {
  const spelled = Object.keys(SPELLED).find((type) => SPELLED[type] === sqlType);
  return sqlType === 'int' ? 'int4' : (spelled ?? sqlType);
}

const INTEGER_LIMITS: Readonly<Record<string, bigint>> = {
  int2: 2n ** 15n,
  int4: 2n ** 31n,
  int8: 2n ** 63n,
};

/** Values of an integer type are at least −limit and less than limit; null: it is none. */
export function integerLimit(type: string): bigint | null {
  return INTEGER_LIMITS[type] ?? null;
}

/** The text that `::text` gives of a value, made of its wire text; null: they are the same. */
export function castText(type: string): ((wire: string) => string) | null {
  switch (type) {
    case 'bool':
      return (wire) => (wire === 't' ? 'true' : 'false');
    case 'bpchar':
      return withoutTrailingBlanks;
    case 'inet':
      return (wire) => (wire.includes('/') ? wire : wire + (wire.includes(':') ? '/128' : '/32'));
    default:
      return null;
  }
}

function withoutTrailingBlanks(text: string): string {
  return text.endsWith(' ') ? text.replace(/ +$/, '') : text;
}

/**
 * A literal of the mapping in the one form that values of this type are compared in: `t` is true, `5.0` is 5. What no
 * value can equal stays as it is.
 */
export function comparedLiteral(type: string, literal: string): string {
  switch (type) {
    case 'bool':
      if (literal === 't') return 'true';
      return literal === 'f' ? 'false' : literal;
    case 'bpchar':
      return withoutTrailingBlanks(literal);
    case 'numeric':
      return withoutTrailingZeros(plainDecimal(literal) ?? literal);
    case 'uuid':
      return literal.toLowerCase();
    default:
      return literal;
  }
}

/** A value's text in the form of `comparedLiteral`; null: it is that already. */
export function comparedText(type: string): ((text: string) => string) | null {
  return type === 'numeric' ? withoutTrailingZeros : null;
}

function withoutTrailingZeros(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
}
