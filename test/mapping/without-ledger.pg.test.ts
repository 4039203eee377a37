import { expect, test } from 'vitest';
import { mappedCapture } from '../support/mapped-capture.js';
import { testDatabase } from '../support/postgres.js';

const SCHEMA = `
  CREATE TABLE member (id int PRIMARY KEY, credit_cents bigint NOT NULL DEFAULT 0);
  CREATE TABLE load (id int PRIMARY KEY, member int, cents bigint, bonus_cents bigint);
  INSERT INTO member VALUES (1, 1250), (2, 0)`;

const yamlWith = (wallet: string): string => `
mapping:
  merchant: { rows: [{ merchant_id: 1, name: Shop, currency: CHF }] }
  wallet_definition: { rows: [{ wallet_code: C, label: Credit, wallet_type: STORED_VALUE, value_kind: CURRENCY }] }
  account: { table: member, columns: { account_id: id } }
${wallet}
  recharge:
    table: load
    columns:
      recharge_id: id
      account_id: member
      wallet_code: { value: C }
      amount: { column: cents, scale: 2 }
      bonus_amount: { column: bonus_cents, scale: 2 }
`;
const WALLET =
  '  wallet: { table: member, columns: { account_id: id, wallet_code: { value: C }, balance: { column: credit_cents, scale: 2 } } }';

test('without a ledger a recharge shows what its wallet held before where that can be told, and never what it did not', async () => {
  await using db = await testDatabase({ migrate: false });
  await db.sql(SCHEMA);
  await using streamed = await mappedCapture(db, yamlWith(WALLET));
  await db.sql(`
    BEGIN; UPDATE member SET credit_cents = credit_cents + 5500 WHERE id = 1; INSERT INTO load VALUES (1, 1, 5000, 500); COMMIT;
    INSERT INTO load VALUES (2, 2, 100, NULL)`);
  const calls = await streamed.until('px-1-recharge_value-1', 'px-1-recharge_value-2');
  expect(calls.map(({ body }) => body.properties)).toMatchObject([
    { amount: 50, bonus_amount: 5, balance_before: 12.5, balance_after: 67.5, currency: 'CHF' },
    { amount: 1, balance_before: null, balance_after: 0, currency: 'CHF' },
  ]);
  expect(calls[0]?.body.properties).toMatchObject({ wallets_info: [{ wallet_code: 'C', balance: 67.5 }] });
  await streamed.stop();
});

test('without wallets every view of them is null, not empty', async () => {
  await using db = await testDatabase({ migrate: false });
  await db.sql(SCHEMA);
  await using streamed = await mappedCapture(db, yamlWith(''));
  await db.sql(`INSERT INTO load VALUES (1, 1, 5000, 500)`);
  const [call] = await streamed.until('px-1-recharge_value-1');
  expect(call?.body.properties).toMatchObject({
    wallets_info: null,
    all_wallets_info: null,
    flat_wallets_info: null,
    balance_before: null,
    balance_after: null,
  });
  await streamed.stop();
});
