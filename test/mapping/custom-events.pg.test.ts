import { expect, test } from 'vitest';
import { mappedCapture } from '../support/mapped-capture.js';
import { testDatabase } from '../support/postgres.js';

const YAML = `
mapping:
  merchant: { rows: [{ merchant_id: 1, name: Shop, currency: CHF }] }
  account: { table: member, columns: { account_id: id } }
  transaction: { table: sale, columns: { transaction_id: id, account_id: member, posted_at: sold_at } }
custom_events:
  - name: Table Booked
    table: booking
    account_id: member
    properties: { big: big, num: num, scaled: { column: big, scale: 2 }, as_text: { concat: [big] }, none: none }
`;
const SCHEMA = `
  CREATE TABLE member (id int PRIMARY KEY);
  CREATE TABLE booking (id int PRIMARY KEY, member int, big bigint, num numeric, none bigint);
  CREATE TABLE sale (id int, member int, sold_at timestamptz, note text, PRIMARY KEY (id, sold_at)) PARTITION BY RANGE (sold_at);
  CREATE TABLE sale_old PARTITION OF sale FOR VALUES FROM ('2020-01-01') TO ('2026-01-01');
  CREATE TABLE sale_new PARTITION OF sale FOR VALUES FROM ('2026-01-01') TO ('2100-01-01');
  INSERT INTO member VALUES (1)`;

test('a custom event of an account that there is no record of is counted, and numbers have all their digits', async () => {
  await using db = await testDatabase({ migrate: false });
  await db.sql(SCHEMA);
  const told: string[] = [];
  const observer = { noAccount: (source: string, event: string) => void told.push(`${source}: ${event}`) };
  await using streamed = await mappedCapture(db, YAML, { observer });
  await db.sql(`
    INSERT INTO booking VALUES (1, 99, 1, 1);
    INSERT INTO booking VALUES (2, 1, 9007199254740993, 1234567890123456789.125, NULL)`);
  const calls = await streamed.until('px-1-table_booked-2');
  expect(calls.map(({ messageId }) => messageId)).toEqual(['px-1-table_booked-2']);
  expect(told).toEqual(['default: Table Booked']);
  expect(calls[0]?.derived.json).toContain(
    '"properties":{"big":9007199254740993,"num":1234567890123456789.125,"scaled":90071992547409.93,"as_text":"9007199254740993","none":null}',
  );
  await streamed.stop();
});

test('a row that moves to another partition, or is deleted and inserted again in one commit, makes no second event', async () => {
  await using db = await testDatabase({ migrate: false });
  await db.sql(SCHEMA);
  await using streamed = await mappedCapture(db, YAML);
  await db.sql(`INSERT INTO sale VALUES (1, 1, '2025-12-31 23:00Z')`);
  await db.sql(`UPDATE sale SET sold_at = '2026-01-01 01:00Z' WHERE id = 1`);
  await db.sql(
    `BEGIN; DELETE FROM sale WHERE id = 1; INSERT INTO sale VALUES (1, 1, '2026-01-01 02:00Z'); COMMIT`,
  );
  // Made and made again in the same commit it is new, as it stands at the end.
  await db.sql(`
    BEGIN; INSERT INTO sale VALUES (2, 1, '2025-12-31 23:00Z'); UPDATE sale SET sold_at = '2026-01-02 01:00Z' WHERE id = 2; COMMIT`);
  const calls = await streamed.until('px-1-pos_activity-2');
  expect(calls.map(({ messageId, body }) => [messageId, body['timestamp']])).toEqual([
    ['px-1-pos_activity-1', '2025-12-31T23:00:00.000Z'],
    ['px-1-pos_activity-2', '2026-01-02T01:00:00.000Z'],
  ]);
  await streamed.stop();
});
