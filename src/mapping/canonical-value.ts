import type { ColumnType } from './canonical.js';
import { isIntegerInText, isNumberInText, shiftedDecimal } from './decimal-text.js';
import { compileCondition, compileExpression, whenAll, type Value } from './evaluate.js';
import type { Expression } from './expression.js';
import { kindOf } from './expression-type.js';

/** An expression as a value of a canonical column, in the text that the stream would carry of a column of that type. */
export function compileFor(expression: Expression, type: ColumnType): Value {
  if (expression.kind === 'first') {
    const values = expression.of.map((part) => compileFor(part, type));
    return (row) => {
      for (const value of values) {
        const text = value(row);
        if (text !== null) return text;
      }
      return null;
    };
  }
  if (expression.kind === 'when') {
    return whenAll(expression.holds.map(compileCondition), compileFor(expression.of, type));
  }
  const value = compileExpression(expression);
  const convert = conversion(expression, type);
  if (convert === null) return value;
  return (row) => {
    const text = value(row);
    return text == null ? text : convert(text);
  };
}

function conversion(expression: Expression, type: ColumnType): ((text: string) => string | null) | null {
  const kind = kindOf(expression);
  switch (type.kind) {
    case 'boolean':
      return (text) => (text === 'true' || text === 't' ? 't' : 'f');
    case 'numeric':
      if (kind === 'float') return (text) => shiftedDecimal(text, 0);
      return kind === 'text' ? (text) => (isNumberInText(text) ? shiftedDecimal(text, 0) : null) : null;
    case 'int':
      return kind === 'text' ? (text) => (isIntegerInText(text) ? shiftedDecimal(text, 0) : null) : null;
    case 'timestamp':
      return kind === 'date' ? dayBegins : null;
    case 'date':
      return kind === 'timestamp' ? dayOf : null;
    case 'key':
    case 'text':
    case 'timestamptz':
    case 'jsonb':
      return null;
    default:
      return type satisfies never;
  }
}

function dayOf(timestamp: string): string {
  if (timestamp.endsWith('infinity')) return timestamp;
  const day = timestamp.slice(0, timestamp.indexOf(' '));
  return timestamp.endsWith(' BC') ? `${day} BC` : day;
}

function dayBegins(date: string): string {
  if (date.endsWith('infinity')) return date;
  return date.endsWith(' BC') ? `${date.slice(0, -3)} 00:00:00 BC` : `${date} 00:00:00`;
}
