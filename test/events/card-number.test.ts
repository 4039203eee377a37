import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { EventSettings, UserIdStrategy } from '../../src/config/source.js';
import type { Derived } from '../../src/events/event.js';
import { shownCardNumber } from '../../src/events/card-number.js';
import { profileIdentify } from '../../src/events/profile-identify.js';
import { ACCOUNT, everythingAtOnce, type Scenario, type SentCall } from './scenario.js';
import { row } from './world.js';

const STRATEGIES: readonly UserIdStrategy[] = [
  'account_id',
  'user_id',
  'printed_card_number',
  'external_account_code',
];
const MASKED: EventSettings['cardNumber'] = { mode: 'MASKED', hashKey: null };
const HASHED: EventSettings['cardNumber'] = { mode: 'HASHED', hashKey: 'sixteen characters' };
/** The primary card, and others that are presented; nowhere else in the data. */
const NUMBERS = ['60003010004187531', '60009955512347712', '00000000412346'];

function scenarioOf(cardNumber: EventSettings['cardNumber'], strategy: UserIdStrategy): Scenario {
  const scenario = everythingAtOnce().source({
    cardNumber,
    userId: { strategy, prefix: 'px-' },
    surveyAnswers: true,
    emitVoids: true,
  });
  scenario.patch('loyalty.card', '70001', { printed_card_number: NUMBERS[0] as string });
  for (const [index, card_id] of ['70011', '70012'].entries()) {
    const printed_card_number = NUMBERS[index + 1] as string;
    scenario.world.put(
      'loyalty.card',
      row('loyalty.card', { card_id, account_id: ACCOUNT, printed_card_number }),
    );
  }
  const [[key, checkin] = []] = [...scenario.commit.checkins];
  if (key === undefined || checkin === undefined) throw new Error('no check-in');
  const headers = [...scenario.commit.transactions].map(
    ([id, header]) => [id, { ...header, card_id: '70012' }] as const,
  );
  return scenario.rows({
    checkins: new Map([[key, { ...checkin, card_id: '70011' }]]),
    transactions: new Map(headers),
  });
}

/** Everything that is made of a commit, with the profile that a backfill sends. */
function everyCall(scenario: Scenario): Derived[] {
  const { world: facts, commit, settings } = scenario;
  const account = facts.account(ACCOUNT)?.account;
  if (account === undefined) throw new Error('no account');
  const profile = profileIdentify(account, { facts, commit, settings });
  return [...scenario.derived(), ...(profile === null ? [] : [profile])];
}

function wholeNumbersIn(calls: readonly Derived[]): string[] {
  const text = JSON.stringify(calls);
  return NUMBERS.filter((number) => text.includes(number));
}

describe.each(STRATEGIES)('with people named by %s', (strategy) => {
  test('a whole number is nowhere in what is queued, whatever is sent and whichever card is presented', () => {
    expect(wholeNumbersIn(everyCall(scenarioOf({ mode: 'FULL', hashKey: null }, strategy)))).toEqual(NUMBERS);
    for (const cardNumber of [MASKED, HASHED]) {
      const calls = everyCall(scenarioOf(cardNumber, strategy));
      expect(calls.length).toBeGreaterThanOrEqual(14);
      expect(calls.filter(({ tag }) => tag === 'rejected')).toEqual([]);
      expect(wholeNumbersIn(calls)).toEqual([]);
    }
  });

  test('nor in what is set aside: too large, against the schema, or with a value that cannot be read', () => {
    for (const cardNumber of [MASKED, HASHED]) {
      const spoilt: ((scenario: Scenario) => Scenario)[] = [
        (scenario) => scenario.patch('loyalty.guest', '300501', { last_name: 'x'.repeat(40_000) }),
        (scenario) => scenario.patch('loyalty.guest', '300501', { email_opt_in: 'maybe' }),
        (scenario) => scenario.patch('loyalty.account_wallet', `${ACCOUNT}/3`, { expirations: '{}' }),
      ];
      for (const spoil of spoilt) {
        const calls = everyCall(spoil(scenarioOf(cardNumber, strategy)));
        expect(calls.filter(({ tag }) => tag === 'rejected').length).toBeGreaterThan(0);
        expect(wholeNumbersIn(calls)).toEqual([]);
      }
    }
  });
});

test('a hashed number is the same in properties, traits and userId, and no other card’s', () => {
  const bodies = everyCall(scenarioOf(HASHED, 'printed_card_number')).map(
    ({ json }) => JSON.parse(json) as SentCall,
  );
  const shown = new Set(
    bodies.map((body) => (body.type === 'identify' ? body.traits : body.properties)['printed_card_number']),
  );
  const hashes = NUMBERS.map((number) =>
    createHmac('sha256', 'sixteen characters').update(number).digest('hex'),
  );
  expect(shown).toEqual(new Set(hashes));
  expect(new Set(bodies.flatMap(({ userId }) => userId ?? []))).toEqual(new Set([`px-${hashes[0]}`]));
});

test.each([
  ['60003010004187531', '187531'],
  ['123456789012', '789012'],
  ['1234567890', '67890'],
  ['0042', '42'],
])('of %s a masked number shows %s: six characters at most, and never more than half', (number, shown) => {
  expect(shownCardNumber(number, MASKED)).toBe(shown);
});
