import { describe, expect, test } from 'vitest';
import type { Row } from '../../src/records/tables.js';
import { ACCOUNT, at, GUEST, type Scenario } from './scenario.js';
import { row } from './world.js';

type Account = Row<'loyalty.account'>;

describe('a registration', () => {
  const BOTH = ['Loyalty Registration', 'Web Registration'];
  /** The account was there before the commit, as `before` says. */
  const updated = (before: Partial<Account>, after: Partial<Account> = {}): Scenario =>
    at('registration').transition('accounts', (each) => ({
      before: { ...each.after, user_id: null, registered_at: null, registration_source: null, ...before },
      after: { ...each.after, ...after },
    }));
  const inserted = (after: Partial<Account>): Scenario =>
    at('registration').transition('accounts', (each) => ({
      before: null,
      after: { ...each.after, ...after },
    }));

  test('is sent of an account made with a guest, and of one that a guest is attached to', () => {
    expect(inserted({}).names()).toEqual(BOTH);
    expect(updated({}).names()).toEqual(BOTH);
  });

  test.each(['MOBILE_APP', 'POS', 'SMS', 'ONLINE_ORDER', 'API', 'CSR', null])(
    'by %s is no web registration',
    (source) => {
      const scenario = inserted({ registration_source: source });
      scenario.world.patch('loyalty.account', ACCOUNT, { registration_source: source });
      expect(scenario.names()).toEqual(['Loyalty Registration']);
      expect(scenario.call('Loyalty Registration').properties['channel']).toBe(source);
    },
  );

  const nothing: readonly [string, () => Scenario][] = [
    ['an import', () => inserted({ registration_source: 'IMPORT' })],
    ['an import batch', () => inserted({ import_batch_id: '9' })],
    ['a card made without a guest', () => inserted({ user_id: null, registered_at: null })],
    ['a profile edit', () => updated({ user_id: GUEST, registered_at: '2025-01-01 00:00:00+00' })],
    [
      'a tier change',
      () => updated({ user_id: GUEST, registered_at: '2025-01-01 00:00:00+00', tier_code: '1' }),
    ],
    [
      'a re-activation',
      () => updated({ user_id: GUEST, registered_at: '2025-01-01 00:00:00+00', account_status: 'SUSPENDED' }),
    ],
    [
      'a guest re-attached to an account once registered',
      () => updated({ registered_at: '2025-01-01 00:00:00+00' }),
    ],
    [
      'a registration taken back within the commit',
      () => updated({}, { user_id: null, registered_at: null }),
    ],
    [
      'an account deleted within the commit',
      () => at('registration').transition('accounts', (each) => ({ before: each.after, after: null })),
    ],
    [
      'a second card',
      () => {
        const s = inserted({});
        s.world.secondCards.add(ACCOUNT);
        return s;
      },
    ],
    [
      'a merge survivor',
      () => {
        const s = updated({});
        s.world.mergeSurvivors.add(ACCOUNT);
        return s;
      },
    ],
  ];
  test.each(nothing)('is not sent of %s', (_why, scenario) => {
    expect(scenario().derived()).toEqual([]);
  });

  test('happened at the enrollment store only where enrolling was part of it', () => {
    const where = (scenario: Scenario) => scenario.call('Loyalty Registration').properties['store_code'];
    expect(where(inserted({}))).toBe('corp');
    expect(where(updated({ enrolled_at: null }))).toBe('corp');
    expect(where(updated({}))).toBeNull();
    expect(where(inserted({ enrollment_store_id: null }))).toBeNull();
  });

  test('is stamped with the commit where the row has no time that can be written', () => {
    expect(inserted({ registered_at: 'infinity' }).call('Web Registration').timestamp).toBe(
      '2026-11-22T00:00:00.000Z',
    );
  });

  test('sends its identify just before the track call, at its time, unless the source does not want it', () => {
    const [identify, track] = at('registration').derived();
    expect([identify?.name, track?.name]).toEqual(['identify', 'Loyalty Registration']);
    expect(identify?.rank).toEqual({ kind: 0, key: ACCOUNT, part: 0 });
    expect(track?.rank).toEqual({ kind: 0, key: ACCOUNT, part: 1 });
    const scenario = at('registration');
    expect(scenario.call('identify').timestamp).toBe(scenario.call('Loyalty Registration').timestamp);
    expect(
      at('registration')
        .source({ identify: false })
        .derived()
        .map((call) => call.name),
    ).toEqual(BOTH);
  });
});

describe('Check-In', () => {
  const checkin = (values: Partial<Row<'loyalty.checkin'>>): Scenario => {
    const scenario = at('check-in');
    const rows = [...scenario.commit.checkins].map(([key, each]) => [key, { ...each, ...values }] as const);
    return scenario.rows({ checkins: new Map(rows) });
  };

  test('without a store is at the corporate one and says so', () => {
    const call = checkin({ store_id: null }).call('Check-In');
    expect(call.properties).toMatchObject({
      store_code: 'corp',
      store_latitude: null,
      checkin_scope: 'CORPORATE',
    });
  });

  test('without a store at a merchant without a corporate row is nowhere', () => {
    const scenario = checkin({ store_id: null }).patch('loyalty.store', '1', { store_kind: 'WEB' });
    expect(scenario.call('Check-In').properties).toMatchObject({
      store_code: null,
      checkin_scope: 'CORPORATE',
    });
  });

  test('never carries the short code', () => {
    expect(at('check-in').text('Check-In')).not.toContain('482913');
  });

  test("passes on a partner's store code and an open end", () => {
    const { properties } = checkin({ external_store_code: 'X-9', expiration_time: null }).call('Check-In');
    expect(properties).toMatchObject({ external_store_code: 'X-9', expiration_time: null });
  });
});

describe('Referral', () => {
  const sent = (after: object, before: object | null = null): Scenario =>
    at('referral').transition('referrals', (each) => ({ before, after: { ...each.after, ...after } }));

  test.each(['REGISTERED', 'QUALIFIED', 'REWARDED', 'EXPIRED', 'CANCELLED'])(
    'is not sent of status %s',
    (status) => {
      expect(sent({ status }).names()).toEqual([]);
    },
  );

  test('is not sent of a change of an earlier one', () => {
    expect(sent({}, row('loyalty.referral', { referral_id: '31007', status: 'EXPIRED' })).names()).toEqual(
      [],
    );
  });

  test('is not sent of a self-referral, nor of one to another account of the same guest', () => {
    expect(sent({ referred_account_id: ACCOUNT }).names()).toEqual([]);
    const scenario = sent({ referred_account_id: '998901' });
    expect(scenario.names()).toEqual(['Referral']);
    expect(scenario.patch('loyalty.account', '998901', { user_id: GUEST }).names()).toEqual([]);
  });

  test('is about the referrer, at no store, in the merchant’s zone', () => {
    const call = at('referral')
      .patch('loyalty.merchant', '777777', { default_timezone: 'America/Chicago' })
      .call('Referral');
    expect(call.userId).toBe(ACCOUNT);
    expect(call.context.timezone).toBe('America/Chicago');
    expect(call.properties['store_name']).toBeNull();
  });
});

describe('Recharge Value', () => {
  const moved = (from: string | null, to: string, after: object = {}): Scenario =>
    at('recharge-value').transition('recharges', (each) => ({
      before: from === null ? null : { ...each.after, transaction_state: from },
      after: { ...each.after, transaction_state: to, ...after },
    }));

  test.each([
    [null, 'Succeeded', ['Recharge Value']],
    ['Pending', 'Succeeded', ['Recharge Value']],
    ['Failed', 'Succeeded', ['Recharge Value']],
    ['Succeeded', 'Succeeded', []],
    ['Pending', 'Pending', []],
    [null, 'Pending', []],
    [null, 'Failed', []],
    ['Pending', 'Failed', []],
    ['Pending', 'Refunded', []],
    ['Succeeded', 'Refunded', []],
    ['Succeeded', 'Chargeback', []],
  ])('%s → %s gives %j', (from, to, expected) => {
    expect(moved(from, to).names()).toEqual(expected);
  });

  test('is not sent of comps', () => {
    expect(moved('Pending', 'Succeeded', { payment_type: 'COMP' }).names()).toEqual([]);
    expect(
      at('recharge-value').patch('loyalty.wallet_definition', '777777/20', { wallet_type: 'COMP' }).names(),
    ).toEqual([]);
  });

  test.each(['ACTIVATE', 'ACTIVATE_ADD'])(
    'is not sent of a new gift card sold, header %s',
    (transaction_type) => {
      expect(at('recharge-value').header({ transaction_type }).names()).toEqual([]);
    },
  );

  test('is not sent when its transaction is voided in the same commit', () => {
    expect(
      at('recharge-value')
        .rows({ voidedTransactionIds: new Set(['5501239001']) })
        .names(),
    ).toEqual([]);
  });

  test('takes the balance before from its own lines, signed by their kind', () => {
    const scenario = at('recharge-value');
    const lines = scenario.commit.entries.get('5501239001') ?? [];
    const fee = { ...lines[0], entry_kind: 'REDEEMED', quantity: '0.10', balance_after: '52.40' };
    const scenarioWithFee = scenario.rows({
      entries: new Map([['5501239001', [...lines, fee as (typeof lines)[0]]]]),
    });
    expect(scenarioWithFee.call('Recharge Value').properties).toMatchObject({
      balance_before: 25,
      balance_after: 52.4,
    });
  });

  test('without lines in its commit takes both balances from the state', () => {
    const scenario = at('recharge-value').rows({ entries: new Map() });
    expect(scenario.call('Recharge Value').properties).toMatchObject({
      balance_before: 52.5,
      balance_after: 52.5,
    });
  });

  describe('where the schema has no ledger', () => {
    const unkept = (changed: readonly string[], paid: object = {}): Scenario => {
      const scenario = moved(null, 'Succeeded', { bonus_amount: '2.50', ...paid });
      scenario.world.empty.add('txn.wallet_entry');
      return scenario.rows({ entries: new Map(), changedWallets: new Map([[ACCOUNT, new Set(changed)]]) });
    };
    const shown = (scenario: Scenario): unknown => {
      const { balance_before, balance_after } = scenario.call('Recharge Value').properties;
      return [balance_before, balance_after];
    };

    test('what the wallet held before is what remains without the payment that was written with it', () => {
      expect(shown(unkept(['20']))).toEqual([25, 52.5]);
      expect(shown(unkept(['20'], { bonus_amount: '0' }))).toEqual([27.5, 52.5]);
    });

    test('and is not said where the wallet was not written with it, or with several', () => {
      expect(shown(unkept([]))).toEqual([null, 52.5]);
      expect(shown(unkept(['3']))).toEqual([null, 52.5]);
      const [first] = unkept(['20']).commit.recharges.values();
      if (first?.after == null) throw new Error('no recharge');
      const second = { before: null, after: { ...first.after, recharge_id: '9' } };
      const both = new Map([
        [first.after.recharge_id, first],
        ['9', second],
      ]);
      expect(shown(unkept(['20']).rows({ recharges: both }))).toEqual([null, 52.5]);
    });
  });

  test('carries nothing of the payment card but its brand', () => {
    expect(at('recharge-value').text('Recharge Value')).not.toMatch(/4242|last_four|auth/);
  });

  test('is in the merchant’s currency where its own row says none', () => {
    const scenario = moved(null, 'Succeeded', { currency: null });
    scenario.patch('loyalty.merchant', '777777', { currency: 'CHF' });
    expect(scenario.call('Recharge Value').properties['currency']).toBe('CHF');
  });

  test('without a completion time is stamped with the commit', () => {
    expect(moved('Pending', 'Succeeded', { completed_at: null }).call('Recharge Value').timestamp).toBe(
      '2026-11-22T00:00:00.000Z',
    );
  });
});

describe('Survey Completion', () => {
  const moved = (from: string | null, to: string, after: object = {}): Scenario =>
    at('survey-completion').transition('responses', (each) => ({
      before: from === null ? null : { ...each.before, status: from },
      after: { ...each.after, status: to, ...after },
    }));
  const completed = (after: object): Scenario => moved('STARTED', 'COMPLETED', after);

  test.each([
    [null, 'COMPLETED', ['Survey Completion']],
    ['STARTED', 'COMPLETED', ['Survey Completion']],
    ['ABANDONED', 'COMPLETED', ['Survey Completion']],
    ['COMPLETED', 'COMPLETED', []],
    [null, 'STARTED', []],
    ['STARTED', 'ABANDONED', []],
    ['STARTED', 'DISQUALIFIED', []],
  ])('%s → %s gives %j', (from, to, expected) => {
    expect(moved(from, to).names()).toEqual(expected);
  });

  test('happened at the response’s own store before the invitation’s', () => {
    const where = (after: object) => completed(after).call('Survey Completion').properties['store_code'];
    expect(where({ store_id: '1' })).toBe('corp');
    expect(where({})).toBe('211');
    expect(where({ invitation_id: null })).toBeNull();
  });

  test('without an account is sent of the response itself, without a person', () => {
    const scenario = completed({ account_id: null });
    const call = scenario.call('Survey Completion');
    expect(call.anonymousId).toBe('a0b5b9fa-ae0e-56c8-acb1-13becb295912');
    expect('userId' in call).toBe(false);
    expect(call.properties).toMatchObject({
      first_name: null,
      printed_card_number: null,
      wallets_info: null,
      flat_wallets_info: null,
      all_wallets_info: null,
      merchant_id: 777777,
      account_id: null,
      is_registered: false,
    });
    expect(scenario.derived()[0]).toMatchObject({
      accountKey: '777777:survey_response:61005',
      guestId: null,
    });
  });

  test('without an account is still not sent of a demo merchant or a laboratory store', () => {
    const open = (): Scenario => completed({ account_id: null });
    expect(open().patch('loyalty.merchant', '777777', { is_demo: 't' }).names()).toEqual([]);
    expect(open().patch('loyalty.store', '2', { store_kind: 'LAB' }).names()).toEqual([]);
    expect(
      open()
        .source({ merchantIds: new Set(['5']) })
        .names(),
    ).toEqual([]);
  });

  test('never carries the free text, and says whether there is a comment', () => {
    const text = at('survey-completion').source({ surveyAnswers: true }).text('Survey Completion');
    expect(text).not.toMatch(/Friendly|Mostly/);
    expect(completed({ comment: null }).call('Survey Completion').properties['has_comment']).toBe(false);
    expect(completed({ comment: ' \n' }).call('Survey Completion').properties['has_comment']).toBe(false);
  });

  test('carries answers only where the source asks', () => {
    expect('answers' in at('survey-completion').call('Survey Completion').properties).toBe(false);
    const asked = at('survey-completion').source({ surveyAnswers: true }).call('Survey Completion')
      .properties['answers'];
    expect(asked).toHaveLength(5);
    expect(asked).toContainEqual({
      question_id: '4125',
      question_code: 'NPS',
      choice_code: null,
      numeric_value: 9,
    });
  });

  test('has no duration unless both ends are known', () => {
    const duration = (after: object) =>
      completed(after).call('Survey Completion').properties['duration_seconds'];
    expect(duration({ started_at: '2026-11-21 15:00:44.001+00' })).toBe(84);
    expect(duration({ started_at: '-infinity' })).toBeNull();
    expect(duration({ completed_at: null })).toBeNull();
    expect(duration({ started_at: '2026-11-21 16:00:00+00' })).toBeNull();
  });
});
