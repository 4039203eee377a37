import { afterEach, beforeEach, expect, test } from 'vitest';
import { readMovedRows } from '../../src/backfill/page-reader.js';
import type { EventName } from '../../src/events/event.js';
import type { Mapping } from '../../src/mapping/mapping.js';
import { openMapping } from '../../src/mapping/open-mapping.js';
import { openKnex } from '../../src/postgres/connection.js';
import { setUp } from '../../src/postgres/setup.js';
import { compareStart } from '../../src/replication/startup.js';
import { mappingOf } from '../config/read-mapping.js';
import { captured, PUBLICATION, slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { collected, EVERYTHING } from './collected.js';

/** No column says when somebody joined, and one of two tables of sales has no time either. */
const RECORDS = `
mapping:
  merchant: { rows: [{ merchant_id: 7, name: Club, default_timezone: UTC, currency: USD }] }
  card_template: { rows: [{ card_template_code: CLUB, label: Club }] }
  guest: { table: member, columns: { user_id: member_no, first_name: given } }
  account:
    table: member
    columns:
      account_id: member_no
      user_id: member_no
      card_template_code: { value: CLUB }
      registered_at: { commit_time: true }
  transaction:
    table: sale
    columns:
      transaction_id: sale_no
      account_id: member_no
      transaction_type: { column: kind, else: ADD_REDEEM, codes: { I: IDENTIFY_CUSTOMER } }
      posted_at: { first: [sold_at, { commit_time: true }] }
custom_events:
  - name: Note Written
    table: note
    account_id: member_no
`;

let db: TestDatabase;

beforeEach(async () => {
  db = await testDatabase();
  await db.sql(`
    CREATE TABLE member (member_no int PRIMARY KEY, given text, points int NOT NULL DEFAULT 0);
    CREATE TABLE sale (sale_no int PRIMARY KEY, member_no int NOT NULL, kind text NOT NULL DEFAULT 'S', sold_at timestamptz, paid boolean);
    CREATE TABLE note (note_no int PRIMARY KEY, member_no int NOT NULL, body text);`);
});

afterEach(async () => {
  await db.close();
});

async function opened(yaml: string): Promise<Mapping> {
  const knex = openKnex({ url: db.url });
  try {
    const mapping = await openMapping(knex, mappingOf(yaml));
    const places = { database: { url: db.url }, slotName: slotOf(db), publicationName: PUBLICATION };
    await setUp(knex, { ...places, mapping, compareStart });
    return mapping;
  } finally {
    await knex.destroy();
  }
}

/** Until the server's statistics, which are told a moment later, have these updates. */
async function counted(table: string): Promise<void> {
  await eventually(async () => {
    const { rows } = await db.sql<{ n: string }>(
      `SELECT n_tup_upd::text AS n FROM pg_stat_user_tables WHERE relname = $1`,
      [table],
    );
    return Number(rows[0]?.n) > 0;
  }, `updates of ${table} in the statistics`);
}

async function sent(mapping: Mapping, request: Partial<typeof EVERYTHING>): Promise<Map<string, string>> {
  const { calls } = await collected(db, { mapping, request });
  const found = new Map<string, string>(calls.map(({ messageId, json }) => [messageId, json]));
  expect(found.size).toBe(calls.length);
  return found;
}

const TILL: readonly EventName[] = ['Identify Customer', 'POS Activity'];
const REGISTRATIONS: readonly EventName[] = ['Loyalty Registration', 'Web Registration'];

test('a person whose registered_at is a commit time stays with what came before a later update of the row', async () => {
  const mapping = await opened(RECORDS);
  await db.sql(`INSERT INTO member VALUES (1, 'Ada')`);
  await db.sql(`INSERT INTO sale VALUES (10, 1, 'I', now(), true)`);
  await db.sql('UPDATE member SET points = points + 1');

  const again = await sent(mapping, { events: TILL });
  const activity = JSON.parse(again.get('px-7-pos_activity-10') ?? '{}') as Record<string, unknown>;
  expect(activity).toMatchObject({ userId: '1', properties: { is_registered: true, first_name: 'Ada' } });
  // Whether they registered then or now nobody knows: no time is told of it.
  const identify = JSON.parse(again.get('px-7-identify-10') ?? '{}') as Record<string, unknown>;
  expect(identify).toMatchObject({ userId: '1', traits: { first_name: 'Ada', registered_at: null } });

  // The stream sees the account for the first time when the row has moved on, and looks it up.
  await using stream = await captured(db, { mapping });
  const streamed = await stream.until('px-7-pos_activity-10');
  expect(streamed.find(({ messageId }) => messageId === 'px-7-pos_activity-10')?.derived.json).toBe(
    again.get('px-7-pos_activity-10'),
  );

  // What the stream has shown itself stands, whatever touches the row.
  await db.sql(`INSERT INTO member VALUES (2, 'Bo')`);
  await db.sql(`UPDATE member SET points = 5 WHERE member_no = 2`);
  await db.sql(`INSERT INTO sale VALUES (20, 2, 'I', now(), true)`);
  const all = await stream.until('px-7-identify-20', 'px-7-loyalty_registration-2');
  const of = (id: string) => all.find(({ messageId }) => messageId === id)?.body;
  expect(of('px-7-identify-20')?.traits['registered_at']).toBe(
    of('px-7-loyalty_registration-2')?.['timestamp'],
  );
});

test('a row that an update has moved is not sent a second time with the time of the update, unless that is asked for', async () => {
  const mapping = await opened(RECORDS);
  await db.sql(`INSERT INTO member VALUES (1, 'Ada'), (2, 'Bo')`);
  await db.sql(`INSERT INTO sale VALUES (10, 1, 'S', now(), false), (11, 2, 'S', NULL, false)`);
  await db.sql(`INSERT INTO note VALUES (1, 1, 'a'), (2, 2, 'b')`);
  const asked = { events: [...REGISTRATIONS, 'POS Activity'] as const, custom: ['Note Written'] };
  const before = await sent(mapping, asked);
  expect([...before.keys()].toSorted()).toEqual([
    'px-7-identify-registration-1',
    'px-7-identify-registration-2',
    'px-7-loyalty_registration-1',
    'px-7-loyalty_registration-2',
    'px-7-note_written-1',
    'px-7-note_written-2',
    'px-7-pos_activity-10',
    'px-7-pos_activity-11',
  ]);

  await db.sql(`UPDATE member SET points = points + 1 WHERE member_no = 1`);
  await db.sql(`UPDATE sale SET paid = true`);
  await db.sql(`UPDATE note SET body = 'c' WHERE note_no = 1`);
  for (const table of ['member', 'sale', 'note']) await counted(table);
  // A sale that has a time of its own is none of them.
  const after = await sent(mapping, asked);
  expect(after).toEqual(new Map([['px-7-pos_activity-10', before.get('px-7-pos_activity-10')]]));
  const knex = openKnex({ url: db.url });
  const moved = await readMovedRows(knex, mapping, { ...EVERYTHING, ...asked });
  await knex.destroy();
  expect(moved).toEqual([
    { events: ['POS Activity'], column: 'posted_at', tables: ['public.sale'] },
    { events: REGISTRATIONS, column: 'registered_at', tables: ['public.member'] },
    { events: ['Note Written'], column: 'timestamp', tables: ['public.note'] },
  ]);

  const taken = await sent(mapping, { ...asked, updatedRows: true });
  expect(new Set(taken.keys())).toEqual(new Set(before.keys()));
});

test('a table that holds balances is taken for one that is updated before its statistics say so', async () => {
  const mapping = await opened(
    `${RECORDS.replace(
      'custom_events:',
      `  wallet_definition: { rows: [{ wallet_code: P, label: Points }] }
  wallet: { table: member, columns: { account_id: member_no, wallet_code: { value: P }, balance: points } }
custom_events:`,
    )}`,
  );
  await db.sql(`INSERT INTO member VALUES (1, 'Ada')`);
  expect(await sent(mapping, { events: REGISTRATIONS })).toEqual(new Map());
});
