import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isKnownZone, localDate, localTime, momentOfLocal, offsetMs } from '../../src/records/zones.js';
import type { Row } from '../../src/records/tables.js';
import { at, type SentCall } from './scenario.js';

type Header = Row<'txn.transaction'>;

const POSTED = '2026-11-20 19:02:12.007123+00';

describe('the timestamp of a transaction', () => {
  const sent = (values: Partial<Header>, name = 'POS Activity'): SentCall =>
    at('add-redeem')
      .header({ posted_at: POSTED, ...values })
      .call(name);

  const cases: readonly [why: string, Partial<Header>, timestamp: string, suspect: boolean][] = [
    [
      'the till’s own time',
      { pos_transaction_at: '2026-11-20 19:02:11.9876+00' },
      '2026-11-20T19:02:11.987Z',
      false,
    ],
    [
      'exactly 30 days before',
      { pos_transaction_at: '2026-10-21 19:02:12.007123+00' },
      '2026-10-21T19:02:12.007Z',
      false,
    ],
    [
      'a microsecond earlier',
      { pos_transaction_at: '2026-10-21 19:02:12.007122+00' },
      '2026-11-20T19:02:12.007Z',
      true,
    ],
    [
      'exactly 5 minutes after',
      { pos_transaction_at: '2026-11-20 19:07:12.007123+00' },
      '2026-11-20T19:07:12.007Z',
      false,
    ],
    [
      'a microsecond later',
      { pos_transaction_at: '2026-11-20 19:07:12.007124+00' },
      '2026-11-20T19:02:12.007Z',
      true,
    ],
    ['infinitely late', { pos_transaction_at: 'infinity' }, '2026-11-20T19:02:12.007Z', true],
    ['infinitely early', { pos_transaction_at: '-infinity' }, '2026-11-20T19:02:12.007Z', true],
    ['before Christ', { pos_transaction_at: '0044-03-15 12:00:00+00 BC' }, '2026-11-20T19:02:12.007Z', true],
    ['no time at all', { pos_transaction_at: null }, '2026-11-20T19:02:12.007Z', false],
    [
      'local time',
      { pos_transaction_at: null, pos_local_datetime: '2026-11-20 14:02:11.5' },
      '2026-11-20T19:02:11.500Z',
      false,
    ],
    [
      'local time out of reason',
      { pos_transaction_at: null, pos_local_datetime: '2020-01-01 00:00:00' },
      '2026-11-20T19:02:12.007Z',
      true,
    ],
    [
      'local time at infinity',
      { pos_transaction_at: null, pos_local_datetime: 'infinity' },
      '2026-11-20T19:02:12.007Z',
      true,
    ],
  ];
  test.each(cases)('%s: %j', (_why, values, timestamp, suspect) => {
    const call = sent(values);
    expect(call.timestamp).toBe(timestamp);
    expect(call.properties['clock_suspect']).toBe(suspect ? true : undefined);
  });

  test('says of a suspect clock in each event of the transaction', () => {
    const suspect = { pos_transaction_at: '2001-01-01 00:00:00+00' };
    expect(sent(suspect, 'Add/Redeem').properties).toMatchObject({
      clock_suspect: true,
      store_local_time: '2026-11-20T14:02:12-05:00',
    });
    const identified = at('identify-customer').header(suspect);
    expect(identified.call('Identify Customer').properties['clock_suspect']).toBe(true);
    expect(identified.call('identify').timestamp).toBe(identified.call('Identify Customer').timestamp);
  });

  test('reads local time in the store’s zone, else the merchant’s, else UTC', () => {
    const local = { pos_transaction_at: null, pos_local_datetime: '2026-11-20 12:00:00' };
    const scenario = at('add-redeem').header({ posted_at: '2026-11-20 20:00:00+00', ...local });
    const result = (): string =>
      `${scenario.call('POS Activity').timestamp} ${scenario.call('POS Activity').context.timezone}`;
    expect(scenario.patch('loyalty.store', '2', { timezone: 'America/Los_Angeles' }) && result()).toBe(
      '2026-11-20T20:00:00.000Z America/Los_Angeles',
    );
    expect(scenario.patch('loyalty.store', '2', { timezone: 'Mars/Olympus' }) && result()).toBe(
      '2026-11-20T17:00:00.000Z America/New_York',
    );
    expect(
      scenario.patch('loyalty.merchant', '777777', { default_timezone: 'EST5EDT4,M3' }) && result(),
    ).toBe('2026-11-20T12:00:00.000Z UTC');
  });
});

describe('a zone', () => {
  test('is known by its IANA name only', () => {
    expect(['America/New_York', 'UTC', 'Asia/Kathmandu'].every(isKnownZone)).toBe(true);
    expect(['Mars/Olympus', '', 'EST5EDT4,M3'].some(isKnownZone)).toBe(false);
  });

  test.each([
    ['America/New_York', '2026-11-20T19:02:11Z', '2026-11-20T14:02:11-05:00', '20261120'],
    ['America/New_York', '2026-07-01T02:30:00Z', '2026-06-30T22:30:00-04:00', '20260630'],
    ['Asia/Kathmandu', '2026-11-20T19:02:11Z', '2026-11-21T00:47:11+05:45', '20261121'],
    ['America/St_Johns', '2026-11-20T03:00:00Z', '2026-11-19T23:30:00-03:30', '20261119'],
    ['UTC', '2026-11-20T19:02:11Z', '2026-11-20T19:02:11+00:00', '20261120'],
    ['Not/AZone', '2026-11-20T19:02:11Z', '2026-11-20T19:02:11+00:00', '20261120'],
  ])('%s at %s shows %s', (zone, moment, expected, date) => {
    expect(localTime(zone, Date.parse(moment))).toBe(expected);
    expect(localDate(zone, Date.parse(moment))).toBe(date);
  });

  test.each([
    ['an hour that is skipped', '2026-03-08T02:30:00Z', '2026-03-08T07:30:00Z'],
    ['an hour that comes twice', '2026-11-01T01:30:00Z', '2026-11-01T06:30:00Z'],
    ['just before it', '2026-11-01T00:59:59Z', '2026-11-01T04:59:59Z'],
    ['just after it', '2026-11-01T02:00:00Z', '2026-11-01T07:00:00Z'],
    ['a day with neither', '2026-07-01T12:00:00Z', '2026-07-01T16:00:00Z'],
  ])('New York reads %s as PostgreSQL does', (_why, local, moment) => {
    expect(new Date(momentOfLocal('America/New_York', Date.parse(local))).toISOString()).toBe(
      new Date(moment).toISOString(),
    );
  });

  test('shows a local time that names the moment it came from', () => {
    const zones = fc.constantFrom(
      'America/New_York',
      'Europe/Dublin',
      'Australia/Lord_Howe',
      'Pacific/Apia',
      'Asia/Kathmandu',
    );
    const moments = fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2040, 0, 1) });
    fc.assert(
      fc.property(zones, moments, (zone, moment) => {
        const seconds = Math.floor(moment / 1000) * 1000;
        expect(Date.parse(localTime(zone, moment))).toBe(seconds);
        const local = seconds + offsetMs(zone, moment);
        expect(localTime(zone, momentOfLocal(zone, local)).slice(0, 19)).toBe(
          new Date(local).toISOString().slice(0, 19),
        );
      }),
    );
  });
});
