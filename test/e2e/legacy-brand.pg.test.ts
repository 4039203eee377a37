import { expect, test } from 'vitest';
import { exampleSchema, mappedSystem } from '../support/mapped-system.js';

test('a flat legacy brand needs a file and no code: every event it implies arrives once, with its balances and in order', async () => {
  await using brand = await mappedSystem({
    schema: await exampleSchema('legacy-brand'),
    config: 'examples/legacy-brand/connector.yaml',
  });
  const { db } = brand;
  await db.sql(`
    INSERT INTO legacy.shops VALUES (1, 'Head Office', 'Omaha', '68102', 'NE', 1), (7, 'Prairie Grill Lincoln', 'Lincoln', '68508', 'NE', 0);
    INSERT INTO legacy.members (member_no, card_no, first_nm, last_nm, points, enrolled_on)
      VALUES (9, '0000111122223333', NULL, NULL, 40, '2026-01-05 12:00')`);
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
  await connector.end('SIGTERM');
});
