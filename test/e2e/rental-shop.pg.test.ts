import { expect, test } from 'vitest';
import { exampleSchema, mappedSystem } from '../support/mapped-system.js';

/** What the tables imply, in SQL alone. */
const EXPECTED = `
  SELECT 'px-77-' || slug || customer_id AS id FROM shop.customer,
    unnest(ARRAY['identify-registration-', 'loyalty_registration-']) AS slug WHERE create_date > $1::timestamptz
  UNION ALL SELECT 'px-77-pos_activity-' || rental_id FROM shop.rental
  UNION ALL SELECT 'px-77-recharge_value-' || payment_id FROM shop.payment
  UNION ALL SELECT 'px-77-film_returned-' || rental_id FROM shop.rental WHERE return_date IS NOT NULL`;

test('a normalised rental shop: joins over chains of tables, uuid ids, JSON names and an event of its own', async () => {
  await using shop = await mappedSystem({
    schema: await exampleSchema('rental-shop'),
    config: 'examples/rental-shop/connector.yaml',
  });
  const { db } = shop;
  await db.sql(`
    INSERT INTO shop.country (country, iso_code) VALUES ('Ireland', 'IE');
    INSERT INTO shop.city (city, country_id) VALUES ('Cork', 1), ('Galway', 1);
    INSERT INTO shop.address (street, district, city_id, postal_code) VALUES ('1 Quay', 'Munster', 1, 'T12'), ('2 Weir', 'Connacht', 2, 'H91');
    INSERT INTO shop.store (address_id) VALUES (1), (2);
    INSERT INTO shop.staff (first_name, last_name, store_id) VALUES ('Ann', 'A', 1), ('Bob', 'B', 2);
    INSERT INTO shop.film (title, rental_rate) VALUES ('The Quiet Man', 4.99), ('Once', 2.50)`);
  const setup = await shop.invoke('setup');
  expect(setup, setup.err).toMatchObject({ code: 0 });
  const connector = shop.run();
  await connector.logged('capture is streaming');
  const { rows } = await db.sql<{ now: string }>('SELECT clock_timestamp()::text AS now');
  const arrived = async (): Promise<void> => {
    const expected = await db.sql<{ id: string }>(EXPECTED, [rows[0]?.now]);
    await shop.arrived(expected.rows.map(({ id }) => id));
  };
  const customer = async (given: string): Promise<string> => {
    const made = await db.sql<{ id: string }>(
      `WITH p AS (INSERT INTO shop.person (details) VALUES (jsonb_build_object('name', jsonb_build_object('given', $1::text, 'family', 'Byrne'), 'consent', jsonb_build_object('email', true))) RETURNING person_id)
       INSERT INTO shop.customer (person_id, store_id) SELECT person_id, 1 FROM p RETURNING customer_id AS id`,
      [given],
    );
    return made.rows[0]?.id ?? '';
  };
  const [aoife, ciara] = [await customer('Aoife'), await customer('Ciara')];
  for (let round = 0; round < 10; round += 1) {
    await db.sql(`INSERT INTO shop.rental (customer_id, film_id, staff_id) VALUES ($1, $2, $3)`, [
      round % 2 === 0 ? aoife : ciara,
      1 + (round % 2),
      1 + (round % 2),
    ]);
    await db.sql(`INSERT INTO shop.payment (customer_id, staff_id, amount) VALUES ($1, 2, 12.50)`, [ciara]);
  }
  await db.sql('UPDATE shop.rental SET return_date = now() WHERE rental_id % 3 = 0');
  await db.sql('UPDATE shop.rental SET film_id = film_id');
  await arrived();

  const calls = shop.calls();
  const of = (event: string) => calls.filter((call) => call.event === event);
  expect(of('Loyalty Registration')[0]).toMatchObject({
    userId: aoife,
    properties: {
      first_name: 'Aoife',
      last_name: 'Byrne',
      email_opt_in: true,
      text_opt_in: null,
      wallets_info: null,
    },
  });
  expect(of('POS Activity').find(({ messageId }) => messageId.endsWith('-2'))?.properties).toMatchObject({
    account_id: ciara,
    store_city: 'Galway',
    store_country: 'IE',
    store_postal_code: 'H91',
    store_name: 'Corner Rentals, 2 Weir',
    operator_id: '2',
    check_number: null,
  });
  expect(of('Recharge Value')[0]?.properties).toMatchObject({
    amount: 12.5,
    currency: 'EUR',
    store_city: 'Galway',
  });
  expect(
    of('Film Returned')
      .map(({ messageId }) => messageId)
      .toSorted(),
  ).toEqual([3, 6, 9].map((id) => `px-77-film_returned-${id}`));
  expect(of('Film Returned')[0]).toMatchObject({
    userId: aoife,
    properties: { film_title: 'The Quiet Man', rental_rate: 4.99 },
  });

  // A row three joins away changes, and another that the guest is made of.
  await db.sql(`UPDATE shop.city SET city = 'Gaillimh' WHERE city_id = 2`);
  await db.sql(
    `UPDATE shop.person SET details = jsonb_set(details, '{name,given}', '"Keira"') WHERE person_id = (SELECT person_id FROM shop.customer WHERE customer_id = $1)`,
    [ciara],
  );
  await db.sql(`INSERT INTO shop.rental (customer_id, film_id, staff_id) VALUES ($1, 1, 2)`, [ciara]);
  await arrived();
  expect(shop.calls().at(-1)?.properties).toMatchObject({ store_city: 'Gaillimh', first_name: 'Keira' });

  const preview = await shop.invoke('reconcile', '--since', '1h');
  expect(preview, preview.err).toMatchObject({ code: 0 });
  await connector.end('SIGTERM');
});
