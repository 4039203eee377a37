import { expect, test } from 'vitest';
import { mappedCapture } from '../support/mapped-capture.js';
import { testDatabase } from '../support/postgres.js';

const YAML = `
mapping:
  merchant: { rows: [{ merchant_id: 1, name: Shop, currency: CHF }] }
  wallet_definition: { rows: [{ wallet_code: PTS, label: Points }] }
  guest: { table: member, columns: { user_id: id } }
  account: { table: member, columns: { account_id: id, user_id: id, registered_at: { column: joined_ms, unit: ms } } }
  wallet: { table: member, columns: { account_id: id, wallet_code: { value: PTS }, balance: points } }
  transaction: { table: sale, columns: { transaction_id: id, account_id: member, posted_at: { column: at, unit: s } } }
  wallet_entry:
    table: move
    where: { delta: { at_least: -1000, at_most: 1000 } }
    columns:
      transaction_id: sale
      posted_at: { column: at, unit: s }
      entry_no: id
      account_id: member
      wallet_code: { value: PTS }
      entry_kind: { first: [{ value: REDEEMED, when: { delta: { below: 0 } } }, { value: ACCRUED }] }
      quantity: { column: delta, abs: true }
      balance_after: balance
`;

test('a signed ledger and times counted since 1970 are mapped as they stand, in the stream and in look-ups', async () => {
  await using db = await testDatabase({ migrate: false });
  await db.sql(`
    CREATE TABLE member (id int PRIMARY KEY, joined_ms bigint, points numeric NOT NULL DEFAULT 0);
    CREATE TABLE sale (id int PRIMARY KEY, member int, at bigint);
    CREATE TABLE move (id int PRIMARY KEY, sale int, member int, delta numeric(9,1), balance numeric(9,1), at bigint);
    INSERT INTO member VALUES (1, 1767225600123, 30)`);
  await using streamed = await mappedCapture(db, YAML);
  const at = Math.floor(Date.now() / 1000);
  await db.sql(`
    BEGIN; INSERT INTO sale VALUES (1, 1, ${at}); UPDATE member SET points = 20 WHERE id = 1;
    INSERT INTO move VALUES (1, 1, 1, -10.5, 19.5, ${at}), (2, 1, 1, 0.5, 20, ${at}), (3, 1, 1, 5000, 20, ${at}); COMMIT;
    INSERT INTO member VALUES (2, 1767225600123, 0)`);
  const calls = await streamed.until('px-1-add_redeem-1', 'px-1-loyalty_registration-2');
  const of = (id: string): unknown => calls.find(({ messageId }) => messageId === id)?.body;
  expect(of('px-1-add_redeem-1')).toMatchObject({
    userId: '1',
    properties: {
      points_added: 0.5,
      points_redeemed: 10.5,
      points_balance: 20,
      posted_at: new Date(at * 1000).toISOString(),
    },
  });
  expect(of('px-1-loyalty_registration-2')).toMatchObject({ timestamp: '2026-01-01T00:00:00.123Z' });
  await streamed.stop();
});
