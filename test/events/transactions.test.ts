import { describe, expect, test } from 'vitest';
import type { Row } from '../../src/records/tables.js';
import { ACCOUNT, at, IDENTIFICATION, PURCHASE, type Scenario } from './scenario.js';
import { row } from './world.js';

type Header = Row<'txn.transaction'>;
type Line = Row<'txn.wallet_entry'>;

const BOTH = ['POS Activity', 'Add/Redeem'];
const OTHER_TYPES = [
  'BALANCE_INQUIRY',
  'CHECKIN',
  'EXCHANGE',
  'COMBINE',
  'BALANCE_TRANSFER',
  'WALLET_ADJUSTMENT',
  'CAMPAIGN_ADJUSTMENT',
  'RULE_ADJUSTMENT',
  'EXPIRATION',
  'RECHARGE',
];

describe('a purchase at a till', () => {
  const cases: readonly [string, Partial<Header>, string[]][] = [
    ['as any', {}, BOTH],
    ['denied', { result: 'DENIED' }, []],
    ['a void', { modifier: 'VOID', original_transaction_id: '1' }, []],
    ['a reversal', { modifier: 'REVERSE', original_transaction_id: '1' }, []],
    ['training', { is_training: 't' }, []],
    ['imported, by its origin', { origin: 'IMPORT' }, []],
    ['imported, by its batch', { import_batch_id: '7' }, []],
    ['of no account', { account_id: null }, []],
    ['of an account nothing is known of', { account_id: '12345' }, []],
    ['entered by customer service', { origin: 'CSR' }, []],
    ['made by a campaign', { origin: 'CAMPAIGN' }, []],
    ['made by the system', { origin: 'SYSTEM' }, []],
    ['ordered online', { origin: 'ONLINE_ORDER' }, ['Add/Redeem']],
    ['in the app', { origin: 'MOBILE_APP' }, ['Add/Redeem']],
    ['on the guest website', { origin: 'GUEST_WEBSITE' }, ['Add/Redeem']],
    ['at a partner', { origin: 'PARTNER' }, ['Add/Redeem']],
    ['an activation with lines', { transaction_type: 'ACTIVATE' }, BOTH],
    ...OTHER_TYPES.map((type): [string, Partial<Header>, string[]] => [
      `of type ${type}`,
      { transaction_type: type },
      ['POS Activity'],
    ]),
  ];
  test.each(cases)('%s: %j gives %j', (_why, change, expected) => {
    expect(at('add-redeem').header(change).names()).toEqual(expected);
  });

  test.each(OTHER_TYPES)('names its type %s as the pos_function', (type) => {
    expect(
      at('add-redeem').header({ transaction_type: type }).call('POS Activity').properties['pos_function'],
    ).toBe(type);
  });

  test('that is voided within its own commit sends nothing, nor does the void', () => {
    expect(withVoid(at('add-redeem')).names()).toEqual([]);
    expect(withVoid(at('add-redeem')).source({ emitVoids: true }).names()).toEqual([]);
    expect(withVoid(at('identify-customer')).derived()).toEqual([]);
  });

  test('that stays is sent beside the void of another', () => {
    const scenario = withVoid(at('add-redeem'), '4711').source({ emitVoids: true });
    expect(scenario.names()).toEqual(['POS Activity', 'POS Activity', 'Add/Redeem']);
  });

  test('is written with nulls where there is no check, store or card', () => {
    const bare = at('add-redeem').header({ check_id: null, store_id: null, card_id: null });
    expect(bare.call('Add/Redeem').properties).toMatchObject({
      store_name: null,
      store_code: null,
      store_latitude: null,
      check_number: null,
      check_total: null,
      check_subtotal: null,
      check_discount: null,
      amount_paid: null,
      printed_card_number: '6000301000418000',
    });
  });

  test('names the card presented, and what that card paid of a split check', () => {
    const scenario = at('add-redeem').header({ card_id: '70009' });
    scenario.world.put(
      'loyalty.card',
      row('loyalty.card', { card_id: '70009', printed_card_number: '0000111122223333' }),
    );
    scenario.world.put('txn.check_card', { check_id: '880002', card_id: '70009', amount_paid: '12.30' });
    expect(scenario.call('Add/Redeem').properties).toMatchObject({
      printed_card_number: '0000111122223333',
      amount_paid: 12.3,
      check_number: '4502',
    });
  });

  test('sent late by a till that was offline says so and keeps its own time', () => {
    const late = { is_offline: 't', pos_transaction_at: '2026-11-13 12:00:00+00' };
    const call = at('add-redeem').header(late).call('POS Activity');
    expect(call.properties['is_offline']).toBe(true);
    expect(call.timestamp).toBe('2026-11-13T12:00:00.000Z');
    expect('clock_suspect' in call.properties).toBe(false);
  });
});

/** Adds the void of a transaction to the commit, as gathering reports it. */
function withVoid(
  scenario: Scenario,
  original = [...scenario.commit.transactions.keys()][0] ?? '',
): Scenario {
  const [first] = [...scenario.commit.transactions.values()];
  const voiding = {
    ...(first as Header),
    transaction_id: '5501239999',
    modifier: 'VOID',
    original_transaction_id: original,
  };
  return scenario.rows({
    transactions: new Map([...scenario.commit.transactions, [voiding.transaction_id, voiding]]),
    voidedTransactionIds: new Set([original]),
  });
}

describe('a void after the fact', () => {
  const voided = { modifier: 'VOID', original_transaction_id: '5501230000' } as const;

  test('sends nothing by default', () => {
    expect(at('add-redeem').header(voided).names()).toEqual([]);
  });

  test.each(['VOID', 'REVERSE'])(
    'is a POS Activity that names its original where a source asks: %s',
    (modifier) => {
      const scenario = at('add-redeem')
        .header({ ...voided, modifier })
        .source({ emitVoids: true });
      expect(scenario.names()).toEqual(['POS Activity']);
      const { properties, messageId } = scenario.call('POS Activity');
      expect(properties).toMatchObject({ is_void: true, original_transaction_id: '5501230000' });
      expect(messageId).toBe(`px-777777-pos_activity-${PURCHASE}`);
    },
  );

  test.each([
    { result: 'DENIED' },
    { origin: 'CSR' },
    { is_training: 't' },
    { original_transaction_id: null },
  ])('sends nothing even then when it is %j', (change) => {
    expect(
      at('add-redeem')
        .header({ ...voided, ...change })
        .source({ emitVoids: true })
        .names(),
    ).toEqual([]);
  });
});

describe('Identify Customer', () => {
  const cases: readonly [string, Partial<Header>, string[]][] = [
    ['at a till', {}, ['Identify Customer', 'POS Activity']],
    ['in an online order', { origin: 'ONLINE_ORDER' }, ['Identify Customer']],
    ['a web login', { origin: 'GUEST_WEBSITE' }, []],
    ['in the app', { origin: 'MOBILE_APP' }, []],
    ['a balance inquiry', { transaction_type: 'BALANCE_INQUIRY' }, ['POS Activity']],
    ['a check-in', { transaction_type: 'CHECKIN' }, ['POS Activity']],
    ['denied', { result: 'DENIED' }, []],
    ['voided', { modifier: 'VOID' }, []],
    ['training', { is_training: 't' }, []],
    ['of an unknown account', { account_id: '4' }, []],
  ];
  test.each(cases)('%s: %j gives %j', (_why, change, expected) => {
    expect(at('identify-customer').header(change).names()).toEqual(expected);
  });

  const keys: readonly [string, Partial<Header>, string][] = [
    ['by its check', {}, '2-20261120-4502-998877'],
    ['again during that check', { transaction_id: '5501239990' }, '2-20261120-4502-998877'],
    [
      'after midnight in UTC, before it at the store',
      { check_id: null, pos_transaction_at: '2026-11-20 04:30:00+00' },
      '2-20261119-4502-998877',
    ],
    ['without a store', { store_id: null }, IDENTIFICATION],
    ['without a number of the till', { pos_transaction_id: null }, IDENTIFICATION],
    ['with an empty number of the till', { pos_transaction_id: '' }, IDENTIFICATION],
  ];
  test.each(keys)('has one message id: %s', (_why, change, key) => {
    const scenario = at('identify-customer').header(change);
    expect(scenario.call('Identify Customer').messageId).toBe(`px-777777-identify_customer-${key}`);
    expect(scenario.call('identify').messageId).toBe(`px-777777-identify-${key}`);
  });

  test("goes by the check's business date where it differs from the store's calendar", () => {
    const scenario = at('identify-customer').patch('txn.pos_check', '880002', {
      business_date: '2026-11-19',
    });
    expect(scenario.call('Identify Customer').messageId).toContain('-2-20261119-4502-');
  });

  test('comes without an identify for a card nobody registered, and without userId', () => {
    const scenario = at('identify-customer').patch('loyalty.account', ACCOUNT, { user_id: null });
    expect(scenario.derived().map((call) => call.name)).toEqual(['Identify Customer', 'POS Activity']);
    expect('userId' in scenario.call('Identify Customer')).toBe(false);
  });
});

describe('Add/Redeem', () => {
  const line = (values: Partial<Line>): Line =>
    row('txn.wallet_entry', {
      posted_at: '2026-11-20 19:02:12.007123+00',
      transaction_id: PURCHASE,
      entry_no: '1',
      merchant_id: '777777',
      account_id: ACCOUNT,
      wallet_code: '3',
      entry_kind: 'ACCRUED',
      quantity: '1',
      balance_after: '1',
      ...values,
    });
  const withLines = (...lines: Line[]): Scenario =>
    at('add-redeem').rows({ entries: lines.length === 0 ? new Map() : new Map([[PURCHASE, lines]]) });

  test.each([
    ['no lines', []],
    ['stored value alone', [line({ wallet_code: '20', entry_kind: 'REDEEMED' })]],
    ['a counting wallet alone', [line({ wallet_code: '30' })]],
    ['expiry alone', [line({ entry_kind: 'EXPIRED' })]],
    ['transfers alone', [line({ entry_kind: 'TRANSFERRED_IN' }), line({ entry_kind: 'TRANSFERRED_OUT' })]],
    ['an adjustment alone', [line({ entry_kind: 'ADJUSTED', quantity: '-5' })]],
    ['lines of another account', [line({ account_id: '998901' })]],
    ['a wallet nothing is known of', [line({ wallet_code: '99' })]],
  ])('is not sent of %s', (_why, lines) => {
    expect(withLines(...lines).names()).toEqual(['POS Activity']);
  });

  test.each(['POINT', 'REDEEM', 'MEMBER_REWARD'])(
    'is sent of lines on a wallet of type %s',
    (wallet_type) => {
      const scenario = withLines(line({ wallet_code: '30' }));
      scenario.patch('loyalty.wallet_definition', '777777/30', { wallet_type });
      expect(scenario.names()).toEqual(BOTH);
    },
  );

  test.each(['ADD', 'STORED_VALUE', 'COMP', 'CHARGE', 'ROLLING'])(
    'is not sent of wallets of type %s',
    (wallet_type) => {
      const scenario = withLines(line({ wallet_code: '30' }));
      scenario.patch('loyalty.wallet_definition', '777777/30', { wallet_type });
      expect(scenario.names()).toEqual(['POS Activity']);
    },
  );

  test('sums points alone, exactly, and lists loyalty lines by wallet in the wallets’ order', () => {
    const scenario = withLines(
      line({ wallet_code: '11', entry_kind: 'REDEEMED', quantity: '2' }),
      line({ wallet_code: '3', quantity: '0.1' }),
      line({ wallet_code: '3', quantity: '0.2' }),
      line({ wallet_code: '3', entry_kind: 'REDEEMED', quantity: '7.5000' }),
      line({ wallet_code: '3', entry_kind: 'EXPIRED', quantity: '9' }),
      line({ wallet_code: '20', quantity: '3' }),
    );
    expect(scenario.call('Add/Redeem').properties).toMatchObject({
      points_added: 0.3,
      points_redeemed: 7.5,
      rewards_redeemed: 2,
      reward_labels: ['$5 Off Reward'],
      wallet_codes: ['3', '11'],
      wallet_changes: [
        { wallet_code: '3', label: 'Points', added: 0.3, redeemed: 7.5, balance: 1293 },
        { wallet_code: '11', label: '$5 Off Reward', added: 0, redeemed: 2, balance: 0 },
      ],
    });
    expect(scenario.text('Add/Redeem')).toContain('"points_added":0.3,');
  });

  test.each(['ACCRUED', 'REDEEMED'])(
    'is set aside with the reason where a quantity of %s has a sign of its own, and never sent the wrong way round',
    (entry_kind) => {
      const derived = withLines(line({ entry_kind, quantity: '-10.00' })).derived();
      expect(derived.find(({ name }) => name === 'Add/Redeem')).toMatchObject({
        tag: 'rejected',
        reason: 'unparsable_value',
        detail: 'txn.wallet_entry.quantity is negative',
      });
      expect(withLines(line({ entry_kind, quantity: '-0.00' })).names()).toEqual(BOTH);
    },
  );

  test('does not count a reward that was only earned as redeemed', () => {
    const { properties } = withLines(line({ wallet_code: '11' })).call('Add/Redeem');
    expect(properties).toMatchObject({
      points_added: 0,
      rewards_redeemed: 0,
      reward_labels: [],
      wallet_codes: ['11'],
    });
  });

  test('gives the points a guest sees: visible points wallets together, hidden ones not', () => {
    const scenario = withLines(line({}));
    scenario.patch('loyalty.wallet_definition', '777777/11', { value_kind: 'POINTS' });
    scenario.patch('loyalty.wallet_definition', '777777/30', { value_kind: 'POINTS' });
    scenario.patch('loyalty.account_wallet', `${ACCOUNT}/11`, { balance: '0.0500' });
    expect(scenario.call('Add/Redeem').properties['points_balance']).toBe(1293.05);
    scenario.patch('loyalty.account_wallet', `${ACCOUNT}/11`, { balance: 'NaN' });
    expect(scenario.call('Add/Redeem').properties['points_balance']).toBeNull();
  });
});
