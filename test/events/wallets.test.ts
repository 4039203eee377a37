import { describe, expect, test } from 'vitest';
import { MAX_EVENT_BYTES } from '../../src/events/shrink.js';
import { ACCOUNT, at, type Scenario } from './scenario.js';
import { row } from './world.js';

interface WalletChange {
  code: number;
  label?: string;
  visible?: boolean;
  balance?: string;
  expirations?: string;
}

/** The guest's referral, with these wallets beside the four of the examples. */
function withWallets(changes: readonly WalletChange[]): Scenario {
  const scenario = at('referral');
  for (const {
    code,
    label = `Wallet ${code}`,
    visible = true,
    balance = '1',
    expirations = '[]',
  } of changes) {
    const definition = scenario.world.find('loyalty.wallet_definition', '777777/3');
    const wallet = scenario.world.find('loyalty.account_wallet', `${ACCOUNT}/3`);
    const wallet_code = String(code);
    const guest_visible = visible ? 't' : 'f';
    scenario.world.put(
      'loyalty.wallet_definition',
      row('loyalty.wallet_definition', { ...definition, wallet_code, label, guest_visible, sort_order: '0' }),
    );
    scenario.world.put(
      'loyalty.account_wallet',
      row('loyalty.account_wallet', { ...wallet, wallet_code, balance, expirations }),
    );
  }
  return scenario;
}

const many = (count: number, change: Omit<WalletChange, 'code'> = {}): WalletChange[] =>
  Array.from({ length: count }, (_, at) => ({ code: 100 + at, ...change }));

describe('the three views of the wallets', () => {
  test('go by sort order, then by code as a number, with zero balances, hidden ones in the full view alone', () => {
    const scenario = withWallets([
      { code: 110 },
      { code: 99, balance: '0.0000' },
      { code: 100, visible: false },
    ]);
    const { properties } = scenario.call('Referral');
    const codes = (rows: unknown) => (rows as { wallet_code: string }[]).map((each) => each.wallet_code);
    expect(codes(properties['wallets_info'])).toEqual(['99', '110', '3', '11', '20']);
    expect(codes(properties['all_wallets_info'])).toEqual(['99', '100', '110', '3', '11', '20', '30']);
    expect(properties['flat_wallets_info']).not.toHaveProperty('wallet_100_code');
    expect(properties['flat_wallets_info']).toMatchObject({
      wallet_99_code: '99',
      wallet_99_label: 'Wallet 99',
      wallet_99_balance: 0,
    });
  });

  test('the flat one holds 50 wallets and says when it left some out', () => {
    const flatOf = (count: number) => withWallets(many(count)).call('Referral').properties;
    expect(Object.keys(flatOf(47)['flat_wallets_info'] ?? {})).toHaveLength(150);
    expect('wallets_truncated' in flatOf(47)).toBe(false);
    expect(Object.keys(flatOf(48)['flat_wallets_info'] ?? {})).toHaveLength(150);
    expect(flatOf(48)['wallets_truncated']).toBe(true);
    expect(flatOf(48)['wallets_info']).toHaveLength(51);
  });

  test('hold amounts exactly, beyond what a double can', () => {
    const text = withWallets([{ code: 99, balance: '12345678901234.5678' }]).text('Referral');
    expect(text).toContain('"wallet_99_balance":12345678901234.5678');
    expect(text).toContain('{"wallet_code":"99","balance":12345678901234.5678}');
    expect(text).not.toMatch(/\\u0000|12345678901234\.568/);
  });

  test('give null for what is no number, and count it once', () => {
    const scenario = withWallets([{ code: 99, balance: 'NaN' }]);
    expect(scenario.call('Referral').properties['flat_wallets_info']).toMatchObject({
      wallet_99_balance: null,
    });
    expect(scenario.notRepresentable).toEqual(['loyalty.account_wallet.balance']);
  });

  test('are null, empty arrays or objects as there is no account, or one without wallets', () => {
    const scenario = at('referral');
    for (const code of ['3', '11', '20', '30'])
      scenario.world.remove('loyalty.account_wallet', `${ACCOUNT}/${code}`);
    expect(scenario.call('Referral').properties).toMatchObject({
      wallets_info: [],
      flat_wallets_info: {},
      all_wallets_info: [],
    });
  });

  test('follow the account from one commit to the next', () => {
    const scenario = at('referral');
    expect(scenario.text('Referral')).toContain('"wallet_3_balance":1293');
    scenario.patch('loyalty.account_wallet', `${ACCOUNT}/3`, { balance: '7' });
    expect(scenario.text('Referral')).toContain('"wallet_3_balance":7');
  });

  test('carry text of any script and every control character as JSON does', () => {
    const label = 'Пункты "5\\u0000" 🍔 \u0001\u2028\t';
    const { properties } = withWallets([{ code: 99, label }]).call('Referral');
    expect(properties['flat_wallets_info']).toMatchObject({ wallet_99_label: label });
  });
});

describe('an event over 32 KB', () => {
  const expirations = JSON.stringify(
    Array.from({ length: 20 }, () => ({ quantity: 1, expires_on: '2026-12-31' })),
  );
  const sixteen = Object.keys(at('referral').call('Referral').properties).slice(0, 16);
  const detail = (scenario: Scenario) => scenario.call('Referral').properties['all_wallets_info'] as object[];
  const fits = (scenario: Scenario): boolean =>
    Buffer.byteLength(scenario.text('Referral')) <= MAX_EVENT_BYTES;

  test('first gives up expirations, and nothing else', () => {
    const scenario = withWallets(many(45, { expirations }));
    expect(fits(scenario)).toBe(true);
    expect(detail(scenario)).toHaveLength(49);
    expect(detail(scenario).some((each) => 'expirations' in each)).toBe(false);
  });

  test('then hidden wallets', () => {
    const scenario = withWallets(many(150, { visible: false, balance: '5' }));
    expect(fits(scenario)).toBe(true);
    expect(detail(scenario)).toHaveLength(3);
  });

  test('then wallets without a balance', () => {
    const scenario = withWallets(many(120, { balance: '0.0000' }));
    expect(fits(scenario)).toBe(true);
    expect(detail(scenario)).toHaveLength(2);
    expect(scenario.call('Referral').properties['wallets_info']).toHaveLength(123);
  });

  test('never one of the sixteen properties', () => {
    for (const scenario of [
      withWallets(many(45, { expirations })),
      withWallets(many(120, { balance: '0' })),
    ]) {
      expect(Object.keys(scenario.call('Referral').properties)).toEqual(expect.arrayContaining(sixteen));
    }
  });

  test('that still does not fit is set aside whole, with the reason', () => {
    const [call] = withWallets(many(60, { label: 'ü'.repeat(300) })).derived();
    expect(call).toMatchObject({
      tag: 'rejected',
      reason: 'too_large',
      messageId: 'px-777777-referral-31007',
    });
    expect(Buffer.byteLength(call?.json ?? '')).toBeGreaterThan(MAX_EVENT_BYTES);
  });

  test('is measured in bytes of UTF-8, to the byte', () => {
    const padded = (bytes: number): Scenario => {
      const base = Buffer.byteLength(withWallets(many(40, { label: '' })).text('Referral'));
      const spare = bytes - base;
      const referral_code = `DEREK-7Q2K${'ü'.repeat(Math.floor(spare / 2))}${'x'.repeat(spare % 2)}`;
      return withWallets(many(40, { label: '' })).transition('referrals', (each) => ({
        before: null,
        after: { ...each.after, referral_code },
      }));
    };
    expect(Buffer.byteLength(padded(MAX_EVENT_BYTES).text('Referral'))).toBe(MAX_EVENT_BYTES);
    expect('expirations' in (detail(padded(MAX_EVENT_BYTES))[0] ?? {})).toBe(true);
    expect('expirations' in (detail(padded(MAX_EVENT_BYTES + 1))[0] ?? {})).toBe(false);
  });
});

describe('a store', () => {
  const place = (values: Record<string, string | null>) => {
    const { properties } = at('check-in').patch('loyalty.store', '2', values).call('Check-In');
    return [properties['store_latitude'], properties['store_longitude']];
  };

  test('at 0,0 is nowhere, on the equator or the meridian somewhere', () => {
    expect(place({ latitude: '0.000000', longitude: '0.000000' })).toEqual([null, null]);
    expect(place({ latitude: '0.000000', longitude: '-71.200000' })).toEqual([0, -71.2]);
    expect(place({ latitude: '51.480000', longitude: '0.000000' })).toEqual([51.48, 0]);
    expect(place({ latitude: null, longitude: null })).toEqual([null, null]);
  });

  test('that is not known is not another one', () => {
    const scenario = at('check-in');
    scenario.world.remove('loyalty.store', '2');
    expect(scenario.call('Check-In').properties).toMatchObject({ store_name: null, checkin_scope: 'STORE' });
  });
});

describe('a source that is told of some wallets only', () => {
  const codesIn = (scenario: Scenario): unknown[] => {
    const { properties } = scenario.call('Referral');
    const codes = (rows: unknown): string[] =>
      (rows as { wallet_code: string }[]).map((each) => each.wallet_code);
    const flat = Object.keys(properties['flat_wallets_info'] as object).filter((key) =>
      key.endsWith('_code'),
    );
    return [codes(properties['wallets_info']), flat, codes(properties['all_wallets_info'])];
  };

  test('sees those that guests see, or those with the codes it names, whatever another source sees of the same account', () => {
    const scenario = at('referral');
    const whole = codesIn(scenario);
    expect(whole[2]).toEqual(['3', '11', '20', '30']);
    scenario.source({ wallets: 'visible' });
    expect(codesIn(scenario)).toEqual([whole[0], whole[1], ['3', '11', '20']]);
    scenario.source({ wallets: new Set(['11', '30']) });
    expect(codesIn(scenario)).toEqual([['11'], ['wallet_11_code'], ['11', '30']]);
    scenario.source({ wallets: 'all' });
    expect(codesIn(scenario)).toEqual(whole);
  });

  test('is told of a purchase all the same, with the sums of all wallets and the names of its own', () => {
    const whole = at('add-redeem').call('Add/Redeem');
    const some = at('add-redeem')
      .source({ wallets: new Set(['99']) })
      .call('Add/Redeem');
    expect(whole.properties['wallet_codes']).not.toEqual([]);
    expect(some.properties).toMatchObject({
      wallet_codes: [],
      wallet_changes: [],
      reward_labels: [],
      points_added: whole.properties['points_added'],
      points_balance: whole.properties['points_balance'],
      rewards_redeemed: whole.properties['rewards_redeemed'],
    });
    expect(some['messageId']).toBe(whole['messageId']);
  });
});

test('are null, and so is what is summed from them, where the schema has no wallets', () => {
  const scenario = at('add-redeem');
  scenario.world.empty.add('loyalty.account_wallet');
  expect(scenario.call('Add/Redeem').properties).toMatchObject({
    wallets_info: null,
    flat_wallets_info: null,
    all_wallets_info: null,
    points_balance: null,
  });
});
