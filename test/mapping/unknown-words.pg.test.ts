import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkWords } from '../../src/cli/check-words.js';
import { captureLog } from '../../src/observers/pipeline-log.js';
import { createLogger } from '../../src/observability/logger.js';
import { mappedCapture, mappingSpec } from '../support/mapped-capture.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

const SCHEMA = `
  CREATE TABLE member (id int PRIMARY KEY, given text, state char(1), since timestamptz);
  CREATE TABLE sale (id int PRIMARY KEY, member int, at timestamptz DEFAULT now());
  CREATE TABLE load (id int PRIMARY KEY, member int, amount numeric(9,2), state char(1));
  INSERT INTO member VALUES (1, 'Ada', 'A', now()), (2, 'Bo', 'A', now()), (3, 'Cy', NULL, now())`;

const yamlWith = (status: string): string => `
mapping:
  merchant: { rows: [{ merchant_id: 1, name: Shop, currency: CHF }] }
  guest:
    table: member
    columns: { user_id: id, first_name: given, status: { column: state, ${status} } }
  account: { table: member, columns: { account_id: id, user_id: id, registered_at: since } }
  transaction: { table: sale, columns: { transaction_id: id, account_id: member, posted_at: at } }
  wallet_definition: { rows: [{ wallet_code: C, wallet_type: STORED_VALUE, value_kind: CURRENCY }] }
  recharge:
    table: load
    columns:
      recharge_id: id
      account_id: member
      wallet_code: { value: C }
      amount: amount
      transaction_state: { column: state, codes: { S: Succeeded, P: Pending } }
`;
const FORGETFUL = yamlWith('codes: { D: DELETED }');
const MENDED = yamlWith('codes: { A: ACTIVE, D: DELETED }');

let db: TestDatabase;
beforeAll(async () => {
  db = await testDatabase({ migrate: false });
  await db.sql(SCHEMA);
});
afterAll(() => db.close());

describe('a word that a record does not have', () => {
  it('forgets nobody: the guest is not spoken of until it is mended, and it is counted', async () => {
    const told: string[] = [];
    const observer = {
      unknownWord: (record: string, column: string) => void told.push(`${record}.${column}`),
    };
    {
      await using forgetful = await mappedCapture(db, FORGETFUL, { observer });
      // Both as the stream shows them and as they are looked up; of the third nothing is said, so they are active.
      await db.sql(`UPDATE member SET given = 'Ada L.' WHERE id = 1`);
      await db.sql(`UPDATE member SET state = 'D' WHERE id = 2`);
      await db.sql(`INSERT INTO sale (id, member) VALUES (1, 1), (2, 2), (3, 3)`);
      await db.sql(`INSERT INTO load VALUES (1, 3, 10, 'Z'), (2, 3, 10, 'S')`);
      await forgetful.until('px-1-recharge_value-2');
      expect(forgetful.calls.map(({ messageId }) => messageId)).toEqual([
        'px-1-pos_activity-3',
        'px-1-recharge_value-2',
      ]);
      expect(forgetful.suppressed).toEqual(['2']);
      expect(new Set(told)).toEqual(new Set(['guest.status', 'recharge.transaction_state']));
      await forgetful.stop();
    }
    const before = told.length;
    await using mended = await mappedCapture(db, MENDED, { observer });
    await db.sql(`INSERT INTO sale (id, member) VALUES (4, 1)`);
    const calls = await mended.until('px-1-pos_activity-4');
    expect(calls.at(-1)?.body.properties).toMatchObject({ first_name: 'Ada L.' });
    expect(mended.suppressed).not.toContain('1');
    expect(told.slice(before)).not.toContain('guest.status');
    await mended.stop();
  });

  it('is named by `check` with what it does, as long as it can be nothing but a code', async () => {
    const found = await checkWords({ url: db.url }, await mappingSpec(FORGETFUL));
    expect(found.map(({ level, what, why }) => ({ level, what, why }))).toEqual([
      {
        level: 'warning',
        what: 'public.member gives guest.status A, which is no word of it',
        why: 'Nothing is sent of such guests until it is mended.',
      },
      {
        level: 'warning',
        what: 'public.load gives recharge.transaction_state Z, which is no word of it',
        why: expect.stringContaining('decides nothing'),
      },
    ]);
    await db.sql(`UPDATE load SET state = 'S'`);
    expect(await checkWords({ url: db.url }, await mappingSpec(MENDED))).toEqual([]);
    const names = yamlWith('path: x').replace('{ column: state, path: x }', 'given');
    expect((await checkWords({ url: db.url }, await mappingSpec(names)))[0]?.what).toBe(
      'public.member gives guest.status values, which are no words of it',
    );
  });

  it('is logged once for its column, without the word', () => {
    const lines: string[] = [];
    const logger = createLogger('info', { write: (line) => void lines.push(line) });
    const log = captureLog(logger);
    log.unknownWord?.('guest', 'status');
    log.unknownWord?.('guest', 'status');
    log.unknownWord?.('recharge', 'transaction_state');
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { record: 'guest', column: 'status' },
      { record: 'recharge', column: 'transaction_state' },
    ]);
  });
});
