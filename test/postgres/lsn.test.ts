import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatLsn,
  laterLsn,
  lsnBefore,
  lsnFromHalves,
  parseLsn,
  tryParseLsn,
  type Lsn,
} from '../../src/postgres/lsn.js';
import { runs } from '../support/fuzz-runs.js';

const MAX = 2n ** 64n - 1n;
/** Any position, and those around the seam of the two halves, where a mistake would show. */
const position = fc.oneof(
  fc.bigInt({ min: 0n, max: MAX }),
  fc
    .tuple(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), fc.bigInt({ min: -3n, max: 3n }))
    .map(([upper, by]) => {
      const at = (upper << 32n) + by;
      return at < 0n ? 0n : at;
    }),
  fc.constantFrom(0n, 1n, 0xffff_ffffn, 0x1_0000_0000n, MAX),
);

test.each([
  ['0/0', 0n],
  ['0/9', 9n],
  ['0/10', 16n],
  ['16/B374D848', 0x16_b374_d848n],
  ['FFFFFFFF/FFFFFFFF', MAX],
])('%s is %s', (text, expected) => {
  expect(parseLsn(text)).toBe(expected);
  expect(formatLsn(expected as Lsn)).toBe(text);
});

test('a position survives its text and its halves, and is ordered as its number is', () => {
  fc.assert(
    fc.property(position, position, (a, b) => {
      const [x, y] = [a as Lsn, b as Lsn];
      expect(parseLsn(formatLsn(x))).toBe(a);
      expect(parseLsn(formatLsn(x).toLowerCase())).toBe(a);
      expect(lsnFromHalves(Number(a >> 32n), Number(a & 0xffff_ffffn))).toBe(a);
      expect(laterLsn(x, y)).toBe(a > b ? a : b);
      expect(laterLsn(x, y)).toBe(laterLsn(y, x));
      const before = lsnBefore(x, b);
      expect(before).toBe(a > b ? a - b : 0n);
    }),
    runs(2_000),
  );
});

test('only a pg_lsn is a position: two halves of up to eight hexadecimal digits', () => {
  const half = fc.stringMatching(/^[0-9A-Fa-f]{0,10}$/);
  const text = fc.oneof(
    fc
      .tuple(half, fc.constantFrom('/', '/', '/', '', '//', ' / ', '\\'), half)
      .map((parts) => parts.join('')),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom('0/0\n', ' 0/0', '0x1/0', '-1/0', '1/-0', '١/٢', '0/0/0', '1/1e1', 'G/0'),
  );
  fc.assert(
    fc.property(text, (given) => {
      const parts = given.split('/');
      const valid =
        parts.length === 2 &&
        parts.every((part) => part.length <= 8 && /^[0-9a-fA-F]+$/.test(part) && !part.includes('\n'));
      const parsed = tryParseLsn(given);
      if (valid) expect(parsed).toBe(BigInt(`0x${parts[0]}`) * 2n ** 32n + BigInt(`0x${parts[1]}`));
      else {
        expect(parsed).toBeNull();
        expect(() => parseLsn(given)).toThrow(RangeError);
      }
    }),
    runs(2_000),
  );
});
