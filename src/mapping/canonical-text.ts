import { integerLimit } from './column-types.js';
import type { Conversion } from './conversion.js';
import { integerOrNull, numberOrNull, plainDecimal } from './decimal-text.js';
import { dayOf, writtenMoment } from './moment-text.js';

export const UUID_PATTERN = '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
const UUID = new RegExp(UUID_PATTERN);

/**
 * A value in the text that the server would send of it: booleans as t and f, numbers in plain decimals, moments in UTC, others
 * as they are. Null for what is none of the type.
 */
function typnameText(text: string, typname: string): string | null {
  switch (typname) {
    case 'bool':
      if (text === 't' || text === 'true') return 't';
      return text === 'f' || text === 'false' ? 'f' : null;
    case 'numeric':
      return plainDecimal(text);
    case 'uuid':
      return text.toLowerCase();
    case 'timestamp':
    case 'timestamptz':
      return writtenMoment(text, typname) ?? text;
    default: {
      const limit = integerLimit(typname);
      return limit === null ? text : integerOrNull(text, limit);
    }
  }
}

/** Makes the canonical text of an expression's text, as the same conversion does in SQL; null: they are the same. */
export function converter(conversion: Conversion, target: string): ((text: string) => string | null) | null {
  switch (conversion) {
    case 'none':
      // A boolean's text in an expression is that of its cast, and the wire's is another.
      return target === 'bool' ? (text) => typnameText(text, target) : null;
    case 'text':
      return null;
    case 'cast':
      return target === 'text' || target === 'varchar' ? null : (text) => typnameText(text, target);
    case 'decimal':
      return plainDecimal;
    case 'decimal-or-null':
      return numberOrNull;
    case 'integer-or-null':
      return (text) => typnameText(text, target);
    case 'uuid-or-null':
      return (text) => (UUID.test(text) ? text.toLowerCase() : null);
    case 'day':
      return dayOf;
    default: {
      const unknown: never = conversion;
      throw new RangeError(`unknown conversion ${String(unknown)}`);
    }
  }
}

/** Whether a constant of the mapping is a value of the type. */
export function isTextOf(text: string, typname: string): boolean {
  switch (typname) {
    case 'text':
    case 'varchar':
      return true;
    case 'bool':
      return typnameText(text, typname) !== null;
    case 'numeric':
      return numberOrNull(text) !== null;
    case 'uuid':
      return UUID.test(text);
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return writtenMoment(text, typname) !== null;
    case 'jsonb':
      // Others the server would spell in its own way.
      return text === '[]' || text === '{}';
    default: {
      const limit = integerLimit(typname);
      return limit !== null && integerOrNull(text, limit) !== null && !text.includes('.');
    }
  }
}
