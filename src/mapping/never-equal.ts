import { isTextOf } from './canonical-text.js';
import { comparedLiteral, kindOfType, spelledType } from './column-types.js';
import { numberOrNull, plainDecimal } from './decimal-text.js';
import type { ColumnExpression } from './expression-columns.js';
import type { Condition } from './expression.js';
import { writtenMoment } from './moment-text.js';

const INTEGER = /^(?:0|-?[1-9][0-9]*)$/;
/** What PostgreSQL writes beside days and times of four-digit years. */
const SPECIAL_MOMENT = /^-?infinity$| BC$|^[0-9]{5}/;

/**
 * A sentence about each value of a condition that no value of its column can be, so that it never holds (or, with `not`,
 * always): a word where the column has numbers. Values are compared as texts.
 */
export function neverEqual(condition: Condition): readonly string[] {
  if (condition.kind !== 'equals' && condition.kind !== 'differs') return [];
  const { of, values } = condition;
  if (of.kind !== 'column') return [];
  return [...values].flatMap((value) => {
    const wanted = wantedInstead(of, value);
    return wanted === null
      ? []
      : [`${of.column} is ${spelledType(of.type)}, which is never "${value}"; write ${wanted}.`];
  });
}

/** Null: there may be such a value. */
function wantedInstead({ type }: ColumnExpression, value: string): string | null {
  const kind = kindOfType(type);
  switch (kind) {
    case 'int':
      return INTEGER.test(value) ? null : 'a whole number';
    case 'numeric':
      return plainDecimal(value) === null ? 'a number' : null;
    case 'float':
      return numberOrNull(value) === null ? 'a number' : null;
    case 'boolean': {
      const word = comparedLiteral(type, value);
      return word === 'true' || word === 'false' ? null : 'true or false';
    }
    case 'uuid':
      return isTextOf(value, 'uuid') ? null : 'a uuid';
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      if (SPECIAL_MOMENT.test(value) || writtenMoment(value, kind) === value) return null;
      return `it as PostgreSQL does in UTC, such as ${MOMENTS[kind]}`;
    case 'text':
    case 'json':
    case 'other':
    case 'any':
      return null;
    default:
      return kind satisfies never;
  }
}

const MOMENTS = {
  date: '2026-01-31',
  timestamp: '2026-01-31 12:30:00',
  timestamptz: '2026-01-31 12:30:00+00',
} as const;
