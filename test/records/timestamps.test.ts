import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  dateValue,
  isoOfUs,
  localTimestampUs,
  timestampIso,
  timestampUs,
} from '../../src/records/timestamps.js';
import { UnparsableValue } from '../../src/records/values.js';
import { runs } from '../support/fuzz-runs.js';

describe('timestamptz text', () => {
  test.each([
    ['2026-11-20 19:02:12.007123+00', '2026-11-20T19:02:12.007Z'],
    ['2026-11-20 19:02:12+00', '2026-11-20T19:02:12.000Z'],
    ['2026-11-20 19:02:12.9999+00', '2026-11-20T19:02:12.999Z'],
    ['2026-11-20 14:02:12.1-05', '2026-11-20T19:02:12.100Z'],
    ['2026-11-21 00:32:12+05:30', '2026-11-20T19:02:12.000Z'],
    ['1890-01-01 00:00:00-00:44:30', '1890-01-01T00:44:30.000Z'],
    ['1969-12-31 23:59:59.999999+00', '1969-12-31T23:59:59.999Z'],
    ['0001-01-01 00:00:00+00', '0001-01-01T00:00:00.000Z'],
    ['0050-03-01 00:00:00+00', '0050-03-01T00:00:00.000Z'],
    ['9999-12-31 23:59:59.999999+00', '9999-12-31T23:59:59.999Z'],
  ])('%s is %s: milliseconds, truncated', (text, expected) => {
    expect(timestampIso(text, 'c')).toBe(expected);
  });

  test.each([
    'infinity',
    '-infinity',
    '0044-03-15 12:00:00+00 BC',
    '10000-01-01 00:00:00+00',
    '294276-12-31 23:59:59.999999+00',
    '0001-01-01 00:00:00+01',
  ])('%s is outside what RFC 3339 can write: null, and counted', (text) => {
    const counted: string[] = [];
    expect(timestampIso(text, 'a.b', { notRepresentable: (column) => counted.push(column) })).toBeNull();
    expect(counted).toEqual(['a.b']);
  });

  test.each([
    '',
    'now',
    '2026-11-20',
    '2026-11-20 19:02:12',
    '2026-11-20T19:02:12Z',
    '2026-13-01 00:00:00+00',
    '2026-02-29 00:00:00+00',
    '2026-11-20 24:00:01+00',
    '2026-11-20 19:60:00+00',
    '20 Nov 2026',
  ])('%j cannot be read', (text) => {
    expect(() => timestampIso(text, 'c')).toThrow(UnparsableValue);
    expect(() => timestampUs(text, 'c')).toThrow(UnparsableValue);
  });

  test('any moment comes back as JavaScript writes it', () => {
    const moments = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true });
    fc.assert(
      fc.property(moments, fc.integer({ min: 0, max: 999 }), (moment, micros) => {
        const iso = moment.toISOString();
        const text = `${iso.slice(0, 10)} ${iso.slice(11, 23)}${String(micros).padStart(3, '0')}+00`;
        expect(timestampIso(text, 'c')).toBe(iso);
      }),
    );
  });

  test('orders as numbers, infinities and BC included', () => {
    const texts = [
      '-infinity',
      '4713-01-01 00:00:00+00 BC',
      '0001-12-31 00:00:00+00 BC',
      '0001-01-01 00:00:00+00',
      '2026-11-20 19:02:12.007123+00',
      '2026-11-20 19:02:12.007124+00',
      '12026-01-01 00:00:00+00',
      'infinity',
    ];
    const numbers = texts.map((text) => timestampUs(text, 'c'));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).toBe(texts.length);
    expect(timestampUs('2026-11-20 19:02:12.007123+00', 'c')).toBe(
      Date.UTC(2026, 10, 20, 19, 2, 12) * 1000 + 7123,
    );
  });
});

test('a timestamp without zone is read as it stands, and one with a zone is not one', () => {
  expect(localTimestampUs('2026-11-20 14:02:11.5', 'c')).toBe(
    Date.UTC(2026, 10, 20, 14, 2, 11) * 1000 + 500_000,
  );
  expect(() => localTimestampUs('2026-11-20 14:02:11+00', 'c')).toThrow(UnparsableValue);
});

test('microseconds are truncated to milliseconds, also before 1970, and null where RFC 3339 ends', () => {
  expect(isoOfUs(1999)).toBe('1970-01-01T00:00:00.001Z');
  expect(isoOfUs(-1)).toBe('1969-12-31T23:59:59.999Z');
  expect([isoOfUs(Infinity), isoOfUs(-Infinity), isoOfUs(8.64e21)]).toEqual([null, null, null]);
});

describe('date text', () => {
  test('is itself, null where it is no day of the calendar RFC 3339 has', () => {
    const counted: string[] = [];
    const observer = { notRepresentable: (column: string) => counted.push(column) };
    expect(dateValue('2026-11-19', 'c', observer)).toBe('2026-11-19');
    for (const text of ['infinity', '-infinity', '0044-03-15 BC', '12026-01-01']) {
      expect(dateValue(text, 'c', observer)).toBeNull();
    }
    expect(counted).toHaveLength(4);
  });

  test.each(['', '2026-11-31', '2026-1-1', '19/11/2026', '2026-11-19 00:00:00'])(
    '%j cannot be read',
    (text) => {
      expect(() => dateValue(text, 'c')).toThrow(UnparsableValue);
    },
  );
});

/** The years that RFC 3339 has. */
const FIRST_US = -62_135_596_800_000_000n;
const END_US = 253_402_300_800_000_000n;

describe('any text', () => {
  const two = (n: number): string => String(n).padStart(2, '0');
  const time = fc.record({
    year: fc.integer({ min: 1, max: 9999 }),
    month: fc.integer({ min: 1, max: 12 }),
    day: fc.integer({ min: 1, max: 31 }),
    hour: fc.integer({ min: 0, max: 23 }),
    minute: fc.integer({ min: 0, max: 59 }),
    second: fc.integer({ min: 0, max: 59 }),
    micros: fc.option(fc.integer({ min: 0, max: 999_999 })),
    sign: fc.constantFrom('+' as const, '-' as const),
    offset: fc.integer({ min: 0, max: 15 * 60 + 59 }),
    bc: fc.boolean(),
  });

  test('of a moment as PostgreSQL prints it is exact to the microsecond, with any offset, before Christ too', () => {
    fc.assert(
      fc.property(time, (t) => {
        const date = new Date(0);
        const year = t.bc ? 1 - t.year : t.year;
        date.setUTCFullYear(year, t.month - 1, t.day);
        const exists = date.getUTCDate() === t.day;
        const fraction =
          t.micros === null ? '' : `.${String(t.micros).padStart(6, '0').replace(/0+$/, '') || '0'}`;
        const offset = `${t.sign}${two(Math.floor(t.offset / 60))}${t.offset % 60 === 0 ? '' : `:${two(t.offset % 60)}`}`;
        const day = `${String(t.year).padStart(4, '0')}-${two(t.month)}-${two(t.day)}`;
        const clock = `${two(t.hour)}:${two(t.minute)}:${two(t.second)}${fraction}`;
        const text = `${day} ${clock}${offset}${t.bc ? ' BC' : ''}`;
        if (!exists) {
          expect(() => timestampUs(text, 'c')).toThrow(UnparsableValue);
          return;
        }
        const local =
          BigInt(date.getTime()) * 1_000n + BigInt((t.hour * 60 + t.minute) * 60 + t.second) * 1_000_000n;
        const shift = BigInt(t.offset) * 60_000_000n * (t.sign === '-' ? 1n : -1n);
        const us = local + shift + BigInt(t.micros ?? 0);
        const iso = timestampIso(text, 'c');
        // A double is exact to the microsecond for 285 years around 1970.
        if (us > -(2n ** 53n) && us < 2n ** 53n) {
          expect(BigInt(timestampUs(text, 'c'))).toBe(us);
          expect(iso).toBe(isoOfUs(Number(us)));
        }
        expect(iso === null).toBe(us < FIRST_US || us >= END_US);
        if (iso !== null) {
          const ms = us >= 0n || us % 1_000n === 0n ? us / 1_000n : us / 1_000n - 1n;
          expect(BigInt(Date.parse(iso))).toBe(ms);
        }
      }),
      runs(1_000),
    );
  });

  test('is a value or cannot be read: nothing else is thrown, and nothing is sent that is no date', () => {
    const near = fc
      .tuple(
        fc.constantFrom('2026-11-20 19:02:12.007123+00', '0044-03-15 BC', '2026-11-19', 'infinity'),
        fc.nat(30),
        fc.string({ unit: 'binary', maxLength: 3 }),
      )
      .map(([text, at, more]) => text.slice(0, at) + more + text.slice(at + more.length));
    fc.assert(
      fc.property(fc.oneof(near, fc.string({ unit: 'binary', maxLength: 40 })), (text) => {
        for (const read of [timestampIso, timestampUs, localTimestampUs, dateValue]) {
          try {
            const value = read(text, 'c');
            if (typeof value === 'string')
              expect(value).toMatch(/^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d\.\d{3}Z)?$/);
            else if (value !== null) expect(value).not.toBeNaN();
          } catch (error) {
            expect(error).toBeInstanceOf(UnparsableValue);
          }
        }
      }),
      runs(2_000),
    );
  });
});
