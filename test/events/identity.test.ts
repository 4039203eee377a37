import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accountAnonymousId, rowAnonymousId, uuidOf } from '../../src/events/anonymous-id.js';
import { messageId } from '../../src/events/message-id.js';
import { CATALOGUE } from '../../src/events/schema/catalogue.js';
import { runs } from '../support/fuzz-runs.js';
import { ACCOUNT, at, GUEST, type Scenario, type SentCall } from './scenario.js';
import { row } from './world.js';

const CARD = '6000301000418000';

describe('anonymousId', () => {
  test('is the UUID of the account, registered or not, as other implementations compute it', () => {
    expect(accountAnonymousId('777777', '998877')).toBe('7f0e6b67-0868-5f8e-b0f6-a4f183f54361');
    expect(accountAnonymousId('777777', '998901')).toBe('c5f8469f-480c-5256-83da-958bae043024');
    expect(rowAnonymousId('777777', 'survey_response', '61005')).toBe('a0b5b9fa-ae0e-56c8-acb1-13becb295912');
  });

  test('remembering does not change it', () => {
    for (let id = 0; id < 20_000; id += 1) accountAnonymousId('1', String(id));
    expect(accountAnonymousId('1', '7')).toBe(uuidOf('px:1:account:7'));
  });
});

describe('userId', () => {
  const named = (scenario: Scenario) => scenario.call('Check-In').userId;
  const by = (
    strategy: 'account_id' | 'user_id' | 'printed_card_number' | 'external_account_code',
    prefix = '',
  ): Scenario => at('check-in').source({ userId: { strategy, prefix } });

  test('is what the source names people by, after its prefix', () => {
    expect(named(by('account_id'))).toBe(ACCOUNT);
    expect(named(by('user_id'))).toBe(GUEST);
    expect(named(by('external_account_code'))).toBe('EXT-77');
    expect(named(by('printed_card_number'))).toBe(CARD);
    expect(named(by('account_id', 'pizza-'))).toBe(`pizza-${ACCOUNT}`);
  });

  test('is absent for a card without a guest, whatever the source names people by', () => {
    for (const strategy of ['account_id', 'printed_card_number', 'external_account_code'] as const) {
      const scenario = by(strategy, 'p-').patch('loyalty.account', ACCOUNT, { user_id: null });
      expect('userId' in scenario.call('Check-In')).toBe(false);
      expect(scenario.call('Check-In').properties).toMatchObject({ is_registered: false, first_name: null });
    }
  });

  test.each([null, ''])(
    'is absent, not another id, where the account lacks the value: %j',
    (external_account_code) => {
      const scenario = by('external_account_code', 'p-').patch('loyalty.account', ACCOUNT, {
        external_account_code,
      });
      expect('userId' in scenario.call('Check-In')).toBe(false);
    },
  );

  test('by card number stays the primary card’s whatever card is presented, and never shows what the source hides', () => {
    const cards = { strategy: 'printed_card_number', prefix: '' } as const;
    const scenario = by('printed_card_number');
    scenario.world.put(
      'loyalty.card',
      row('loyalty.card', { card_id: '70001', printed_card_number: '0042', is_primary: 'f' }),
    );
    scenario.world.put(
      'loyalty.card',
      row('loyalty.card', {
        card_id: '70005',
        account_id: ACCOUNT,
        printed_card_number: '0077',
        is_primary: 't',
      }),
    );
    expect(named(scenario)).toBe('0077');
    expect(scenario.call('Check-In').properties['printed_card_number']).toBe('0042');
    const hashed = at('check-in').source({ userId: cards, cardNumber: { mode: 'HASHED', hashKey: 'k' } });
    expect(named(hashed)).toBe(createHmac('sha256', 'k').update(CARD).digest('hex'));
    const masked = at('check-in').source({ userId: cards, cardNumber: { mode: 'MASKED', hashKey: null } });
    expect('userId' in masked.call('Check-In')).toBe(false);
  });
});

describe('printed_card_number', () => {
  const shown = (scenario: Scenario) => scenario.call('Check-In').properties['printed_card_number'];

  test('is whole, its last six characters, or a keyed hash, and nowhere else in the call', () => {
    const masked = at('check-in').source({ cardNumber: { mode: 'MASKED', hashKey: null } });
    expect(shown(masked)).toBe('418000');
    expect(masked.text('Check-In')).not.toContain(CARD);
    const hashed = at('check-in').source({ cardNumber: { mode: 'HASHED', hashKey: 'secret' } });
    expect(shown(hashed)).toBe(createHmac('sha256', 'secret').update(CARD).digest('hex'));
    expect(hashed.text('Check-In')).not.toContain(CARD);
    const other = at('check-in').source({ cardNumber: { mode: 'HASHED', hashKey: 'another' } });
    expect(shown(other)).not.toBe(shown(hashed));
    expect(shown(at('check-in'))).toBe(CARD);
  });

  test('is each source’s own where two sources take the same commit', () => {
    const scenario = at('check-in');
    const full = shown(scenario);
    scenario.source({ cardNumber: { mode: 'MASKED', hashKey: null } });
    expect([full, shown(scenario)]).toEqual([CARD, '418000']);
    expect(scenario.text('Check-In')).not.toContain(CARD);
    scenario.source({});
    expect(shown(scenario)).toBe(CARD);
  });

  test('and the channel are each row’s own where one commit has several of an account', () => {
    const scenario = at('check-in');
    scenario.world.put(
      'loyalty.card',
      row('loyalty.card', { card_id: '70009', printed_card_number: '0042' }),
    );
    const [[, first] = []] = [...scenario.commit.checkins];
    if (first === undefined) throw new Error('no check-in');
    const second = { ...first, checkin_id: '77002', card_id: '70009', channel: 'POS' };
    scenario.rows({ checkins: new Map([first, second].map((each) => [each.checkin_id, each])) });
    const sent = scenario.derived().map((call) => (JSON.parse(call.json) as SentCall).properties);
    expect(sent.map((each) => [each['printed_card_number'], each['channel']])).toEqual([
      [CARD, 'MOBILE_APP'],
      ['0042', 'POS'],
    ]);
  });

  test('is refused rather than sent whole when the hash has no key', () => {
    const scenario = at('check-in').source({ cardNumber: { mode: 'HASHED', hashKey: null } });
    expect(() => scenario.derived()).toThrow(TypeError);
  });

  test('follows the source in the identify call too', () => {
    const masked = at('registration').source({ cardNumber: { mode: 'MASKED', hashKey: null } });
    expect(masked.call('identify').traits['printed_card_number']).toBe('418000');
  });

  test('is null where there is neither a presented nor a primary card', () => {
    const scenario = at('referral');
    scenario.world.remove('loyalty.card', '70001');
    expect(scenario.call('Referral').properties['printed_card_number']).toBeNull();
  });

  test('is the new one after a card exchange, of the same person', () => {
    const scenario = at('referral').patch('loyalty.card', '70001', { is_primary: 'f' });
    scenario.world.put(
      'loyalty.card',
      row('loyalty.card', {
        card_id: '70006',
        account_id: ACCOUNT,
        printed_card_number: '0099',
        is_primary: 't',
      }),
    );
    const call = scenario.call('Referral');
    expect(call.properties['printed_card_number']).toBe('0099');
    expect([call.userId, call.anonymousId]).toEqual([ACCOUNT, '7f0e6b67-0868-5f8e-b0f6-a4f183f54361']);
  });
});

describe('messageId', () => {
  test('is plain where it can be', () => {
    expect(messageId('777777', 'pos_activity', '5501234566')).toBe('px-777777-pos_activity-5501234566');
  });

  test('is under 100 characters of printable ASCII, stable, and different for different keys', () => {
    const keys = fc.string({ unit: 'binary', maxLength: 200 });
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        const [first, second] = [
          messageId('2147483647', 'identify_customer', a),
          messageId('2147483647', 'identify_customer', b),
        ];
        expect(first.length).toBeLessThan(100);
        expect(first).toMatch(/^[\x20-\x7e]+$/);
        expect(first).toBe(messageId('2147483647', 'identify_customer', a));
        expect(first === second).toBe(a === b);
      }),
    );
  });

  test('is of one call alone: another merchant, kind or key gives another', () => {
    const slugs = [...Object.values(CATALOGUE).map(({ slug }) => slug), 'identify'];
    const key = fc.oneof(
      fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map(String),
      // As Identify Customer builds its own, of what a till wrote; and the registration's.
      fc
        .tuple(fc.nat(99), fc.string({ unit: 'binary', maxLength: 90 }), fc.nat(99))
        .map(([store, till, account]) => `${store}-20261120-${till}-${account}`),
      fc.nat(99).map((account) => `registration-${account}`),
    );
    const call = fc.tuple(fc.constantFrom('1', '11', '777777', '2147483647'), fc.constantFrom(...slugs), key);
    fc.assert(
      fc.property(call, call, (a, b) => {
        const same = a.every((part, i) => part === b[i]);
        expect(messageId(...a) === messageId(...b)).toBe(same);
        // It goes through tab-separated lines, HTTP headers and logs.
        expect(messageId(...a)).toMatch(/^px-[\x20-\x7e]{1,96}$/);
      }),
      runs(1_000),
    );
  });

  test('of a long or unprintable key is a hash that does not change between releases', () => {
    const long = `2-20261120-${'9'.repeat(80)}-998877`;
    expect(messageId('777777', 'identify_customer', long)).toBe(
      'px-777777-identify_customer-hb2fc447c9ac3f918c15cebac86ca3a3bd3a4238f',
    );
    expect(messageId('777777', 'identify_customer', '2-20261120-a\tb-998877')).toBe(
      'px-777777-identify_customer-h6fabf58a9675b49c816f5e8108f3e868cdd1e955',
    );
  });
});
