import { quoteName, quoteText } from '../postgres/query.js';
import type { ColumnType } from './canonical.js';
import { INTEGER_IN_TEXT, NUMBER_IN_TEXT } from './decimal-text.js';
import type { Condition, Expression } from './expression.js';
import { kindOf } from './expression-type.js';
import { ESCAPED_ZERO } from './json-path.js';
import { literalOf } from './plain-text.js';

export interface SqlOptions {
  /** Alias of the feed's own table (null) and of each join. */
  readonly alias: (join: string | null) => string;
  /** The server's track_commit_timestamp. */
  readonly trackCommitTimestamp: boolean;
}

/** An expression as SQL of type text: what `compileExpression` gives of the same row. */
export function textSql(expression: Expression, options: SqlOptions): string {
  const text = (each: Expression): string => textSql(each, options);
  switch (expression.kind) {
    case 'column':
      return `${columnSql(expression, options)}::text`;
    case 'constant':
      return `${literalSql(expression.text)}::text`;
    case 'concat':
      return `nullif(concat_ws(${[quoteText(expression.separator), ...expression.parts.map(text)].join(', ')}), '')`;
    case 'composite':
      return `(${expression.parts.map((part) => `replace(replace(${text(part)}, '%', '%25'), ':', '%3A')`).join(` || ':' || `)})`;
    case 'json':
      return jsonSql(expression, options);
    case 'codes':
      return codesSql(expression, options);
    case 'truth':
      return truthSql(expression, options);
    case 'scaled':
      return `${scaledSql(expression, options)}::text`;
    case 'zoned':
      return `${zonedSql(expression, options)}::text`;
    case 'when':
      return whenSql(expression.holds, text(expression.of), options);
    case 'first':
      return `coalesce(${expression.of.map(text).join(', ')})`;
    case 'commit-time':
      return `${commitTimeSql(options)}::text`;
    default:
      return expression satisfies never;
  }
}

export function conditionSql(condition: Condition, options: SqlOptions): string {
  if (condition.kind === 'null') {
    const { of } = condition;
    const plain = of.kind === 'column' ? columnSql(of, options) : textSql(of, options);
    return `${plain} IS ${condition.isNull ? '' : 'NOT '}NULL`;
  }
  const text = textSql(condition.of, options);
  const values = [...condition.values].map((each) => quoteText(literalOf(condition.of, each)));
  const among = `${text} = ANY (ARRAY[${values.join(', ')}]::text[])`;
  return condition.kind === 'equals' ? among : `(${among}) IS NOT TRUE`;
}

/**
 * An expression as a value of a canonical column, in that column's SQL type: what `compileFor` gives. A column of that
 * very type stays as it is, so that an index on it serves.
 * @param keyType of the column, where it is a key
 */
export function valueSql(
  expression: Expression,
  type: ColumnType,
  keyType: string,
  options: SqlOptions,
): string {
  if (expression.kind === 'first') {
    return `coalesce(${expression.of.map((part) => valueSql(part, type, keyType, options)).join(', ')})`;
  }
  if (expression.kind === 'when') {
    return whenSql(expression.holds, valueSql(expression.of, type, keyType, options), options);
  }
  const sqlType = sqlTypeOf(type, keyType);
  if (expression.kind === 'column' && isOfType(expression.type, sqlType)) {
    return columnSql(expression, options);
  }
  if (expression.kind === 'constant') return `${literalSql(expression.text)}::${sqlType}`;
  if (expression.kind === 'zoned' && type.kind === 'timestamptz') return zonedSql(expression, options);
  if (expression.kind === 'commit-time' && type.kind === 'timestamptz') return commitTimeSql(options);
  if (expression.kind === 'scaled' && type.kind === 'numeric') return scaledSql(expression, options);
  const text = textSql(expression, options);
  if (kindOf(expression) !== 'text') return `${text}::${sqlType}`;
  if (type.kind === 'numeric') return guarded(text, NUMBER_IN_TEXT, sqlType);
  return type.kind === 'int' ? guarded(text, INTEGER_IN_TEXT, sqlType) : `${text}::${sqlType}`;
}

/** Whole numbers are bigint: a merchant's key may be one. */
export function sqlTypeOf(type: ColumnType, keyType: string): string {
  if (type.kind === 'key') return keyType;
  return type.kind === 'int' ? 'bigint' : type.kind;
}

const SAME: Readonly<Record<string, readonly string[]>> = {
  bigint: ['int2', 'int4', 'int8'],
  text: ['text', 'varchar'],
  boolean: ['bool'],
};

function isOfType(own: string, wanted: string): boolean {
  return own === wanted || SAME[wanted]?.includes(own) === true;
}

/** PostgreSQL promises to evaluate a CASE in order, but for constants. */
function guarded(text: string, pattern: string, type: string): string {
  return `CASE WHEN ${text} ~ ${quoteText(pattern)} THEN ${text}::${type} END`;
}

function columnSql({ join, column }: Extract<Expression, { kind: 'column' }>, { alias }: SqlOptions): string {
  return `${quoteName(alias(join))}.${quoteName(column)}`;
}

function literalSql(text: string | null): string {
  return text === null ? 'NULL' : quoteText(text);
}

function jsonSql({ of, path }: Extract<Expression, { kind: 'json' }>, options: SqlOptions): string {
  if (of.kind !== 'column') throw new RangeError('a path of what is no column');
  const column = columnSql(of, options);
  const steps = `ARRAY[${path.map(quoteText).join(', ')}]::text[]`;
  return `CASE WHEN strpos(${column}::text, ${quoteText(ESCAPED_ZERO)}) > 0 THEN NULL
    WHEN ${of.type}_typeof(${column} #> ${steps}) IN ('object', 'array') THEN NULL ELSE ${column} #>> ${steps} END`;
}

function codesSql(
  { of, codes, otherwise }: Extract<Expression, { kind: 'codes' }>,
  options: SqlOptions,
): string {
  const text = textSql(of, options);
  const cases = [...codes].map(
    ([code, word]) => `WHEN ${quoteText(literalOf(of, code))} THEN ${quoteText(word)}`,
  );
  const other =
    'keep' in otherwise ? text : `CASE WHEN ${text} IS NOT NULL THEN ${literalSql(otherwise.text)} END`;
  return `(CASE ${text} ${cases.join(' ')} ELSE ${other} END)::text`;
}

function truthSql({ of, trueWhen }: Extract<Expression, { kind: 'truth' }>, options: SqlOptions): string {
  if (trueWhen === 'set') return `(${conditionSql({ kind: 'null', of, isNull: false }, options)})::text`;
  const truths = [...trueWhen].map((each) => quoteText(literalOf(of, each)));
  return `(${textSql(of, options)} = ANY (ARRAY[${truths.join(', ')}]::text[]))::text`;
}

/** Multiplied, for a division of numerics rounds. float4 and float8 go by their text, the shortest that is exact. */
function scaledSql({ of, digits }: Extract<Expression, { kind: 'scaled' }>, options: SqlOptions): string {
  const unit = digits === 0 ? '1' : `0.${'1'.padStart(digits, '0')}`;
  return `(${textSql(of, options)}::numeric * ${unit})`;
}

/** Outside the years 1 to 9999 null, as no event can tell of it. */
function zonedSql({ of, zone }: Extract<Expression, { kind: 'zoned' }>, options: SqlOptions): string {
  if (of.kind !== 'column') throw new RangeError('the zone of what is no column');
  const local = `${columnSql(of, options)}::timestamp`;
  return `(CASE WHEN NOT isfinite(${local}) THEN ${local}::text::timestamptz
    WHEN ${local} >= '0001-01-01' AND ${local} < '10000-01-01' THEN ${local} AT TIME ZONE ${quoteText(zone)} END)`;
}

function whenSql(holds: readonly Condition[], then: string, options: SqlOptions): string {
  return `CASE WHEN ${holds.map((each) => conditionSql(each, options)).join(' AND ')} THEN ${then} END`;
}

function commitTimeSql({ alias, trackCommitTimestamp }: SqlOptions): string {
  return trackCommitTimestamp
    ? `pg_xact_commit_timestamp(${quoteName(alias(null))}.xmin)`
    : 'NULL::timestamptz';
}
