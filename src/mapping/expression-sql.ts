import type { ColumnType } from './canonical.js';
import { UUID_PATTERN } from './canonical-text.js';
import { integerLimit } from './column-types.js';
import { comparedSql, equalsSql, isNullSql, type Fragment } from './comparison-sql.js';
import { canonicalTypname, conversionOf, type KeyTypeOf } from './conversion.js';
import { INTEGER_PATTERN, MAX_NUMBER_CHARS, NUMBER_PATTERN } from './decimal-text.js';
import type { Comparison, Condition, Expression } from './expression.js';
import { checkedTypeOf } from './expression-type.js';
import { SURROGATE_PAIR, SUSPECT_ESCAPE } from './json-path.js';
import {
  EARLIEST_ZONED,
  END_EPOCH_US,
  END_ZONED,
  EPOCH_DIGITS,
  FIRST_EPOCH_US,
  FIRST_ZONED,
} from './moment-text.js';
import { quoteText } from '../postgres/query.js';

/** Where the columns of an expression stand in a statement. */
export interface SqlScope {
  /** A column as SQL, `join` null: of the feed's own table. */
  column(join: string | null, column: string): string;
  /** The row's commit time as SQL of type timestamptz, NULL of that type where the server does not keep it. */
  readonly committedAt: string;
}

/** The expression as SQL of its `typeOf`; its text, `::text`, is what `compileExpression` gives. */
export function expressionSql(expression: Expression, scope: SqlScope): string {
  return fragmentOf(expression, scope).sql;
}

/** The text that an expression has inside others. */
export function expressionTextSql(expression: Expression, scope: SqlScope): string {
  return asText(fragmentOf(expression, scope));
}

/** As SQL of its canonical column's type: what `compileCanonical` gives. Only for what is `assignable`. */
export function canonicalSql(
  expression: Expression,
  type: ColumnType,
  keyType: KeyTypeOf,
  scope: SqlScope,
): string {
  return convertedSql(expression, canonicalTypname(type, keyType), scope);
}

/** As an SQL boolean; false or null where the condition does not hold. */
export function conditionSql(condition: Condition, scope: SqlScope): string {
  if (condition.kind === 'compares') {
    const number = convertedSql(condition.of, 'numeric', scope);
    return `(${number} ${OPERATORS[condition.as]} ${literalSql(condition.than, 'numeric')})`;
  }
  const of = fragmentOf(condition.of, scope);
  switch (condition.kind) {
    case 'null':
      return isNullSql(of, condition.isNull);
    case 'equals':
      return equalsSql(of, condition.values);
    case 'differs':
      return `(${equalsSql(of, condition.values)} IS NOT TRUE)`;
    default: {
      const unknown: never = condition;
      throw new RangeError(`unknown condition ${JSON.stringify(unknown)}`);
    }
  }
}

const OPERATORS: Readonly<Record<Comparison, string>> = {
  below: '<',
  above: '>',
  at_least: '>=',
  at_most: '<=',
};

function fragmentOf(expression: Expression, scope: SqlScope): Fragment {
  const { type } = checkedTypeOf(expression);
  return { sql: sqlOf(expression, type, scope), type };
}

function sqlOf(expression: Expression, type: string, scope: SqlScope): string {
  const texts = (parts: readonly Expression[]) => parts.map((part) => expressionTextSql(part, scope));
  switch (expression.kind) {
    case 'column':
      return scope.column(expression.join, expression.column);
    case 'constant':
      return constantSql(expression.text);
    case 'concat':
      return concatSql(texts(expression.parts), expression.separator);
    case 'composite':
      return compositeSql(texts(expression.parts));
    case 'json':
      return jsonSql(fragmentOf(expression.of, scope), expression.path);
    case 'codes':
      return codesSql(fragmentOf(expression.of, scope), expression);
    case 'truth': {
      const of = fragmentOf(expression.of, scope);
      return expression.trueWhen === 'set' ? isNullSql(of, false) : equalsSql(of, expression.trueWhen);
    }
    case 'scaled':
      return `(${convertedSql(expression.of, 'numeric', scope)} * ${unit(expression.digits)})`;
    case 'signed': {
      const number = convertedSql(expression.of, 'numeric', scope);
      return expression.sign === 'absolute' ? `abs(${number})` : `(- ${number})`;
    }
    case 'epoch':
      return epochSql(convertedSql(expression.of, 'numeric', scope), EPOCH_DIGITS[expression.unit]);
    case 'zoned':
      return zonedSql(expressionSql(expression.of, scope), quoteText(expression.zone));
    case 'first':
      if (type === 'text') return ofOneCollation(firstSql(texts(expression.of)));
      return firstSql(expression.of.map((each) => expressionSql(each, scope)));
    case 'when': {
      const holds = expression.holds.map((each) => conditionSql(each, scope)).join(' AND ');
      return `(CASE WHEN ${holds} THEN ${expressionSql(expression.of, scope)} END)`;
    }
    case 'commit-time':
      return scope.committedAt;
    default: {
      const unknown: never = expression;
      throw new RangeError(`unknown expression ${JSON.stringify(unknown)}`);
    }
  }
}

function asText({ sql, type }: Fragment): string {
  return type === 'text' ? sql : `(${sql})::text`;
}

function constantSql(text: string | null): string {
  return text === null ? 'NULL::text' : `${quoteText(text)}::text`;
}

/** Columns of several collations make none, and a comparison with what has none fails. */
function ofOneCollation(text: string): string {
  return `(${text} COLLATE "default")`;
}

function concatSql(parts: readonly string[], separator: string): string {
  if (parts.length === 0) return 'NULL::text';
  const whole = `concat_ws(${quoteText(separator)}, ${parts.join(', ')})`;
  return ofOneCollation(`CASE WHEN num_nulls(${parts.join(', ')}) < ${parts.length} THEN ${whole} END`);
}

function compositeSql(parts: readonly string[]): string {
  const escaped = parts.map((part) => `replace(replace(${part} COLLATE "C", '%', '%25'), ':', '%3A')`);
  return ofOneCollation(`(${escaped.join(` || ':' || `)})`);
}

function jsonSql({ sql, type }: Fragment, path: readonly string[]): string {
  const found = `(${sql} #>> ARRAY[${path.map(quoteText).join(', ')}]::text[])`;
  if (type === 'jsonb') return found;
  const text = `(${sql})::text`;
  const cleared = `regexp_replace(replace(${text}, '\\\\', '--'), ${quoteText(SURROGATE_PAIR)}, '', 'g')`;
  // json keeps escapes that no text can hold, and asking for any part of such a value is an error.
  const readable = `${text} !~ ${quoteText(SUSPECT_ESCAPE)} OR ${cleared} !~ ${quoteText(SUSPECT_ESCAPE)}`;
  return `(CASE WHEN ${readable} THEN ${found} END)`;
}

function codesSql(of: Fragment, { codes, otherwise }: Expression & { kind: 'codes' }): string {
  const kept = asText(of);
  let other = kept;
  if (!('keep' in otherwise)) {
    other =
      otherwise.text === null
        ? 'NULL::text'
        : `CASE WHEN ${kept} IS NOT NULL THEN ${quoteText(otherwise.text)}::text END`;
  }
  const branches = comparedSql(of, codes).map(
    ([code, word]) => `WHEN ${quoteText(code)} THEN ${quoteText(word)}::text`,
  );
  if (branches.length === 0) return `(${other})`;
  const value = of.type === 'numeric' ? `trim_scale(${of.sql})::text` : kept;
  return ofOneCollation(`CASE (${value} COLLATE "C") ${branches.join(' ')} ELSE ${other} END`);
}

function firstSql(operands: readonly string[]): string {
  return operands.length === 0 ? 'NULL::text' : `COALESCE(${operands.join(', ')})`;
}

/** Multiplication is exact, division is not. */
function unit(digits: number): string {
  return digits === 0 ? '1' : `0.${'1'.padStart(digits, '0')}`;
}

function zonedSql(local: string, zone: string): string {
  const at = (text: string) => `timestamp '${text}'`;
  const first = at(FIRST_ZONED);
  const offset = `((${first} AT TIME ZONE ${zone}) AT TIME ZONE 'UTC' - ${first})`;
  return `(CASE WHEN NOT isfinite(${local}) OR (${local} >= ${first} AND ${local} < ${at(END_ZONED)}) THEN ${local}::timestamp AT TIME ZONE ${zone}
    WHEN ${local} >= ${at(EARLIEST_ZONED)} AND ${local} < ${first} THEN (${local}::timestamp + ${offset}) AT TIME ZONE 'UTC' END)`;
}

const US_PER_DAY = 86_400_000_000n;
const DAYS_TO_1970 = -FIRST_EPOCH_US / US_PER_DAY;

/** By days and the rest of one: an interval of more microseconds than a double holds would lose some. */
function epochSql(number: string, digits: number): string {
  const us = `floor(${number} * 1${'0'.repeat(digits)})`;
  const fromFirst = `(${us} + ${-FIRST_EPOCH_US})`;
  const days = `(div(${fromFirst}, ${US_PER_DAY}) - ${DAYS_TO_1970})::int`;
  const rest = `mod(${fromFirst}, ${US_PER_DAY})::float8`;
  return `(CASE WHEN ${us} >= ${FIRST_EPOCH_US} AND ${us} < ${END_EPOCH_US} THEN (timestamp '1970-01-01' + make_interval(days => ${days}) + ${rest} * interval '1 microsecond') AT TIME ZONE 'UTC' END)`;
}

function convertedSql(expression: Expression, target: string, scope: SqlScope): string {
  const typed = checkedTypeOf(expression);
  const conversion = conversionOf(typed, target);
  const { sql } = fragmentOf(expression, scope);
  const text = asText({ sql, type: typed.type });
  switch (conversion) {
    case 'none':
      return sql;
    case 'text':
      return target === 'text' ? text : `(${text})::${target}`;
    case 'cast':
      return expression.kind === 'constant' ? literalSql(expression.text, target) : `(${sql})::${target}`;
    case 'decimal':
      return `(${text})::numeric`;
    case 'decimal-or-null':
      return `(CASE WHEN length(${text}) <= ${MAX_NUMBER_CHARS} AND ${matches(text, NUMBER_PATTERN)} THEN (${text})::numeric END)`;
    case 'integer-or-null':
      return `(CASE WHEN ${matches(text, INTEGER_PATTERN)} THEN ${withinSql(`(${text})::numeric`, target)} END)`;
    case 'uuid-or-null':
      return `(CASE WHEN ${matches(text, UUID_PATTERN)} THEN (${text})::uuid END)`;
    case 'day':
      return `(${sql})::date`;
    case null:
      throw new RangeError(`an expression has no value of type ${target}`);
    default: {
      const unknown: never = conversion;
      throw new RangeError(`unknown conversion ${String(unknown)}`);
    }
  }
}

/** A constant of the mapping as SQL of a type. */
export function literalSql(text: string | null, typname: string): string {
  return text === null ? `NULL::${typname}` : `${quoteText(text)}::${typname}`;
}

function withinSql(number: string, type: string): string {
  const limit = integerLimit(type) ?? 0n;
  return `CASE WHEN ${number} >= -${limit} AND ${number} < ${limit} THEN (${number})::${type} END`;
}

function matches(text: string, pattern: string): string {
  return `${text} COLLATE "C" ~ ${quoteText(pattern)}`;
}
