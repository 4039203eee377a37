import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WalletFacts } from '../../src/enrichment/facts.js';
import { writeJson } from '../../src/events/json-text.js';
import { PARTS, problemOf } from '../../src/events/schema/validators.js';
import { WHOLE } from '../../src/events/shrink.js';
import { walletProperties } from '../../src/events/wallet-properties.js';
import { walletMembers } from '../../src/events/wallet-text.js';
import { row } from './world.js';

const amounts = fc.oneof(
  fc.constantFrom('0.0000', '1293.0000', '12345678901234.5678', '-0.5000', 'NaN', null),
  fc.integer({ min: -1e9, max: 1e9 }).map((units) => (units / 100).toFixed(4)),
);
const expirations = fc.constantFrom(
  '[]',
  '[{"quantity": 1, "expires_on": "2026-12-31"}]',
  '[{"quantity": 12345678901234.5678}]',
  '{}',
  '[null]',
  '[[]]',
  '[1]',
  null,
);
const flags = fc.constantFrom('t', 'f');
const wallet: fc.Arbitrary<
  Omit<WalletFacts, 'definition'> & {
    code: string;
    label: string;
    unit: string | null;
    visible: string;
    giftable: string;
  }
> = fc.record({
  code: fc.string({ minLength: 1, maxLength: 3 }),
  label: fc.string({ unit: 'binary' }),
  unit: fc.option(fc.string()),
  visible: flags,
  giftable: flags,
  balance: amounts,
  lifetimeAdded: amounts,
  lifetimeRedeemed: amounts,
  expirations,
  updatedAt: fc.constantFrom('2026-11-20 19:02:12.007123+00', 'infinity', null),
});

test('wallets written from pieces are what the whole properties would be, or are left to them', () => {
  let written = 0;
  fc.assert(
    fc.property(fc.array(wallet, { maxLength: 60 }), (given) => {
      const wallets = given.map(({ code, label, unit, visible, giftable, ...facts }, at): WalletFacts => {
        const definition = row('loyalty.wallet_definition', {
          merchant_id: '1',
          wallet_code: `${at}${code}`,
          label,
          unit,
          wallet_type: 'POINT',
          value_kind: 'POINTS',
          scale: '2',
          guest_visible: visible,
          giftable,
          sort_order: '0',
        });
        return { definition, ...facts };
      });
      const members = walletMembers(wallets);
      if (members === null) return;
      written += 1;
      const whole = writeJson(walletProperties(wallets, WHOLE));
      expect(`{${members}}`).toBe(whole.text);
      expect(problemOf(PARTS.wallets, whole.judged)).toBeNull();
    }),
    { numRuns: 2000 },
  );
  expect(written).toBeGreaterThan(100);
});
