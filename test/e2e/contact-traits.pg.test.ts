import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse.js';
import { startReceiver } from '../../src/demo/receiver.js';
import { openMapping } from '../../src/mapping/open-mapping.js';
import { openKnex } from '../../src/postgres/connection.js';
import { invoked } from '../backfill/invoked.js';
import { MERCHANT, seedBrand } from '../support/brand.js';
import { slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { testRedis } from '../support/redis.js';
import { startProcess } from '../support/running-process.js';

const WRITE_KEY = 'wk_traits';

async function publishedOfGuests(db: TestDatabase): Promise<readonly string[]> {
  const { rows } = await db.sql<{ names: string[] }>(
    `SELECT attnames::text[] AS names FROM pg_publication_tables WHERE schemaname = 'loyalty' AND tablename = 'guest'`,
  );
  return rows[0]?.names ?? [];
}

/** A guest who registers. */
async function registers(db: TestDatabase, id: number): Promise<string> {
  await db.sql(`BEGIN;
    INSERT INTO loyalty.guest (user_id, merchant_id, first_name, email, mobile_phone)
      VALUES (${id}, ${MERCHANT}, 'Ada', 'ada${id}@example.com', '+1555000${id}');
    INSERT INTO loyalty.account (account_id, merchant_id, user_id, card_template_code, tier_code, account_status, registered_at, registration_source)
      VALUES (${id}, ${MERCHANT}, ${id}, 3, 1, 'ACTIVE', now(), 'MOBILE_APP');
    COMMIT`);
  return `px-${MERCHANT}-identify-registration-${id}`;
}

test('e-mail and phone are published, read and sent only where a source asks for them', async () => {
  await using db = await testDatabase();
  await seedBrand(db);
  await using redis = await testRedis();
  await using receiver = await startReceiver({ writeKeys: [WRITE_KEY] });
  const spillDir = await mkdtemp(join(tmpdir(), 'traits-'));
  const env = {
    DATABASE_URL: db.url,
    REDIS_URL: redis.url,
    SEGMENT_WRITE_KEY: WRITE_KEY,
    SEGMENT_HOST: receiver.url,
    SLOT_NAME: slotOf(db),
    SPILL_DIR: spillDir,
    HTTP_PORT: '0',
  };
  const traitsOf = async (messageId: string): Promise<Record<string, unknown>> => {
    const found = () => receiver.events.find((event) => event.messageId === messageId);
    await eventually(() => found() !== undefined, messageId);
    return found()?.call['traits'] as Record<string, unknown>;
  };

  expect((await invoked(['setup'], env)).code).toBe(0);
  expect(await publishedOfGuests(db)).not.toContain('email');
  const without = startProcess(['run'], env);
  await without.logged('capture is streaming');
  const plain = await traitsOf(await registers(db, 1));
  expect(plain).toMatchObject({ first_name: 'Ada' });
  expect(Object.keys(plain)).not.toContain('email');
  expect(Object.keys(plain)).not.toContain('phone');
  expect(await without.end('SIGTERM')).toBe(0);

  const asking = { ...env, TRAITS: 'email, phone', PRIVACY: 'phone=mask' };
  // What is not published yet is told with the command that publishes it.
  const early = await invoked(['check'], asking);
  expect(early.code).not.toBe(0);
  expect(early.out).toContain('leaves out email, mobile_phone of loyalty.guest');
  expect((await invoked(['setup'], asking)).code).toBe(0);
  expect(await publishedOfGuests(db)).toEqual(expect.arrayContaining(['email', 'mobile_phone']));
  expect((await invoked(['check'], asking)).code).toBe(0);
  const connector = startProcess(['run'], asking);
  await connector.logged('capture is streaming');
  // From the stream.
  const streamed = await traitsOf(await registers(db, 2));
  expect(streamed).toMatchObject({ email: 'ada2@example.com', phone: '+***' });
  expect(JSON.stringify(streamed)).not.toContain('+15550002');
  // Looked up: what is told of a guest who was there before.
  const told = await invoked(['backfill', '--event', 'identify'], asking);
  expect(told.code, told.out + told.err).toBe(0);
  expect(await traitsOf(`px-${MERCHANT}-identify-profile-1`)).toMatchObject({ email: 'ada1@example.com' });
  expect(await connector.end('SIGTERM')).toBe(0);
  await rm(spillDir, { recursive: true });
}, 120_000);

test('of a mapped table the columns behind them are published only where a source asks for them', async () => {
  await using db = await testDatabase({ migrate: false });
  await db.sql(`CREATE TABLE public.person (id bigint PRIMARY KEY, given text, mail text, tel text);
    CREATE TABLE public.member (no bigint PRIMARY KEY, person bigint, joined timestamptz);`);
  const directory = await mkdtemp(join(tmpdir(), 'traits-'));
  const file = join(directory, 'connector.yaml');
  await writeFile(
    file,
    `
mapping:
  merchant: { rows: [{ merchant_id: 1, name: Shop, default_timezone: UTC }] }
  guest: { table: person, columns: { user_id: id, first_name: given, email: mail, mobile_phone: tel } }
  account: { table: member, columns: { account_id: no, user_id: person, registered_at: joined } }
`,
  );
  const knex = openKnex({ url: db.url });
  const columnsWith = async (traits: Readonly<Record<string, string>>): Promise<readonly string[]> => {
    const { mapping } = parseConfig({ CONFIG_FILE: file, ...traits }, { command: 'check' });
    const { tables } = await openMapping(knex, mapping);
    return Object.keys(tables.get('public.person')?.columns ?? {});
  };
  expect(await columnsWith({})).toEqual(['id', 'given']);
  expect(await columnsWith({ TRAITS: 'email' })).toEqual(['id', 'given', 'mail']);
  expect(await columnsWith({ TRAITS: 'email,phone' })).toEqual(['id', 'given', 'mail', 'tel']);
  await knex.destroy();
  await rm(directory, { recursive: true });
});
