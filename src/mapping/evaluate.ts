import type { ColumnType } from './canonical.js';
import { converter } from './canonical-text.js';
import { castText, comparedLiteral, comparedText } from './column-types.js';
import { canonicalTypname, conversionOf, type KeyTypeOf } from './conversion.js';
import { compareDecimals, shiftedDecimal, signedDecimal, wholeUnits } from './decimal-text.js';
import type { Comparison, Condition, Expression } from './expression.js';
import { checkedTypeOf } from './expression-type.js';
import { hasUntextableEscape, jsonTextAt } from './json-path.js';
import { EPOCH_DIGITS, timestamptzOfEpoch, zonedText } from './moment-text.js';
import {
  commitTimeReading,
  compositeReading,
  concatReading,
  firstReading,
  mapped,
  whenReading,
  type ConditionReading,
  type JoinedRow,
  type Reading,
  type ReadingContext,
  type Value,
} from './readings.js';

export type { Columns, ConditionReading, JoinedRow, Reading, ReadingContext, Value } from './readings.js';

export function evaluate(expression: Expression, row: JoinedRow, context: ReadingContext): Value {
  return compileExpression(expression)(row, context);
}

/** The text that an expression has inside others: what PostgreSQL's `::text` gives of the value. */
export function compileExpression(expression: Expression): Reading {
  switch (expression.kind) {
    case 'column':
      return mapped(wireReading(expression), castText(expression.type));
    case 'constant':
      return () => expression.text;
    case 'concat':
      return concatReading(expression.parts.map(compileExpression), expression.separator);
    case 'composite':
      return compositeReading(expression.parts.map(compileExpression));
    case 'json':
      return jsonReading(expression);
    case 'codes':
      return codesReading(expression);
    case 'truth':
      return truthReading(expression);
    case 'scaled': {
      const { digits } = expression;
      return mapped(convertedReading(expression.of, 'numeric'), (text) => shiftedDecimal(text, digits));
    }
    case 'signed': {
      const { sign } = expression;
      return mapped(convertedReading(expression.of, 'numeric'), (text) => signedDecimal(text, sign));
    }
    case 'epoch': {
      const digits = EPOCH_DIGITS[expression.unit];
      return mapped(convertedReading(expression.of, 'numeric'), (text) => {
        const us = wholeUnits(text, digits);
        return us === null ? null : timestamptzOfEpoch(us);
      });
    }
    case 'zoned':
      return mapped(compileExpression(expression.of), (text) => zonedText(text, expression.zone));
    case 'first':
      return firstReading(expression.of.map(compileExpression));
    case 'when':
      return whenReading(compileConditions(expression.holds), compileExpression(expression.of));
    case 'commit-time':
      return commitTimeReading();
    default: {
      const unknown: never = expression;
      throw new RangeError(`unknown expression ${JSON.stringify(unknown)}`);
    }
  }
}

/** The text that the server would send of the canonical column. Only for what is `assignable`. */
export function compileCanonical(expression: Expression, type: ColumnType, keyType: KeyTypeOf): Reading {
  const target = canonicalTypname(type, keyType);
  // The statement leaves the column alone for its index's sake, blanks included.
  if (target === 'bpchar' && expression.kind === 'column') return wireReading(expression);
  return convertedReading(expression, target);
}

function convertedReading(expression: Expression, target: string): Reading {
  const conversion = conversionOf(checkedTypeOf(expression), target);
  if (conversion === null) throw new RangeError(`an expression has no value of type ${target}`);
  return mapped(compileExpression(expression), converter(conversion, target));
}

/** Whether a condition holds; null equals nothing and differs from everything. */
export function holds(condition: Condition, row: JoinedRow, context: ReadingContext): boolean | undefined {
  return compileCondition(condition)(row, context);
}

/** Whether all hold. False as soon as one does not, though another be unknown. */
export function compileConditions(conditions: readonly Condition[]): ConditionReading {
  const readings = conditions.map(compileCondition);
  return (row, context) => {
    let all: boolean | undefined = true;
    for (const reading of readings) {
      const one = reading(row, context);
      if (one === false) return false;
      if (one === undefined) all = undefined;
    }
    return all;
  };
}

function compileCondition(condition: Condition): ConditionReading {
  if (condition.kind === 'null') {
    const reading = compileExpression(condition.of);
    return (row, context) => {
      const value = reading(row, context);
      return value === undefined ? undefined : (value === null) === condition.isNull;
    };
  }
  if (condition.kind === 'compares') return comparingReading(condition);
  const reading = comparedReading(condition.of);
  const values = comparedSet(condition.of, condition.values);
  const wanted = condition.kind === 'equals';
  return (row, context) => {
    const value = reading(row, context);
    if (value === undefined) return undefined;
    return (value !== null && values.has(value)) === wanted;
  };
}

function comparingReading({ of, as, than }: Condition & { kind: 'compares' }): ConditionReading {
  const reading = convertedReading(of, 'numeric');
  const wanted = COMPARES[as];
  return (row, context) => {
    const value = reading(row, context);
    return value == null ? (value === null ? false : undefined) : wanted(compareDecimals(value, than));
  };
}

const COMPARES: Readonly<Record<Comparison, (difference: number) => boolean>> = {
  below: (difference) => difference < 0,
  above: (difference) => difference > 0,
  at_least: (difference) => difference >= 0,
  at_most: (difference) => difference <= 0,
};

function wireReading({ join, column }: Expression & { kind: 'column' }): Reading {
  if (join === null) return (row) => row.own[column];
  return (row) => {
    const joined = row.joins.get(join);
    return joined == null ? joined : joined[column];
  };
}

function comparedReading(expression: Expression): Reading {
  return mapped(compileExpression(expression), comparedText(checkedTypeOf(expression).type));
}

function comparedSet(of: Expression, literals: ReadonlySet<string>): ReadonlySet<string> {
  const { type } = checkedTypeOf(of);
  return new Set([...literals].map((literal) => comparedLiteral(type, literal)));
}

function jsonReading({ of, path }: Expression & { kind: 'json' }): Reading {
  // jsonb has refused those escapes when it was stored.
  const refuses = checkedTypeOf(of).type === 'json' ? hasUntextableEscape : () => false;
  return mapped(compileExpression(of), (text) => (refuses(text) ? null : jsonTextAt(text, path)));
}

function codesReading({ of, codes, otherwise }: Expression & { kind: 'codes' }): Reading {
  const { type } = checkedTypeOf(of);
  const listed = new Map([...codes].map(([code, word]) => [comparedLiteral(type, code), word]));
  const compared = comparedText(type);
  return mapped(compileExpression(of), (text) => {
    const word = listed.get(compared === null ? text : compared(text));
    if (word !== undefined) return word;
    return 'keep' in otherwise ? text : otherwise.text;
  });
}

function truthReading({ of, trueWhen }: Expression & { kind: 'truth' }): Reading {
  if (trueWhen === 'set') {
    const reading = compileExpression(of);
    return (row, context) => {
      const value = reading(row, context);
      return value === undefined ? undefined : String(value !== null);
    };
  }
  const values = comparedSet(of, trueWhen);
  return mapped(comparedReading(of), (text) => String(values.has(text)));
}
