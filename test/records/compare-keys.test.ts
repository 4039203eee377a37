import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareCodePoints, compareKeys } from '../../src/records/compare-keys.js';

/** Dense, so that any three of them meet all the ways in which two may differ. */
const key = fc.oneof(
  fc.integer({ min: -120, max: 120 }).map(String),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.string({ unit: fc.constantFrom('0', '1', '9', '-', 'a', 'Z', ' '), maxLength: 4 }),
  fc.string({ unit: fc.constantFrom('a', 'é', '\uE000', '\uFFFD', '😀', '\u{10FFFF}'), maxLength: 4 }),
  fc.uuid(),
);

describe('keys have one order, whatever they are', () => {
  test('of three keys, and of a key and itself, it holds together', () => {
    fc.assert(
      fc.property(key, key, key, (a, b, c) => {
        expect(Math.sign(compareKeys(a, b))).toBe(0 - Math.sign(compareKeys(b, a)));
        expect(compareKeys(a, b) === 0).toBe(a === b);
        if (compareKeys(a, b) <= 0 && compareKeys(b, c) <= 0)
          expect(compareKeys(a, c)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 5_000 },
    );
  });

  test('integers compare as numbers, of any length', () => {
    const integer = fc.oneof(fc.bigInt(), fc.bigInt({ min: -1_000n, max: 1_000n }));
    fc.assert(
      fc.property(integer, integer, (a, b) => {
        expect(Math.sign(compareKeys(String(a), String(b)))).toBe(a < b ? -1 : Number(a > b));
      }),
    );
  });

  test('a number written otherwise is a key of its own', () => {
    for (const text of ['007', '-0', '+7', '7.0', ' 7', '']) expect(compareKeys('7', text)).toBeLessThan(0);
  });

  test('other texts compare as their bytes do', () => {
    const text = fc.oneof(key, fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(Math.sign(compareKeys(`x${a}`, `x${b}`))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 2_000 },
    );
  });
});
