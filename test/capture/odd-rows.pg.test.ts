import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MERCHANT, POINTS, purchase, purchaseSql, seedAccount, seedBrand, STORE } from '../support/brand.js';
import { captured, setUpConnector } from '../support/captured.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

let db: TestDatabase;

beforeEach(async () => {
  db = await testDatabase();
  await seedBrand(db);
  await seedAccount(db, { accountId: 1 });
  await setUpConnector(db);
});

afterEach(async () => {
  await db.close();
});

/** So large that PostgreSQL stores it apart, and random enough that it cannot compress it away. */
async function largeExpirations(account: number): Promise<void> {
  await db.sql(
    `UPDATE loyalty.account_wallet SET expirations = (SELECT jsonb_agg(jsonb_build_object('expires_on', '2027-01-31', 'quantity', n, 'note', md5(n::text)))
      FROM generate_series(1, 12000) n) WHERE account_id = ${account} AND wallet_code = ${POINTS}`,
  );
}

function wallet(properties: Record<string, unknown>, code: number): Record<string, unknown> {
  const all = properties['all_wallets_info'] as Record<string, unknown>[];
  return all.find((one) => one['wallet_code'] === String(code)) ?? {};
}

describe('values of a megabyte', () => {
  it('unchanged in an UPDATE are neither null nor lost, changed they are the new ones', async () => {
    await largeExpirations(1);
    await using capture = await captured(db);
    // The wallet's row comes with its expirations as “unchanged”: the balance moves, the rest is what it was.
    await purchase(db, { transactionId: 1, accountId: 1, points: 5 });
    const [first] = (await capture.until('px-777777-add_redeem-1')).filter(
      ({ messageId }) => messageId === 'px-777777-add_redeem-1',
    );
    expect(first?.derived.tag).toBe('event');
    expect(wallet(first?.body.properties ?? {}, POINTS)).toMatchObject({ balance: 5 });
    await db.sql(
      `BEGIN; UPDATE loyalty.account_wallet SET expirations = '[{"expires_on": "2028-02-29", "quantity": 5}]'
        WHERE account_id = 1 AND wallet_code = ${POINTS}; ${purchaseSql({ transactionId: 2, accountId: 1, points: 2 })} COMMIT`,
    );
    const second = (await capture.until('px-777777-add_redeem-2')).find(
      ({ messageId }) => messageId === 'px-777777-add_redeem-2',
    );
    expect(wallet(second?.body.properties ?? {}, POINTS)).toMatchObject({
      balance: 7,
      expirations: [{ expires_on: '2028-02-29', quantity: 5 }],
    });
  });

  it('that are new in an UPDATE cross the stream: the event leaves them out and says the rest', async () => {
    await using capture = await captured(db);
    await purchase(db, { transactionId: 1, accountId: 1, points: 5 });
    await capture.until('px-777777-add_redeem-1');
    await largeExpirations(1);
    await purchase(db, { transactionId: 2, accountId: 1, points: 2 });
    await purchase(db, { transactionId: 3, accountId: 1, points: 1 });
    const calls = await capture.until('px-777777-add_redeem-2', 'px-777777-add_redeem-3');
    for (const [id, balance] of [
      ['add_redeem-2', 7],
      ['pos_activity-2', 7],
      ['add_redeem-3', 8],
    ] as const) {
      const call = calls.find(({ messageId }) => messageId === `px-777777-${id}`);
      expect(call?.derived.tag, id).toBe('event');
      const points = wallet(call?.body.properties ?? {}, POINTS);
      expect(points, id).toMatchObject({ balance, lifetime_added: 0 });
      expect(points, id).not.toHaveProperty('expirations');
    }
  });

  it('that an event cannot leave out make it a dead letter with the reason, and the next one is none', async () => {
    await using capture = await captured(db);
    await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
    await capture.until('px-777777-add_redeem-1');
    const long = `(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 32000) n)`;
    await db.sql(`UPDATE loyalty.guest SET first_name = ${long} WHERE user_id = 1`);
    await purchase(db, { transactionId: 2, accountId: 1, points: 1 });
    // The name comes as “unchanged” now.
    await db.sql(`UPDATE loyalty.guest SET last_name = 'Long' WHERE user_id = 1`);
    await purchase(db, { transactionId: 3, accountId: 1, points: 1 });
    await db.sql(`UPDATE loyalty.guest SET first_name = 'Ann' WHERE user_id = 1`);
    await purchase(db, { transactionId: 4, accountId: 1, points: 1 });
    const ids = [2, 3, 4].map((id) => `px-777777-pos_activity-${id}`);
    const calls = await capture.until(...ids);
    const [second, third, fourth] = ids.map((id) => calls.find(({ messageId }) => messageId === id));
    for (const letter of [second, third]) {
      expect(letter?.derived).toMatchObject({ tag: 'rejected', reason: 'too_large' });
      expect(String(letter?.body.properties['first_name'])).toHaveLength(32 * 32_000);
    }
    expect(fourth?.derived.tag).toBe('event');
    expect(fourth?.body.properties).toMatchObject({ first_name: 'Ann', last_name: 'Long' });
  });

  it('in columns that no event reads disturb nothing', async () => {
    await using capture = await captured(db);
    await db.sql(
      `UPDATE loyalty.guest SET custom_fields = jsonb_build_object('blob', (SELECT string_agg(md5(n::text), '') FROM generate_series(1, 32000) n)) WHERE user_id = 1`,
    );
    await db.sql(`UPDATE loyalty.guest SET first_name = 'Ann' WHERE user_id = 1`);
    await purchase(db, { transactionId: 3, accountId: 1, points: 1 });
    const call = (await capture.until('px-777777-pos_activity-3')).find(
      ({ messageId }) => messageId === 'px-777777-pos_activity-3',
    );
    expect(call?.body.properties).toMatchObject({ first_name: 'Ann' });
  });
});

describe('a value of ten kilobytes that is stored apart', () => {
  /** What the table says, as JSON. */
  async function inTable(): Promise<unknown> {
    const { rows } = await db.sql<{ expirations: unknown }>(
      `SELECT expirations FROM loyalty.account_wallet WHERE account_id = 1 AND wallet_code = ${POINTS}`,
    );
    return rows[0]?.expirations;
  }

  beforeEach(async () => {
    await db.sql('ALTER TABLE loyalty.account_wallet ALTER COLUMN expirations SET STORAGE EXTERNAL');
    await db.sql(
      `UPDATE loyalty.account_wallet SET expirations = (SELECT jsonb_agg(jsonb_build_object('expires_on', date '2027-01-01' + n, 'quantity', n))
        FROM generate_series(1, 240) n) WHERE account_id = 1 AND wallet_code = ${POINTS}`,
    );
    const { rows } = await db.sql<{ apart: string }>(
      `SELECT pg_relation_size(reltoastrelid) AS apart FROM pg_class WHERE oid = 'loyalty.account_wallet'::regclass`,
    );
    expect(Number(rows[0]?.apart)).toBeGreaterThan(8_000);
  });

  it('stands in the event of an UPDATE that leaves it unchanged, on first sight and later', async () => {
    const whole = await inTable();
    expect(JSON.stringify(whole).length).toBeGreaterThan(10_000);
    await using capture = await captured(db);
    for (const id of [1, 2, 3]) await purchase(db, { transactionId: id, accountId: 1, points: 1 });
    const ids = [1, 2, 3].map((id) => `px-777777-add_redeem-${id}`);
    const calls = await capture.until(...ids);
    for (const [n, id] of ids.entries()) {
      const call = calls.find(({ messageId }) => messageId === id);
      expect(call?.derived.tag, id).toBe('event');
      expect(wallet(call?.body.properties ?? {}, POINTS), id).toMatchObject({
        balance: n + 1,
        expirations: whole,
      });
    }
  });

  it('stands so in the event of a connector that has just been started and finds the UPDATE first', async () => {
    const whole = await inTable();
    await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
    await db.sql(
      `UPDATE loyalty.account_wallet SET lifetime_added = 1 WHERE account_id = 1 AND wallet_code = ${POINTS}`,
    );
    await using capture = await captured(db);
    const calls = await capture.until('px-777777-add_redeem-1');
    const call = calls.find(({ messageId }) => messageId === 'px-777777-add_redeem-1');
    expect(wallet(call?.body.properties ?? {}, POINTS)).toMatchObject({ balance: 1, expirations: whole });
  });

  it('is the new one from the commit on that changes it, and stays so when it is left alone again', async () => {
    await using capture = await captured(db);
    await purchase(db, { transactionId: 1, accountId: 1, points: 1 });
    await capture.until('px-777777-add_redeem-1');
    const before = await inTable();
    await db.sql(
      `BEGIN; UPDATE loyalty.account_wallet SET expirations = jsonb_set(expirations, '{0,quantity}', '777')
        WHERE account_id = 1 AND wallet_code = ${POINTS}; ${purchaseSql({ transactionId: 2, accountId: 1, points: 1 })} COMMIT`,
    );
    const after = await inTable();
    expect(after).not.toEqual(before);
    await purchase(db, { transactionId: 3, accountId: 1, points: 1 });
    const calls = await capture.until('px-777777-add_redeem-2', 'px-777777-add_redeem-3');
    const shown = [1, 2, 3].map((id) => {
      const call = calls.find(({ messageId }) => messageId === `px-777777-add_redeem-${id}`);
      return wallet(call?.body.properties ?? {}, POINTS)['expirations'];
    });
    expect(shown).toEqual([before, after, after]);
  });
});

describe('rows as no application should write them', () => {
  it('with every column null that may be are events with nulls, not failures', async () => {
    await using capture = await captured(db);
    await db.sql(`
      INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, transaction_type, result, origin)
        VALUES (10, ${MERCHANT}, 1, 'BALANCE_INQUIRY', 'AUTHORIZED', 'POS');
      INSERT INTO loyalty.checkin (checkin_id, merchant_id, account_id, channel, checkin_time) VALUES (10, ${MERCHANT}, 1, 'APP', now());
      INSERT INTO loyalty.referral (referral_id, merchant_id, referrer_account_id, channel, status) VALUES (10, ${MERCHANT}, 1, 'EMAIL', 'SENT');
      INSERT INTO survey.survey (survey_id, merchant_id, survey_code, title) VALUES (10, ${MERCHANT}, 's', 'S');
      INSERT INTO survey.response (response_id, survey_id, merchant_id, status, started_at, channel) VALUES (10, 10, ${MERCHANT}, 'COMPLETED', now(), 'WEB')`);
    await purchase(db, { transactionId: 11, accountId: 1, points: 1 });
    const ids = ['pos_activity-10', 'check_in-10', 'referral-10', 'survey_completion-10', 'add_redeem-11'];
    const calls = await capture.until(...ids.map((id) => `px-777777-${id}`));
    for (const id of ids) {
      const call = calls.find(({ messageId }) => messageId === `px-777777-${id}`);
      expect(call?.derived, id).toMatchObject({ tag: 'event' });
    }
  });

  it('with codes that nobody has heard of imply nothing, or say the code; their neighbours are not held up', async () => {
    await db.sql(`
      ALTER TABLE txn.transaction DROP CONSTRAINT transaction_transaction_type_check;
      ALTER TABLE txn.transaction DROP CONSTRAINT transaction_origin_check;
      ALTER TABLE txn.wallet_entry DROP CONSTRAINT wallet_entry_entry_kind_check;
      ALTER TABLE loyalty.account DROP CONSTRAINT account_registration_source_check`);
    await using capture = await captured(db);
    const header = (id: number, type: string, origin: string): string =>
      `INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, card_id, store_id, transaction_type, result, origin, pos_transaction_at)
        VALUES (${id}, ${MERCHANT}, 1, 1, ${STORE}, '${type}', 'AUTHORIZED', '${origin}', now());`;
    await db.sql(header(20, 'TELEPATHY', 'POS'));
    await db.sql(header(21, 'ADD_REDEEM', 'DREAM'));
    await db.sql(
      `BEGIN; ${header(22, 'ADD_REDEEM', 'POS')} INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
        SELECT posted_at, 22, 1, ${MERCHANT}, 1, ${POINTS}, 'CONJURED', 1, 1 FROM txn.transaction WHERE transaction_id = 22; COMMIT`,
    );
    await db.sql(`
      INSERT INTO loyalty.guest (user_id, merchant_id) VALUES (25, ${MERCHANT});
      INSERT INTO loyalty.account (account_id, merchant_id, user_id, card_template_code, account_status, registered_at, registration_source)
        VALUES (25, ${MERCHANT}, 25, 3, 'ACTIVE', now(), 'CARRIER_PIGEON')`);
    await purchase(db, { transactionId: 23, accountId: 1, points: 1 });
    const calls = await capture.until('px-777777-add_redeem-23');
    const named = (id: string) => calls.find(({ messageId }) => messageId === `px-777777-${id}`);
    expect(named('pos_activity-20')?.body.properties).toMatchObject({ pos_function: 'TELEPATHY' });
    expect(named('pos_activity-21')).toBeUndefined();
    expect(named('add_redeem-21')).toBeUndefined();
    expect(named('pos_activity-22')).toBeDefined();
    expect(named('add_redeem-22')).toBeUndefined();
    expect(named('loyalty_registration-25')).toBeDefined();
    expect(named('web_registration-25')).toBeUndefined();
  });

  it('with tabs, line ends, quotes and every kind of letter in names arrive letter by letter', async () => {
    const names = [
      'tab\there',
      'line\nend\r\n',
      '"quoted" \\back',
      '\u2028\u2029',
      'Zoë 🍕 𝒜',
      ' ',
      "O'Brien",
      '{"a":1}',
    ];
    await using capture = await captured(db);
    // On first sight a guest is read as the table has it by then, which may be ahead of the stream.
    await purchase(db, { transactionId: 29, accountId: 1, points: 1 });
    await capture.until('px-777777-add_redeem-29');
    for (const [n, name] of names.entries()) {
      await db.sql('UPDATE loyalty.guest SET first_name = $1 WHERE user_id = 1', [name]);
      await purchase(db, { transactionId: 30 + n, accountId: 1, points: 1 });
    }
    const calls = await capture.until(...names.map((_, n) => `px-777777-add_redeem-${30 + n}`));
    for (const [n, name] of names.entries()) {
      const call = calls.find(({ messageId }) => messageId === `px-777777-add_redeem-${30 + n}`);
      expect(call?.body.properties['first_name'], JSON.stringify(name)).toBe(name);
    }
  });

  it('with the largest ids there are keep them to the last digit', async () => {
    const most = '9223372036854775807';
    await using capture = await captured(db);
    await seedAccount(db, { accountId: most });
    await purchase(db, { transactionId: most, accountId: most, points: 1 });
    const calls = await capture.until(`px-777777-add_redeem-${most}`);
    const call = calls.find(({ messageId }) => messageId === `px-777777-add_redeem-${most}`);
    expect(call?.body).toMatchObject({
      userId: most,
      properties: { transaction_id: most, account_id: most },
    });
  });
});
