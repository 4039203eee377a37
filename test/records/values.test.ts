import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  booleanValue,
  EXACT_MARK,
  integerValue,
  isZeroNumeric,
  jsonValue,
  negateNumeric,
  numericValue,
  subtractNumeric,
  sumNumeric,
  UnparsableValue,
} from '../../src/records/values.js';
import { writeJson } from '../../src/events/json-text.js';
import { runs } from '../support/fuzz-runs.js';

/** numeric(n, s) text as PostgreSQL prints it. */
const numericText = fc
  .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 12 }))
  .map(([units, scale]) => {
    const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
    const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
    return units < 0n ? `-${text}` : text;
  });

/** The same value over a common denominator: exact comparison without any code under test. */
function scaledTo(text: string, scale: number): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(scale, '0'));
}

function written(text: string): string {
  const value = numericValue(text, 'c');
  return typeof value === 'number' ? JSON.stringify(value) : (value ?? 'null').replace(EXACT_MARK, '');
}

describe('numeric text as a JSON number', () => {
  test.each([
    ['1293.0000', '1293'],
    ['42.380000', '42.38'],
    ['-71.200000', '-71.2'],
    ['0.0000', '0'],
    ['100', '100'],
    ['12345678901234.5678', '12345678901234.5678'],
    ['99999999999999.9999', '99999999999999.9999'],
    ['9007199254740993', '9007199254740993'],
    ['9007199254740992.0000', '9007199254740992'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['0.0000001', '0.0000001'],
    ['-0.00000000000000000010', '-0.0000000000000000001'],
    ['1000000000000000000000000', '1000000000000000000000000'],
  ])('%s is written %s', (text, expected) => {
    expect(written(text)).toBe(expected);
  });

  test('is the same number whatever its size, without trailing zeros', () => {
    fc.assert(
      fc.property(numericText, (text) => {
        const json = written(text);
        expect(json).toMatch(/^-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$/);
        expect(scaledTo(json, 12)).toBe(scaledTo(text, 12));
      }),
      runs(1_000),
    );
  });

  test.each(['NaN', 'Infinity', '-Infinity'])('%s becomes null and is counted', (text) => {
    const counted: string[] = [];
    expect(
      numericValue(text, 'loyalty.x.y', { notRepresentable: (column) => counted.push(column) }),
    ).toBeNull();
    expect(counted).toEqual(['loyalty.x.y']);
  });

  test.each(['', ' 1', '1e5', '1,5', '0x10', '+1', '1.', '.5', 'abc', '--1'])('%j cannot be read', (text) => {
    expect(() => numericValue(text, 'c')).toThrow(UnparsableValue);
  });
});

describe('sums and differences', () => {
  test('are exact whatever the scales', () => {
    fc.assert(
      fc.property(fc.array(numericText), (texts) => {
        const expected = texts.reduce((sum, text) => sum + scaledTo(text, 12), 0n);
        expect(scaledTo(sumNumeric(texts, 'c'), 12)).toBe(expected);
      }),
    );
    fc.assert(
      fc.property(numericText, numericText, (a, b) => {
        expect(scaledTo(subtractNumeric(a, b, 'c'), 12)).toBe(scaledTo(a, 12) - scaledTo(b, 12));
      }),
    );
  });

  test.each([
    [[], '0'],
    [['0.1', '0.2'], '0.3'],
    [['52.50', '-27.50'], '25.00'],
    [['1', '-1.5'], '-0.5'],
    [['1', 'NaN'], 'NaN'],
    [['Infinity'], 'NaN'],
  ])('the sum of %j is %s', (texts, expected) => {
    expect(sumNumeric(texts, 'c')).toBe(expected);
  });

  test('refuse what is no number', () => {
    expect(() => sumNumeric(['1', 'x'], 'c')).toThrow(UnparsableValue);
  });

  test('negation and zero are told by the text', () => {
    expect(['1.5', '-1.5', 'NaN'].map(negateNumeric)).toEqual(['-1.5', '1.5', 'NaN']);
    expect(['0', '0.0000', '-0.0', '0.0001', '10'].map(isZeroNumeric)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('other values', () => {
  test('integers, booleans and jsonb are read strictly', () => {
    expect(integerValue('-7', 'c')).toBe(-7);
    expect([booleanValue('t', 'c'), booleanValue('f', 'c')]).toEqual([true, false]);
    expect(jsonValue('[{"quantity": 1.50}]', 'c')).toEqual([{ quantity: 1.5 }]);
    for (const text of ['1.0', '', '9007199254740993', 'NaN']) {
      expect(() => integerValue(text, 'c')).toThrow(UnparsableValue);
    }
    for (const text of ['true', '', 'T', '1']) expect(() => booleanValue(text, 'c')).toThrow(UnparsableValue);
    for (const text of ['', '{', '[1,]', 'NaN']) expect(() => jsonValue(text, 'c')).toThrow(UnparsableValue);
  });

  test('jsonb keeps numbers that a double cannot hold, and strings that look like them', () => {
    const value = jsonValue('{"a": 12345678901234.567800, "b": "12345678901234.5678 \\"", "c": 2}', 'c');
    expect(value).toEqual({ a: `${EXACT_MARK}12345678901234.5678`, b: '12345678901234.5678 "', c: 2 });
  });

  test('what cannot be read is named by its column and never by its value', () => {
    const error = (() => {
      try {
        return numericValue('6000301000418000x', 'loyalty.card.number');
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(UnparsableValue);
    expect(String(error)).toContain('loyalty.card.number');
    expect(String(error)).not.toContain('6000301000418000');
  });
});

describe('jsonb and back', () => {
  /** A JSON text whose numbers are numerics of any size, and the tokens it is made of. */
  const leaf = fc.oneof(
    numericText,
    fc
      .string({ unit: 'binary' })
      .filter((text) => !text.includes('\0'))
      .map((text) => JSON.stringify(text)),
    fc.constantFrom('null', 'true', 'false', '"12345678901234.5678"', '"\\\\u0000123"', '""'),
  );
  const { json } = fc.letrec<{ json: string }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie('json'), { maxLength: 4 }).map((items) => `[${items.join(', ')}]`),
      fc
        .array(fc.tuple(fc.string({ unit: 'binary', maxLength: 5 }), tie('json')), { maxLength: 4 })
        .map((entries) => {
          const unique = new Map(entries.filter(([key]) => !key.includes('\0') && key !== '__proto__'));
          return `{${[...unique].map(([key, value]) => `${JSON.stringify(key)}: ${value}`).join(', ')}}`;
        }),
    ),
  }));

  /** The text with each number in one canonical form, by no code under test. */
  function canonical(text: string): string {
    return text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:e-\d+)?|, |: /g, (token) => {
      if (token.startsWith('"')) return JSON.stringify(JSON.parse(token));
      if (token === ', ' || token === ': ') return token.trim();
      // JavaScript writes what is below a millionth with an exponent: the same number.
      const [mantissa = '', exponent = '0'] = token.split('e-');
      return `#${scaledTo(mantissa, 30) / 10n ** BigInt(exponent)}`;
    });
  }

  test('keep every number and every string exactly, whatever they look like', () => {
    fc.assert(
      fc.property(json, (text) => {
        const { text: written } = writeJson({ value: jsonValue(text, 'c') });
        // Keys that are whole numbers come first in an object: compared as sorted characters, values are whole all the same.
        const sorted = (of: string): string =>
          canonical(of)
            .split(/(?=[,:{}[\]])/)
            .sort()
            .join('');
        const expected = `{"value":${text}}`;
        expect(JSON.parse(written)).toEqual(JSON.parse(expected));
        expect(sorted(written)).toBe(sorted(expected));
      }),
      runs(500),
    );
  });

  test('a text with an escaped zero byte, which jsonb does not have, is not read: it would pass for the mark of an exact number', () => {
    for (const text of ['"\\u00001}"', '["\\u0000123"]', '{"\\u0000a": 1}', '"\\\\\\u00001"']) {
      expect(() => jsonValue(text, 'c')).toThrow(UnparsableValue);
    }
    expect(jsonValue('"\\\\u00001"', 'c')).toBe('\\u00001');
  });

  test('any text is a value or cannot be read', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ unit: 'binary' }), numericText), (text) => {
        for (const read of [jsonValue, numericValue, integerValue, booleanValue]) {
          try {
            const { text: written } = writeJson({ value: read(text, 'c') });
            JSON.parse(written);
          } catch (error) {
            expect(error).toBeInstanceOf(UnparsableValue);
          }
        }
      }),
      runs(1_000),
    );
  });
});
