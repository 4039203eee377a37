import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { privacyRule, type PrivacyRule } from '../../src/config/privacy.js';
import { redacted } from '../../src/events/redact.js';
import { at, type Scenario } from './scenario.js';

const KEY = 'sixteen characters at least';

function rules(given: Readonly<Record<string, string>>) {
  const entries = Object.entries(given).map(([name, text]): [string, PrivacyRule] => {
    const rule = privacyRule(text);
    if (rule === null) throw new Error(text);
    return [name, rule];
  });
  return { rules: new Map(entries), hashKey: KEY };
}

/** What a receiver reads of an object that was redacted. */
function read(value: object, given: Readonly<Record<string, string>>): unknown {
  return JSON.parse(`{${redacted(JSON.stringify(value).slice(1, -1), rules(given))}}`);
}

const hmac = (text: string): string => createHmac('sha256', KEY).update(text).digest('hex');

describe('the members of an object', () => {
  it('are each what their rule says', () => {
    const value = { a: 'Zoë', b: 'Zoë', c: 'Zoë', d: '🍕🍕🍕', e: 'left', f: 5 };
    const given = { a: 'drop', b: 'mask', c: 'hash', d: 'truncate:2', f: 'drop' };
    expect(read(value, given)).toEqual({
      a: null,
      b: 'Z***',
      c: hmac('Zoë'),
      d: '🍕🍕',
      e: 'left',
      f: null,
    });
  });

  it('that are unknown stay null, and empty text stays empty', () => {
    expect(read({ a: null, b: '', c: '' }, { a: 'hash', b: 'mask', c: 'truncate:3' })).toEqual({
      a: null,
      b: '',
      c: '',
    });
  });

  it('are found behind anything that stands before them', () => {
    const before = { a: 'x","z":"y', b: [{ z: 'in here' }, '],['], c: { z: '\\' }, d: '\\"', e: [] };
    expect(read({ ...before, z: 'secret' }, { z: 'drop' })).toEqual({ ...before, z: null });
  });

  it('keep numbers that no double holds', () => {
    expect(redacted('"a":12345678901234567890.123,"b":"x","c":1', rules({ b: 'drop' }))).toBe(
      '"a":12345678901234567890.123,"b":null,"c":1',
    );
  });

  it('of any object but those with a rule are untouched', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fc.jsonValue()), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
        const names = Object.keys(plain);
        const dropped = new Set(names.filter((_, index) => index % 2 === 0));
        const wanted = Object.fromEntries(
          names.map((name) => [name, dropped.has(name) ? null : plain[name]]),
        );
        expect(read(plain, Object.fromEntries([...dropped].map((name) => [name, 'drop'])))).toEqual(wanted);
      }),
    );
  });
});

interface Sent {
  readonly messageId: string;
  readonly userId?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly traits?: Readonly<Record<string, unknown>>;
}

it('whole calls keep their names, ids and users, and lose what their source keeps private', () => {
  const sent = (scenario: Scenario): Sent[] => scenario.derived().map(({ json }) => JSON.parse(json) as Sent);
  const plain = sent(at('registration'));
  const kept = {
    first_name: 'drop',
    last_name: 'mask',
    store_city: 'hash',
    wallets_info: 'drop',
    account_id: 'hash',
  };
  const redactedCalls = sent(at('registration').source({ privacy: rules(kept) }));
  expect(plain.length).toBeGreaterThan(1);
  expect(redactedCalls).toHaveLength(plain.length);
  for (const [index, call] of redactedCalls.entries()) {
    const before = plain[index];
    const body = before?.properties ?? before?.traits ?? {};
    const after = call.properties ?? call.traits ?? {};
    expect(Object.keys(after)).toEqual(Object.keys(body));
    expect(after).toMatchObject({
      first_name: null,
      last_name: `${String(body['last_name'])[0]}***`,
      account_id: hmac(String(body['account_id'])),
    });
    expect(after['wallets_info'] ?? null).toBeNull();
    expect({ ...call, properties: null, traits: null }).toEqual({
      ...before,
      properties: null,
      traits: null,
    });
  }
});
