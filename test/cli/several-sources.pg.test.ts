import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createConnector } from '../../src/app.js';
import { parseConfig } from '../../src/config/parse.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../../src/demo/receiver.js';
import { invoke } from './invoke.js';
import { slotOf } from '../support/captured.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

const FILE = `
mapping:
  merchant: { rows: [{ merchant_id: 7, name: Club, default_timezone: UTC, currency: USD }] }
  card_template: { rows: [{ card_template_code: CLUB, label: Club }] }
  guest: { table: member, columns: { user_id: member_no, first_name: given } }
  account:
    table: member
    columns: { account_id: member_no, user_id: member_no, card_template_code: { value: CLUB }, registered_at: joined }
custom_events:
  - { name: Note Written, table: note, account_id: member_no, properties: { note: body, stars: stars, given: { value: Ada } } }
  - { name: Note Changed, table: note, on: update, properties: { note: body } }
sources:
  - { name: all }
  - { name: nine, events: [Loyalty Registration], write_key: wk-nine }
  - { name: notes, write_key: wk-notes, events: [note_written], identify: off, privacy: { note: truncate:3, stars: mask, given: hash }, privacy_hash_key: 0123456789abcdef }
`;

let db: TestDatabase;
let redis: TestRedis;
let receiver: Receiver;
let directory: string;
let env: Record<string, string>;

beforeAll(async () => {
  db = await testDatabase({ migrate: false });
  await db.sql(`CREATE TABLE member (member_no int PRIMARY KEY, given text, joined timestamptz);
    CREATE TABLE note (note_no int PRIMARY KEY, member_no int NOT NULL, body text, stars int);`);
  directory = await mkdtemp(join(tmpdir(), 'of-sources-'));
  const file = join(directory, 'connector.yaml');
  await writeFile(file, FILE);
  redis = await testRedis();
  receiver = await startReceiver({ writeKeys: ['wk', 'wk-nine', 'wk-notes'] });
  env = {
    CONFIG_FILE: file,
    DATABASE_URL: db.url,
    SLOT_NAME: slotOf(db),
    SPILL_DIR: directory,
    REDIS_URL: redis.url,
    SEGMENT_WRITE_KEY: 'wk',
    SEGMENT_HOST: receiver.url,
    HTTP_PORT: '0',
  };
  const { exitCode, err } = await invoke(['setup'], env);
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
  await db.sql(`INSERT INTO member VALUES (1, 'Ada', now())`);
  await db.sql(`INSERT INTO note VALUES (1, 1, 'private words', 5)`);
  await db.sql(`UPDATE note SET body = 'other words'`);
});
afterAll(async () => {
  await rm(directory, { recursive: true });
  await receiver.close();
  await redis.dispose();
  await db.close();
});

interface Call {
  readonly type: string;
  readonly event?: string;
  readonly messageId: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

async function previewed<T>(...argv: readonly string[]): Promise<readonly T[]> {
  const { exitCode, out, err } = await invoke(['preview', ...argv], env);
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

test('each source gets the custom events that it lists, or all of them, and its privacy deals with their properties', async () => {
  const calls = await previewed<{ source: string; call: Call }>();
  const names = (of: string) =>
    calls.filter(({ source }) => source === of).map(({ call }) => call.event ?? call.type);
  expect(names('all')).toEqual(['identify', 'Loyalty Registration', 'Note Written', 'Note Changed']);
  expect(names('nine')).toEqual(['identify', 'Loyalty Registration']);
  expect(names('notes')).toEqual(['Note Written']);
  const written = calls
    .filter(({ call }) => call.event === 'Note Written')
    .map(({ call }) => call.properties);
  expect(written).toEqual([
    { note: 'private words', stars: 5, given: 'Ada' },
    { note: 'pri', stars: null, given: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
  ]);
});

test('a preview of several sources says of each call to which it goes, and of one is the calls alone', async () => {
  const every = await previewed<{ source: string; call: Call }>();
  const one = await previewed<Call>('--source', 'notes');
  expect(one).toEqual(every.filter(({ source }) => source === 'notes').map(({ call }) => call));
  const refused = await invoke(['preview', '--source', 'note'], env);
  expect(refused.err).toContain(
    '--source note is not configured; sources: all, nine, notes. Did you mean notes?',
  );
});

test('a replay shows custom events by name, and sends those that are named', async () => {
  const replay = async (...argv: readonly string[]) => invoke(['replay', '--source', 'all', ...argv], env);
  const { rows } = await db.sql<{ lsn: string }>(
    `SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = '${slotOf(db)}'`,
  );
  const from = ['--from', rows[0]?.lsn ?? ''];
  const connector = createConnector(parseConfig(env, { command: 'run' }), {
    logger: silentLogger,
    role: 'all',
    clock: systemClock,
  });
  try {
    await connector.start();
    await eventually(
      () => receiver.events.length === 7,
      () => `${receiver.events.length} of 7 calls`,
    );
  } finally {
    await connector.stop();
  }
  receiver.clear();
  const counted = await replay(...from, '--dry-run');
  expect(counted.err).toBe('');
  expect(counted.out).toContain(
    ['  1  identify', '  1  Loyalty Registration', '  1  Note Written', '  1  Note Changed', ''].join('\n'),
  );
  const some = await replay(...from, '--dry-run', '--event', 'Note Changed');
  expect(some.out).toContain('commits\n  1  Note Changed\nThe message ids');
  const refused = await replay(...from, '--dry-run', '--event', 'Note Changes');
  expect(refused.err).toContain('"Note Changes" is no event. Did you mean Note Changed?');
  const sent = await replay(...from, '--event', 'note_written', 'identify');
  expect(sent).toMatchObject({ exitCode: 0, err: '' });
  expect(sent.out).toContain('Replayed 2 events');
  expect(receiver.events.map(({ name }) => name).toSorted()).toEqual(['Note Written', 'identify']);
});

test('reconcile compares every source, one after the other, and ends with the worst code of them', async () => {
  const equal = await invoke(['reconcile', '--json'], env);
  expect({ exitCode: equal.exitCode, err: equal.err }).toEqual({ exitCode: 0, err: '' });
  const told = JSON.parse(equal.out) as readonly { source: string; total: { delivered: number } }[];
  // Custom events are not counted.
  expect(told.map(({ source, total }) => [source, total.delivered])).toEqual([
    ['all', 2],
    ['nine', 2],
    ['notes', 0],
  ]);

  const file = join(directory, 'later.yaml');
  await writeFile(file, `${FILE}  - { name: later, write_key: wk-later }\n`);
  const later = await invoke(['reconcile'], { ...env, CONFIG_FILE: file });
  expect(later.exitCode).toBe(70);
  for (const source of ['all', 'nine', 'notes']) expect(later.out).toContain(`Source ${source}, calls with`);
  expect(later.out).toContain('TALLIES_MISSING: nothing was counted for source later yet');

  await db.sql('DELETE FROM member');
  const differing = await invoke(['reconcile'], env);
  expect(differing.exitCode).toBe(1);
  expect(differing.out.match(/^What was delivered differs/gm)).toHaveLength(2);
  expect(differing.out.match(/^Nothing is missing/gm)).toHaveLength(1);
  const one = await invoke(['reconcile', '--source', 'notes'], env);
  expect(one.exitCode).toBe(0);
  const refused = await invoke(['reconcile', '--repair'], env);
  expect(refused.exitCode).toBe(70);
  expect(refused.err).toContain('name one with --source: all, nine, notes');
});
