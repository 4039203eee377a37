import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { captured, setUpConnector, type Captured } from '../support/captured.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

const EXAMPLES = new URL('../events/examples/', import.meta.url);

type Call = Record<string, unknown>;

let db: TestDatabase;
let capture: Captured;
let examples: Map<string, Call>;

/** The published rows, one real commit after the other, through the WAL, the decoder, the directory and derivation. */
beforeAll(async () => {
  const files = (await readdir(EXAMPLES)).filter((file) => file.endsWith('.json'));
  examples = new Map(
    await Promise.all(
      files.map(async (file): Promise<[string, Call]> => {
        return [file, JSON.parse(await readFile(new URL(file, EXAMPLES), 'utf8')) as Call];
      }),
    ),
  );
  db = await testDatabase();
  await setUpConnector(db);
  capture = await captured(db);
  const rows = await readFile(new URL('rows.sql', EXAMPLES), 'utf8');
  for (const commit of rows.split(/^-- commit: .*$/m).slice(1)) await db.sql(`BEGIN; ${commit}; COMMIT`);
  await capture.until(...[...examples.values()].map((call) => call['messageId'] as string));
});

afterAll(async () => {
  await capture.stop();
  await db.close();
});

test('there is one example of each event and one of identify', () => {
  expect([...examples.keys()].sort()).toEqual([
    'add-redeem.json',
    'check-in.json',
    'identify-customer.json',
    'identify.json',
    'loyalty-registration.json',
    'pos-activity.json',
    'recharge-value.json',
    'referral.json',
    'survey-completion.json',
    'web-registration.json',
  ]);
});

test.each([
  'add-redeem',
  'check-in',
  'identify-customer',
  'identify',
  'loyalty-registration',
  'pos-activity',
  'recharge-value',
  'referral',
  'survey-completion',
  'web-registration',
])(
  'rows committed to the database give the example call %s field by field, in the published order of keys',
  (name) => {
    const example = examples.get(`${name}.json`);
    const sent = capture.calls.filter((call) => call.messageId === example?.['messageId']);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.body).toEqual(example);
    expect(JSON.stringify(sent[0]?.body)).toBe(JSON.stringify(example));
  },
);
