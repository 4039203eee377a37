import { expect, test } from 'vitest';
import { exampleSchema, mappedSystem } from '../support/mapped-system.js';

/** What the tables imply since the connector was set up, in SQL alone. */
const EXPECTED = `
  WITH act AS (
    SELECT s.* FROM legacy.sales s JOIN legacy.members m USING (member_no)
    WHERE s.training = 0 AND m.staff = 0 AND m.state <> 'X' AND s.kind IN ('S', 'I')
      AND NOT EXISTS (SELECT FROM legacy.sales v WHERE v.voids_sale_no = s.sale_no))
  SELECT 'px-501-pos_activity-' || sale_no AS id FROM act
  UNION ALL SELECT 'px-501-add_redeem-' || sale_no FROM act WHERE kind = 'S'
  UNION ALL SELECT format('px-501-%s-7-%s-%s-%s', slug, to_char(sold_at, 'YYYYMMDD'), receipt_no, member_no) FROM act,
    unnest(ARRAY['identify_customer', 'identify']) slug WHERE kind = 'I' AND (slug = 'identify_customer' OR member_no = 5)
  UNION ALL SELECT 'px-501-recharge_value-' || reload_no FROM legacy.gift_reload WHERE state = 'D'
  UNION ALL SELECT 'px-501-survey_completion-' || answer_no FROM legacy.survey_answers WHERE finished = 1
  UNION ALL SELECT format('px-501-%s-%s', slug, member_no) FROM legacy.members,
    unnest(ARRAY['identify-registration', 'loyalty_registration', 'web_registration']) slug
    WHERE registered_on IS NOT NULL AND staff = 0 AND (slug <> 'web_registration' OR registered_via = 'W')`;

test('a flat legacy brand needs a file and no code: every event it implies arrives once, with its balances and in order', async () => {
  await using brand = await mappedSystem({
    schema: await exampleSchema('legacy-brand'),
    config: 'examples/legacy-brand/connector.yaml',
  });
  const { db } = brand;
  await db.sql(`
    INSERT INTO legacy.shops VALUES (1, 'Head Office', 'Omaha', '68102', 'NE', 1), (7, 'Prairie Grill Lincoln', 'Lincoln', '68508', 'NE', 0);
    INSERT INTO legacy.members (member_no, card_no, first_nm, last_nm, points, enrolled_on)
      VALUES (9, '0000111122223333', NULL, NULL, 40, '2026-01-05 12:00');
    INSERT INTO legacy.members (member_no, card_no, enrolled_on, registered_on, staff) VALUES (77, '0000000000000077', '2026-01-05 12:00', '2026-01-05 12:00', 1)`);
  const setup = await brand.invoke('setup');
  expect(setup, setup.err).toMatchObject({ code: 0 });
  const connector = brand.run();
  await connector.logged('capture is streaming');

  await db.sql(`BEGIN;
    INSERT INTO legacy.members (member_no, card_no, first_nm, last_nm, mail_ok, sms_ok, enrolled_on, registered_on, registered_via, shop_no)
      VALUES (5, '6006491234567890', 'Ida', 'Prairie', 'Y', 0, timezone('America/Chicago', now()), timezone('America/Chicago', now()), 'W', 7);
    COMMIT`);
  await brand.arrived([
    'px-501-identify-registration-5',
    'px-501-loyalty_registration-5',
    'px-501-web_registration-5',
  ]);
  expect(brand.calls()[0]).toMatchObject({
    event: 'Loyalty Registration',
    userId: '5',
    properties: {
      first_name: 'Ida',
      last_name: 'Prairie',
      email_opt_in: true,
      text_opt_in: false,
      store_city: 'Lincoln',
      store_country: 'US',
      printed_card_number: '6006491234567890',
      merchant_id: 501,
      registration_source: 'GUEST_WEBSITE',
      wallets_info: [
        { wallet_code: '1', balance: 0 },
        { wallet_code: '2', balance: 0 },
      ],
    },
  });

  for (let n = 1; n <= 60; n += 1) {
    // Members 5, 9 (not registered) and a clerk; every kind of sale.
    const member = [5, 9, 77][n % 3];
    const kind = ['S', 'I', 'C', 'S', 'S'][n % 5];
    const [added, used] = kind === 'S' ? [n, n % 4 === 0 ? 2 : 0] : [0, 0];
    await db.sql(
      `WITH m AS (UPDATE legacy.members SET points = points + $4::int - $5::int WHERE member_no = $2::int RETURNING points)
       INSERT INTO legacy.sales (sale_no, shop_no, till_no, receipt_no, member_no, kind, sold_at, total_cents, points_added, points_used, points_after, training)
       SELECT $1::bigint, 7, 2, 'R' || $1::text, $2::int, $3, timezone('America/Chicago', now()), 1000 + $1::int, $4::int, $5::int, points, ($1::bigint % 7 = 0)::int FROM m`,
      [n, member, kind, added, used],
    );
  }
  await db.sql(`
    BEGIN;
    INSERT INTO legacy.sales (sale_no, shop_no, till_no, receipt_no, member_no, kind, sold_at, total_cents, points_added, points_after)
      VALUES (900, 7, 2, 'R900', 5, 'S', timezone('America/Chicago', now()), 500, 5, 5);
    INSERT INTO legacy.sales (sale_no, shop_no, till_no, receipt_no, member_no, kind, sold_at, voids_sale_no)
      VALUES (901, 7, 2, 'R901', 5, 'V', timezone('America/Chicago', now()), 900);
    COMMIT;
    INSERT INTO legacy.gift_reload VALUES (1, 5, 7, 2550, 'VISA', 'O', NULL), (2, 5, 7, 100, 'VISA', 'O', NULL);
    BEGIN;
    UPDATE legacy.gift_reload SET state = 'D', done_at = timezone('America/Chicago', now()) WHERE reload_no = 1;
    UPDATE legacy.members SET gift_cents = gift_cents + 2550 WHERE member_no = 5;
    COMMIT;
    UPDATE legacy.gift_reload SET state = 'R' WHERE reload_no = 2;
    INSERT INTO legacy.survey_answers VALUES (1, 'VISIT', 5, 7, 9, 'secret remark', 0, timezone('America/Chicago', now())),
      (2, 'VISIT', 9, 7, 3, NULL, 1, timezone('America/Chicago', now()));
    UPDATE legacy.survey_answers SET finished = 1 WHERE answer_no = 1;
    UPDATE legacy.members SET registered_on = timezone('America/Chicago', now()), registered_via = 'P', first_nm = 'Otto' WHERE member_no = 9;`);
  const expected = await db.sql<{ id: string }>(EXPECTED);
  await brand.arrived(expected.rows.map(({ id }) => id));

  const calls = brand.calls();
  const named = (id: string) => calls.find(({ messageId }) => messageId === `px-501-${id}`);
  const balances = await db.sql<{ sale_no: string; points_after: number }>(
    `SELECT sale_no::text, points_after FROM legacy.sales WHERE points_added > 0 AND member_no IN (5, 9) AND training = 0 AND sale_no < 900`,
  );
  expect(balances.rows.length).toBeGreaterThan(15);
  for (const { sale_no: sale, points_after: after } of balances.rows) {
    expect(named(`add_redeem-${sale}`)?.properties, sale).toMatchObject({
      points_balance: after,
      points_added: Number(sale),
      store_name: 'Prairie Grill Lincoln',
    });
  }
  expect(named('pos_activity-3')?.properties).toMatchObject({ check_total: 10.03, terminal_id: '7:2' });
  expect(named('recharge_value-1')).toMatchObject({
    userId: '5',
    properties: { amount: 25.5, balance_after: 25.5, card_type: 'VISA', store_city: 'Lincoln' },
  });
  expect(named('survey_completion-1')?.properties).toMatchObject({
    survey_code: 'VISIT',
    survey_score: 9,
    has_comment: true,
  });
  expect(JSON.stringify(calls)).not.toContain('secret remark');
  expect(named('loyalty_registration-9')).toMatchObject({ userId: '9', properties: { first_name: 'Otto' } });
  expect(named('pos_activity-1')?.userId).toBeNull();
  const order = calls
    .filter(({ event }) => event === 'POS Activity')
    .map(({ messageId }) => Number(messageId.split('-').at(-1)));
  const ofMember = (member: number) => order.filter((sale) => [5, 9, 77][sale % 3] === member);
  for (const member of [5, 9]) expect(ofMember(member)).toEqual(ofMember(member).toSorted((a, b) => a - b));

  const compared = await brand.invoke('reconcile', '--since', '1h');
  expect(compared, compared.out + compared.err).toMatchObject({ code: 0 });
  expect(await connector.end('SIGTERM')).toBe(0);
});
