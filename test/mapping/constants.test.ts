import { describe, expect, it } from 'vitest';
import { recordColumns } from '../../src/mapping/columns.js';
import { constantOf } from '../../src/mapping/constants.js';
import { RECORDS, type RecordName } from '../../src/mapping/record-names.js';
import { booleanValue, integerValue, jsonValue, numericValue } from '../../src/records/values.js';
import { dateValue, localTimestampUs, timestampUs } from '../../src/records/timestamps.js';

function constant(record: RecordName, column: string, text: string | null): string | null | undefined {
  const spec = recordColumns(RECORDS[record]).get(column);
  if (spec === undefined) throw new Error(`no column ${column}`);
  const found = constantOf(text, spec);
  return found.tag === 'constant' ? found.text : undefined;
}

describe('a constant is what the column can hold, as PostgreSQL writes it', () => {
  it.each<[RecordName, string, readonly string[], readonly string[]]>([
    [
      'merchant',
      'merchant_id',
      ['0', '-5', '9007199254740991'],
      ['', '1.0', '1e3', '9007199254740992', 'x', ' 1'],
    ],
    ['guest', 'user_id', ['0123', 'a:b', '5'], ['']],
    ['guest', 'first_name', ['', 'x', 'null'], []],
    ['wallet', 'balance', ['0', '-1.50', '12345678901234567890.1234'], ['', '.5', '1.', '1e3', 'NaN', '+1']],
    [
      'check',
      'business_date',
      ['2026-01-31', '2024-02-29'],
      ['2026-02-29', '2026-1-31', '31.01.2026', 'today', '0000-01-01'],
    ],
    ['merchant', 'status', ['ACTIVE'], ['active', 'ACTIVE ', '', 'GONE']],
    [
      'store',
      'timezone',
      ['America/New_York', 'UTC', 'US/Eastern'],
      ['', 'Mars', '+05:00', '-0500', 'GMT+5'],
    ],
    ['merchant', 'currency', ['CHF', 'USD'], ['EURO', 'usd', '', '€', 'EU']],
    ['recharge', 'currency', ['CHF'], ['EURO']],
    ['wallet', 'expirations', ['[]', '[{"amount":1}]', 'null'], ['', '{', '"\\u0000"', "'a'"]],
  ])('%s.%s', (record, column, taken, refused) => {
    for (const text of taken) expect(constant(record, column, text)).toBe(text);
    for (const text of refused) expect(constant(record, column, text), text).toBeUndefined();
  });

  it.each([
    ['2026-01-31T12:30:00Z', '2026-01-31 12:30:00+00'],
    ['2026-01-31 12:30Z', '2026-01-31 12:30:00+00'],
    ['2026-01-31T23:30:00.120-05', '2026-02-01 04:30:00.12+00'],
    ['2026-01-31T00:30:00.000001+0530', '2026-01-30 19:00:00.000001+00'],
    ['2026-01-31T00:30:00.000+05:30', '2026-01-30 19:00:00+00'],
  ])('the time %s', (written, expected) => {
    expect(constant('account', 'registered_at', written)).toBe(expected);
    expect(timestampUs(expected, 'c')).toBe(
      Date.parse(written.replace(' ', 'T').replace(/-05$/, '-05:00').replace('+0530', '+05:30').slice()) *
        1000 +
        (written.includes('000001') ? 1 : 0),
    );
  });

  it.each([
    '2026-01-31T12:30:00',
    '2026-02-30T12:30:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T12:60Z',
    '2026-01-31',
    'now',
    'infinity',
    '2026-01-31T12:30:00+16:00',
    '9999-12-31T23:00:00-08:00',
  ])('the time %s is none', (written) => {
    expect(constant('account', 'registered_at', written)).toBeUndefined();
  });

  it('a local time has no zone', () => {
    expect(constant('transaction', 'pos_local_datetime', '2026-01-31T12:30')).toBe('2026-01-31 12:30:00');
    expect(constant('transaction', 'pos_local_datetime', '2026-01-31T12:30Z')).toBeUndefined();
  });

  it('null where the column may be null', () => {
    expect(constant('guest', 'first_name', null)).toBeNull();
    expect(constant('guest', 'status', null)).toBeUndefined();
    expect(constant('guest', 'user_id', null)).toBeUndefined();
  });

  it('what is taken, events can read', () => {
    expect(booleanValue(constant('guest', 'text_opt_in', 'yes') ?? '', 'c')).toBe(true);
    expect(booleanValue(constant('guest', 'text_opt_in', 'FALSE') ?? '', 'c')).toBe(false);
    expect(integerValue(constant('merchant', 'merchant_id', '-2147483647') ?? '', 'c')).toBe(-2_147_483_647);
    expect(numericValue(constant('wallet', 'balance', '-0.50') ?? '', 'c')).toBe(-0.5);
    expect(dateValue(constant('check', 'business_date', '2026-01-31') ?? '', 'c')).toBe('2026-01-31');
    expect(jsonValue(constant('wallet', 'expirations', '[1]') ?? '', 'c')).toEqual([1]);
    expect(
      localTimestampUs(constant('transaction', 'pos_local_datetime', '2026-01-31 12:30:00.5') ?? '', 'c'),
    ).toBe(Date.UTC(2026, 0, 31, 12, 30, 0, 500) * 1000);
  });
});
