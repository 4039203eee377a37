import { describe, expect, test } from 'vitest';
import { EVENT_NAMES, type EventName } from '../../src/events/event.js';
import { ACCOUNT, at, GUEST, type Scenario } from './scenario.js';
import { COMMIT_TIME_US } from './world.js';

/** The example commit that implies each event. */
const COMMIT_OF: Record<EventName, string> = {
  'Loyalty Registration': 'registration',
  'Web Registration': 'registration',
  'Check-In': 'check-in',
  'Identify Customer': 'identify-customer',
  'POS Activity': 'identify-customer',
  'Add/Redeem': 'add-redeem',
  'Recharge Value': 'recharge-value',
  Referral: 'referral',
  'Survey Completion': 'survey-completion',
};

const CLOSED: readonly [why: string, (scenario: Scenario) => Scenario][] = [
  ['a suspended merchant', (s) => s.patch('loyalty.merchant', '777777', { status: 'SUSPENDED' })],
  ['a terminated merchant', (s) => s.patch('loyalty.merchant', '777777', { status: 'TERMINATED' })],
  ['a demo merchant', (s) => s.patch('loyalty.merchant', '777777', { is_demo: 't' })],
  [
    'a gift-card template',
    (s) => s.patch('loyalty.card_template', '777777/3', { program_kind: 'STORED_VALUE' }),
  ],
  ['a comp template', (s) => s.patch('loyalty.card_template', '777777/3', { program_kind: 'COMP' })],
  ['an e-club template', (s) => s.patch('loyalty.card_template', '777777/3', { program_kind: 'ECLUB' })],
  ['an employee template', (s) => s.patch('loyalty.card_template', '777777/3', { program_kind: 'EMPLOYEE' })],
  ['a terminated account', (s) => s.patch('loyalty.account', ACCOUNT, { account_status: 'TERMINATED' })],
  ['an account merged away', (s) => s.patch('loyalty.account', ACCOUNT, { merged_into_account_id: '1' })],
  ['a test account', (s) => s.patch('loyalty.account', ACCOUNT, { account_kind: 'TEST' })],
  ['an employee account', (s) => s.patch('loyalty.account', ACCOUNT, { account_kind: 'EMPLOYEE' })],
  ['a deleted guest', (s) => s.patch('loyalty.guest', GUEST, { status: 'DELETED' })],
  ['an anonymized guest', (s) => s.patch('loyalty.guest', GUEST, { status: 'ANONYMIZED' })],
  ['a source of another merchant', (s) => s.source({ merchantIds: new Set(['1']) })],
  ['a source that takes no events', (s) => s.source({ events: new Set() })],
  ['a commit at the time the source was turned on', (s) => s.source({ enabledFromUs: COMMIT_TIME_US })],
];

function closedFor(event: EventName): readonly (readonly [string, (scenario: Scenario) => Scenario])[] {
  if (event === 'Referral') return CLOSED;
  const lab = (s: Scenario): Scenario =>
    s.patch('loyalty.store', '1', { store_kind: 'LAB' }).patch('loyalty.store', '2', { store_kind: 'LAB' });
  return [...CLOSED, ['a laboratory store', lab]];
}

function without(
  scenario: Scenario,
  remove: 'loyalty.guest' | 'loyalty.account' | 'loyalty.merchant',
): Scenario {
  const keys = { 'loyalty.guest': GUEST, 'loyalty.account': ACCOUNT, 'loyalty.merchant': '777777' };
  scenario.world.remove(remove, keys[remove]);
  return scenario;
}

describe.each(EVENT_NAMES)('%s', (event) => {
  const scenario = (): Scenario => at(COMMIT_OF[event]);

  test('is sent of a guest as any', () => {
    expect(scenario().names()).toContain(event);
  });

  test.each(closedFor(event))('is not sent of %s', (_why, change) => {
    expect(change(scenario()).names()).toEqual([]);
  });

  test('is not sent of a guest whose row was deleted', () => {
    expect(without(scenario(), 'loyalty.guest').names()).toEqual([]);
  });

  test('is not sent of an account or merchant that is not known', () => {
    expect(without(scenario(), 'loyalty.account').names()).toEqual([]);
    expect(without(scenario(), 'loyalty.merchant').names()).toEqual([]);
  });

  test('is the one event left out when its source does not take it', () => {
    const others = EVENT_NAMES.filter((name) => name !== event);
    const all = scenario().names();
    expect(
      scenario()
        .source({ events: new Set(others) })
        .names(),
    ).toEqual(all.filter((name) => name !== event));
  });

  test('is sent of a suspended account and in both loyalty programs', () => {
    const suspended = scenario().patch('loyalty.account', ACCOUNT, { account_status: 'SUSPENDED' });
    expect(suspended.names()).toContain(event);
    const loyalty = scenario().patch('loyalty.card_template', '777777/3', { program_kind: 'LOYALTY' });
    expect(loyalty.names()).toContain(event);
  });

  test('is sent whatever the guest opted out of', () => {
    const out = scenario().patch('loyalty.guest', GUEST, { email_opt_in: 'f', text_opt_in: 'f' });
    expect(out.call(event).properties).toMatchObject({ email_opt_in: false, text_opt_in: false });
  });

  test('is sent by a source of its own merchant that was turned on before', () => {
    const source = { merchantIds: new Set(['1', '777777']), enabledFromUs: COMMIT_TIME_US - 1 };
    expect(scenario().source(source).names()).toContain(event);
  });
});
