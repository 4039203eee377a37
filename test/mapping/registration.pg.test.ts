import { expect, test } from 'vitest';
import { mappedCapture, mappingOf } from '../support/mapped-capture.js';
import { testDatabase } from '../support/postgres.js';

const yamlWith = (registered: string): string => `
mapping:
  merchant: { rows: [{ merchant_id: 1, name: Shop, currency: CHF }] }
  guest: { table: member, columns: { user_id: id, first_name: given } }
  account:
    table: member
    columns: { account_id: id, user_id: id, registered_at: ${registered}, registration_source: via }
`;

const FLAT = yamlWith('joined');

test('a member of a flat table who joins after the row was made is registered then, and once', async () => {
  await using db = await testDatabase({ migrate: false });
  await db.sql(`
    CREATE TABLE member (id int PRIMARY KEY, given text, joined timestamptz, via text, opened timestamptz NOT NULL DEFAULT now());
    INSERT INTO member VALUES (1, 'Ada', NULL, NULL), (2, 'Bo', now(), NULL)`);
  await using streamed = await mappedCapture(db, FLAT);
  // A profile edit before, the registration, one after, and one of who was registered all along.
  await db.sql(`UPDATE member SET given = 'Ada L.' WHERE id = 1`);
  await db.sql(`UPDATE member SET joined = '2026-03-01 10:00:00Z', via = 'GUEST_WEBSITE' WHERE id = 1`);
  await db.sql(
    `UPDATE member SET given = 'Ada M.' WHERE id = 1; UPDATE member SET given = 'Bob' WHERE id = 2`,
  );
  await db.sql(`INSERT INTO member VALUES (3, 'Cy', now(), NULL)`);
  await streamed.until('px-1-loyalty_registration-3');
  expect(streamed.calls.filter(({ name }) => name !== 'identify').map(({ messageId }) => messageId)).toEqual([
    'px-1-loyalty_registration-1',
    'px-1-web_registration-1',
    'px-1-loyalty_registration-3',
  ]);
  expect(streamed.calls[0]?.body).toMatchObject({ timestamp: '2026-03-01T10:00:00.000Z', userId: '1' });
  await streamed.stop();
});

test('old rows are asked of a table of accounts only where the time of registration may be set later', async () => {
  await using db = await testDatabase({ migrate: false });
  await db.sql(`
    CREATE TABLE member (id int PRIMARY KEY, given text, joined timestamptz, via text, opened timestamptz NOT NULL DEFAULT now())`);
  const identity = async (yaml: string): Promise<string | undefined> =>
    (await mappingOf(db, yaml)).tables.get('public.member')?.identity;
  expect(await identity(FLAT)).toBe('full');
  expect(await identity(yamlWith('opened'))).toBe('default');
  expect(await identity(yamlWith('{ commit_time: true }'))).toBe('default');
});
