import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mappedSystem } from '../support/mapped-system.js';

/** A public sample database, kept outside of the project. */
const SAMPLE = process.env['NORTHWIND_SQL'] ?? '../shared/samples/northwind.sql';

const ORDERS = `
  SELECT 'px-1-pos_activity-' || order_id AS id FROM orders WHERE order_id > 20000 AND customer_id IS NOT NULL`;

test.skipIf(!existsSync(SAMPLE))(
  `Northwind as it is (${SAMPLE}): a file alone makes its customers guests and its orders POS activity`,
  async () => {
    await using traders = await mappedSystem({
      schema: readFileSync(SAMPLE, 'utf8'),
      config: 'examples/northwind/connector.yaml',
    });
    const { db } = traders;
    const setup = await traders.invoke('setup');
    expect(setup, setup.err).toMatchObject({ code: 0 });
    const connector = traders.run();
    await connector.logged('capture is streaming');
    await db.sql(`
      INSERT INTO public.orders (order_id, customer_id, employee_id, order_date)
      SELECT 20000 + n, (SELECT customer_id FROM public.customers ORDER BY customer_id OFFSET n % 20 LIMIT 1), 1 + n % 9, current_date
      FROM generate_series(1, 40) n;
      INSERT INTO public.orders (order_id, order_date) VALUES (20100, current_date)`);
    const { rows } = await db.sql<{ id: string }>(ORDERS.replace('orders', 'public.orders'));
    expect(rows).toHaveLength(40);
    await traders.arrived(rows.map(({ id }) => id));
    const [first] = await db
      .sql<{ customer_id: string; contact_name: string }>(
        `SELECT c.customer_id, c.contact_name FROM public.customers c JOIN public.orders o USING (customer_id) WHERE order_id = 20001`,
      )
      .then((found) => found.rows);
    expect(traders.calls().find(({ messageId }) => messageId.endsWith('-20001'))).toMatchObject({
      event: 'POS Activity',
      userId: first?.customer_id,
      properties: { first_name: first?.contact_name, merchant_id: 1, operator_id: '2', store_name: null },
    });
    await connector.end('SIGTERM');
  },
);
