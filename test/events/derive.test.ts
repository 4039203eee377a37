import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isTransactionCandidate, isVoiding } from '../../src/events/candidates.js';
import { deriveEvents } from '../../src/events/derive.js';
import { compareRank, type Derived } from '../../src/events/event.js';
import type { Row } from '../../src/records/tables.js';
import { ACCOUNT, at, everythingAtOnce, PURCHASE, type Scenario } from './scenario.js';
import { commitOf, settingsOf } from './world.js';

type Header = Row<'txn.transaction'>;

describe('the calls of one commit', () => {
  test('come in the order of the events, by primary key, an identify before its track call', () => {
    const calls = everythingAtOnce().derived();
    expect(calls.map((call) => `${call.name} ${call.rank.key}`)).toEqual([
      `identify ${ACCOUNT}`,
      `Loyalty Registration ${ACCOUNT}`,
      `Web Registration ${ACCOUNT}`,
      'Check-In 77001',
      'identify 5501234570',
      'Identify Customer 5501234570',
      'POS Activity 5501234566',
      'POS Activity 5501234570',
      `POS Activity ${PURCHASE}`,
      `Add/Redeem ${PURCHASE}`,
      'Recharge Value 90210',
      'Referral 31007',
      'Survey Completion 61005',
    ]);
    expect(calls).toEqual([...calls].sort((a, b) => compareRank(a.rank, b.rank)));
  });

  test('see the same wallets', () => {
    const wallets = new Set(
      everythingAtOnce()
        .derived()
        .filter((call) => call.name !== 'identify' && call.accountKey === `777777:${ACCOUNT}`)
        .map((call) =>
          JSON.stringify(
            (JSON.parse(call.json) as { properties: { all_wallets_info: unknown } }).properties
              .all_wallets_info,
          ),
        ),
    );
    expect(wallets.size).toBe(1);
  });

  test('order keys as numbers', () => {
    const header = at('add-redeem').commit.transactions.get(PURCHASE) as Header;
    const ids = ['100', '99', '9223372036854775807', '1000'];
    const rows = commitOf({ transactions: ids.map((transaction_id) => ({ ...header, transaction_id })) });
    const calls = at('add-redeem')
      .rows({ ...rows })
      .derived();
    expect(calls.map((call) => call.rank.key)).toEqual(['99', '100', '1000', '9223372036854775807']);
  });

  test('carry the lane key and the guest of the account they are about', () => {
    const calls = everythingAtOnce().derived();
    const registered = calls.find((call) => call.name === 'Add/Redeem');
    const unregistered = calls.find((call) => call.rank.key === '5501234566');
    expect(registered).toMatchObject({ accountKey: `777777:${ACCOUNT}`, guestId: '300501' });
    expect(unregistered).toMatchObject({ accountKey: '777777:998901', guestId: null });
  });

  test('are one line of JSON each, without tab or line feed', () => {
    for (const call of everythingAtOnce().derived()) {
      expect(`${call.json}${call.messageId}${call.accountKey}`).not.toMatch(/[\t\n\r]/);
    }
  });

  test('are the very same when derived again', () => {
    expect(everythingAtOnce().derived()).toEqual(everythingAtOnce().derived());
  });

  test('are written one at a time, as they are asked for', () => {
    const scenario = at('add-redeem');
    const header = scenario.commit.transactions.get(PURCHASE) as Header;
    const transactions = Array.from({ length: 50_000 }, (_, id) => ({
      ...header,
      transaction_id: String(id),
    }));
    let asked = 0;
    const facts = new Proxy(scenario.world, {
      get(world, name) {
        if (name === 'account') asked += 1;
        const member: unknown = Reflect.get(world, name);
        return typeof member === 'function' ? (member.bind(world) as unknown) : member;
      },
    });
    const calls = deriveEvents({ commit: commitOf({ transactions }), facts, settings: settingsOf() });
    expect(calls.next().done).toBe(false);
    expect(asked).toBeLessThan(10);
  });

  test('are none of a commit before the source was turned on, whatever it did', () => {
    expect(everythingAtOnce().rows({ commitTimeUs: 5 }).source({ enabledFromUs: 5 }).derived()).toEqual([]);
    expect(everythingAtOnce().rows({ commitTimeUs: 6 }).source({ enabledFromUs: 5 }).derived()).not.toEqual(
      [],
    );
  });

  test('differ between sources only in what the sources ask for', () => {
    const ids = (calls: Derived[]) => calls.map((call) => call.messageId);
    const masked = everythingAtOnce().source({
      cardNumber: { mode: 'MASKED', hashKey: null },
      surveyAnswers: true,
    });
    expect(ids(masked.derived())).toEqual(ids(everythingAtOnce().derived()));
  });
});

describe('a value that cannot be read', () => {
  test('sets aside the one event that needs it and no other', () => {
    const scenario = everythingAtOnce().patch('txn.check_card', '880002/70001', { amount_paid: '47,83' });
    const [rejected, ...more] = scenario.derived().filter((call) => call.tag === 'rejected');
    expect(more).toEqual([]);
    expect(rejected).toMatchObject({
      name: 'Add/Redeem',
      messageId: `px-777777-add_redeem-${PURCHASE}`,
      accountKey: `777777:${ACCOUNT}`,
      guestId: '300501',
      reason: 'unparsable_value',
      detail: 'txn.check_card.amount_paid cannot be read',
    });
    expect(JSON.stringify(rejected)).not.toContain('47,83');
    expect(scenario.derived()).toHaveLength(13);
  });

  test.each([
    [
      'of the till',
      (s: Scenario) => s.header({ pos_transaction_at: 'soon' }),
      'txn.transaction.pos_transaction_at',
    ],
    [
      'of a wallet',
      (s: Scenario) => s.patch('loyalty.account_wallet', `${ACCOUNT}/3`, { balance: 'lots' }),
      'loyalty.account_wallet.balance',
    ],
    [
      'of a store',
      (s: Scenario) => s.patch('loyalty.store', '2', { latitude: 'north' }),
      'loyalty.store.latitude',
    ],
    [
      'of an expiry',
      (s: Scenario) => s.patch('loyalty.account_wallet', `${ACCOUNT}/3`, { expirations: '[' }),
      'loyalty.account_wallet.expirations',
    ],
  ])('%s is named by its column, each time', (_why, change, column) => {
    const scenario = change(at('add-redeem'));
    for (const calls of [scenario.derived(), scenario.derived()]) {
      expect(calls.map((call) => call.tag)).toEqual(['rejected', 'rejected']);
      expect(calls[0]).toMatchObject({ reason: 'unparsable_value', detail: `${column} cannot be read` });
    }
  });

  test('of a business date leaves the identify and the event without their key, by the transaction', () => {
    const scenario = at('identify-customer').patch('txn.pos_check', '880002', { business_date: 'Friday' });
    const [rejected, activity] = scenario.derived();
    expect(rejected).toMatchObject({ tag: 'rejected', messageId: 'px-777777-identify_customer-5501234570' });
    expect(activity).toMatchObject({ tag: 'event', name: 'POS Activity' });
  });

  test('of a registration time of an account sets aside the identify, not the identification', () => {
    const scenario = at('identify-customer').patch('loyalty.account', ACCOUNT, { registered_at: 'once' });
    expect(scenario.derived().map((call) => [call.tag, call.name])).toEqual([
      ['rejected', 'identify'],
      ['event', 'Identify Customer'],
      ['event', 'POS Activity'],
    ]);
  });
});

describe('an event that breaks its schema', () => {
  test('is set aside with the path and the rule, never the value', () => {
    const scenario = at('check-in').patch('loyalty.account_wallet', `${ACCOUNT}/3`, {
      expirations: '{"card": "6000"}',
    });
    const [call] = scenario.derived();
    expect(call).toMatchObject({
      tag: 'rejected',
      reason: 'schema',
      detail: '/all_wallets_info/0/expirations must be array,null',
    });
    expect(JSON.parse(call?.json ?? '')).toMatchObject({ type: 'track', event: 'Check-In' });
  });

  test.each([
    [
      'an empty card number',
      (s: Scenario) => s.patch('loyalty.card', '70001', { printed_card_number: '' }),
      '/printed_card_number',
    ],
    ['an empty wallet code', (s: Scenario) => renamedWallet(s, ''), '/wallet_code'],
    ['no channel text', (s: Scenario) => checkinChannel(s), '/channel'],
  ])('is told by every part: %s', (_why, change, path) => {
    const [call] = change(at('check-in')).derived();
    expect(call).toMatchObject({ tag: 'rejected', reason: 'schema' });
    expect(call?.tag === 'rejected' ? call.detail : '').toContain(path);
  });
});

function renamedWallet(scenario: Scenario, code: string): Scenario {
  const wallet = scenario.world.find('loyalty.account_wallet', `${ACCOUNT}/3`);
  const definition = scenario.world.find('loyalty.wallet_definition', '777777/3');
  if (wallet === null || definition === null) throw new Error('no wallet 3');
  scenario.world.put('loyalty.wallet_definition', { ...definition, wallet_code: code });
  scenario.world.put('loyalty.account_wallet', { ...wallet, wallet_code: code });
  return scenario;
}

function checkinChannel(scenario: Scenario): Scenario {
  const rows = [...scenario.commit.checkins].map(
    ([key, each]) => [key, { ...each, channel: 7 as unknown as string }] as const,
  );
  return scenario.rows({ checkins: new Map(rows) });
}

describe('what is judged before any look-up', () => {
  const headers = fc.record({
    transaction_type: fc.constantFrom(
      'ACTIVATE',
      'ACTIVATE_ADD',
      'ADD_REDEEM',
      'IDENTIFY_CUSTOMER',
      'RECHARGE',
      'BALANCE_INQUIRY',
    ),
    modifier: fc.constantFrom('NONE', 'VOID', 'REVERSE'),
    result: fc.constantFrom('AUTHORIZED', 'DENIED'),
    origin: fc.constantFrom(
      'POS',
      'ONLINE_ORDER',
      'GUEST_WEBSITE',
      'MOBILE_APP',
      'PARTNER',
      'CSR',
      'CAMPAIGN',
      'SYSTEM',
      'IMPORT',
    ),
    is_training: fc.constantFrom('t', 'f'),
    account_id: fc.constantFrom(ACCOUNT, null),
    original_transaction_id: fc.constantFrom('1', null),
    import_batch_id: fc.constantFrom('1', null),
  });

  test('never refuses a header that an event could fire for, and refuses all of an import', () => {
    fc.assert(
      fc.property(headers, fc.boolean(), (values, emitVoids) => {
        const scenario = at('add-redeem').header(values).source({ emitVoids });
        const row = scenario.commit.transactions.get(PURCHASE) as Header;
        if (scenario.derived().length > 0) expect(isTransactionCandidate(row, { emitVoids })).toBe(true);
        if (row.import_batch_id !== null || row.origin === 'IMPORT') {
          expect(isTransactionCandidate(row, { emitVoids })).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a denied void voids nothing', () => {
    const header = at('add-redeem').commit.transactions.get(PURCHASE) as Header;
    const voiding = { ...header, modifier: 'VOID', original_transaction_id: '1' };
    expect(isVoiding(voiding)).toBe(true);
    expect(isVoiding({ ...voiding, result: 'DENIED' })).toBe(false);
    expect(isVoiding({ ...voiding, original_transaction_id: null })).toBe(false);
    expect(isVoiding(header)).toBe(false);
  });
});
