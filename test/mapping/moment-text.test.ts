import { describe, expect, test } from 'vitest';

import {
  dayOf,
  isSharedZone,
  timestamptzOfUs,
  writtenMoment,
  zonedText,
} from '../../src/mapping/moment-text.js';

describe('a time without zone, as clocks showed it', () => {
  test.each([
    ['2026-11-20 14:02:11.123456', 'America/New_York', '2026-11-20 19:02:11.123456+00'],
    ['2026-12-31 23:30:00', 'America/New_York', '2027-01-01 04:30:00+00'],
    // Skipped: as before the clocks went forward.
    ['2026-03-08 02:30:00', 'America/New_York', '2026-03-08 07:30:00+00'],
    // Shown twice: as after they went back.
    ['2026-11-01 01:30:00.5', 'America/New_York', '2026-11-01 06:30:00.5+00'],
    ['2026-10-04 02:15:00', 'Australia/Lord_Howe', '2026-10-03 15:45:00+00'],
    ['2026-11-20', 'Asia/Kathmandu', '2026-11-19 18:15:00+00'],
    ['infinity', 'America/New_York', 'infinity'],
    ['-infinity', 'America/New_York', '-infinity'],
    ['9999-12-31 23:59:59.999999', 'America/New_York', '10000-01-01 04:59:59.999999+00'],
    ['10000-01-01 00:00:00', 'America/New_York', null],
    ['5874897-12-31', 'America/New_York', null],
    // Before 1970 with the offset of its beginning, in summer too.
    ['1960-07-01 00:00:00', 'America/New_York', '1960-07-01 05:00:00+00'],
    ['0001-01-01 00:00:00', 'Europe/Berlin', '0001-12-31 23:00:00+00 BC'],
    ['0044-03-15 12:00:00 BC', 'UTC', '0044-03-15 12:00:00+00 BC'],
    ['4714-11-24 BC', 'UTC', null],
  ])('%s of %s is %s', (local, zone, expected) => {
    expect(zonedText(local, zone)).toBe(expected);
  });
});

describe('a zone means the same here and in PostgreSQL', () => {
  test.each(['America/New_York', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5', 'US/Eastern', 'UTC'])(
    '%s',
    (zone) => {
      expect(isSharedZone(zone)).toBe(true);
    },
  );

  // Fixed there and with summer time here; signs the other way round; in one of the two only.
  test.each(['CET', 'EST', '+05:00', 'UTC+5', 'posix/America/New_York', 'America/New_Yorck', ''])(
    '%j: no',
    (zone) => {
      expect(isSharedZone(zone)).toBe(false);
    },
  );
});

test.each([
  [0, '1970-01-01 00:00:00+00'],
  [1_795_201_331_123_000, '2026-11-20 19:02:11.123+00'],
  [1_795_201_331_000_001, '2026-11-20 19:02:11.000001+00'],
  [-1, '1969-12-31 23:59:59.999999+00'],
])('%d microseconds since 1970 are %s', (us, expected) => {
  expect(timestamptzOfUs(us)).toBe(expected);
});

test.each([
  ['2026-11-20 23:59:59.9', '2026-11-20'],
  ['0044-03-15 12:00:00 BC', '0044-03-15 BC'],
  ['infinity', 'infinity'],
])('the day of %s is %s', (timestamp, expected) => {
  expect(dayOf(timestamp)).toBe(expected);
});

describe('a moment as somebody writes it', () => {
  test.each([
    ['2026-11-20', 'date', '2026-11-20'],
    ['2026-11-20 10:00', 'timestamp', '2026-11-20 10:00:00'],
    ['2026-11-20T10:00:00.500', 'timestamp', '2026-11-20 10:00:00.5'],
    ['2026-11-20T10:00:00Z', 'timestamptz', '2026-11-20 10:00:00+00'],
    ['2026-11-20 10:00:00.000+05:30', 'timestamptz', '2026-11-20 04:30:00+00'],
    ['2026-02-30', 'date', null],
    ['2026-11-20 10:00', 'timestamptz', null],
    ['2026-11-20T10:00:00Z', 'timestamp', null],
    ['2026-11-20', 'timestamptz', null],
    ['2026-11-20 24:00:00', 'timestamp', null],
    ['now', 'timestamptz', null],
  ] as const)('%s as %s: %s', (text, kind, expected) => {
    expect(writtenMoment(text, kind)).toBe(expected);
  });
});
