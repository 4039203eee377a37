import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkDatabase } from '../../src/postgres/preflight/check-database.js';
import { readMapping } from '../../src/mapping/open-mapping.js';
import { compareStart } from '../../src/replication/startup.js';
import { mappingOf } from '../config/read-mapping.js';
import { invoke } from '../cli/invoke.js';
import { PUBLICATION, slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

const MAPPING = `
mapping:
  merchant: { rows: [{ merchant_id: 7, name: Club, default_timezone: UTC, currency: USD }] }
  card_template: { rows: [{ card_template_code: CLUB, label: Club }] }
  wallet_definition: { rows: [{ wallet_code: P, label: Points }] }
  wallet: { table: members, columns: { account_id: member_no, wallet_code: { value: P }, balance: points } }
  guest: { table: members, columns: { user_id: member_no } }
  account:
    table: members
    columns:
      account_id: member_no
      user_id: member_no
      card_template_code: { value: CLUB }
      registered_at: { commit_time: true }
      updated_at: { commit_time: true }
  transaction:
    table: orders
    columns:
      transaction_id: order_id
      account_id: member_no
      transaction_type: { value: ADD_REDEEM }
      posted_at: { first: [ordered, { commit_time: true }] }
custom_events:
  - { name: Note Written, table: note }
`;

let db: TestDatabase;

beforeEach(async () => {
  db = await testDatabase({ migrate: false });
  await db.sql(`
    CREATE TABLE members (member_no int PRIMARY KEY, first_name text, email text, points int NOT NULL DEFAULT 0);
    CREATE TABLE orders (order_id int PRIMARY KEY, member_no int NOT NULL REFERENCES members, ordered timestamptz, total numeric,
      shipped boolean);
    CREATE TABLE note (note_no int PRIMARY KEY, body text);
    INSERT INTO members VALUES (1, 'Ada', 'ada@example.com'); INSERT INTO orders VALUES (1, 1, NULL, 5); INSERT INTO note VALUES (1, 'a')`);
});

afterEach(async () => {
  await db.close();
});

async function updated(...tables: readonly string[]): Promise<void> {
  await eventually(
    async () => {
      const { rows } = await db.sql(
        'SELECT FROM pg_stat_user_tables WHERE n_tup_upd > 0 AND relname = ANY ($1)',
        [tables],
      );
      return rows.length === tables.length;
    },
    `updates of ${tables.join(', ')} in the statistics`,
  );
}

async function warned(): Promise<readonly string[]> {
  const findings = await checkDatabase({
    database: { url: db.url },
    publicationName: PUBLICATION,
    slotName: slotOf(db),
    compareStart,
    readMapping: (knex) => readMapping(knex, mappingOf(MAPPING)),
  });
  const found = findings.filter(({ id }) => id === 'commit-time');
  expect(found.every(({ level }) => level === 'warning')).toBe(true);
  return found.map(({ what }) => what);
}

test('check warns of each commit time that stands for when something happened in a table that is updated', async () => {
  const ofAccount = 'registered_at of account is a commit time, and public.members is updated';
  expect(await warned()).toEqual([ofAccount]);
  await db.sql(`UPDATE orders SET shipped = true; UPDATE note SET body = 'b'`);
  await updated('orders', 'note');
  expect(await warned()).toEqual([
    ofAccount,
    'posted_at of transaction is a commit time, and public.orders is updated',
    'Note Written has no timestamp, and public.note is updated',
  ]);
});

test('mapping init says behind each commit time that it proposes that updates of the table move it', async () => {
  const proposed = async (column: string): Promise<string> => {
    const { out } = await invoke(['mapping', 'init'], { DATABASE_URL: db.url });
    return out.split('\n').find((line) => line.includes(` ${column}: `)) ?? '';
  };
  const warning = 'every update of the row moves it: see “Commit times” in docs/mapping.md';
  expect(await proposed('posted_at')).toMatch(/commit_time: true/);
  expect(await proposed('posted_at')).not.toContain(warning);
  // Of people, and of who has points, whatever the statistics say.
  expect(await proposed('registered_at')).toMatch(
    new RegExp(`^ +# registered_at: { commit_time: true } # .*; ${warning}$`),
  );
  await db.sql('UPDATE orders SET shipped = true');
  await updated('orders');
  expect(await proposed('posted_at')).toContain(warning);
});
