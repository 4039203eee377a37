import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { SHORT } from '../support/short-form.js';
import { mappedSystem, type MappedSystem } from '../support/mapped-system.js';

const SCHEMA = `
  CREATE TABLE member (member_no int PRIMARY KEY, given text, points int NOT NULL DEFAULT 0, joined timestamptz);
  CREATE TABLE sale (sale_no int PRIMARY KEY, member_no int NOT NULL, sold_at timestamptz NOT NULL);`;

function records(registeredAt: string): string {
  return `
mapping:
  merchant: { rows: [{ merchant_id: 7, name: Club, default_timezone: UTC, currency: USD }] }
  card_template: { rows: [{ card_template_code: CLUB, label: Club }] }
  wallet_definition: { rows: [{ wallet_code: P, label: Points }] }
  wallet: { table: member, columns: { account_id: member_no, wallet_code: { value: P }, balance: points } }
  guest: { table: member, columns: { user_id: member_no, first_name: given } }
  account:
    table: member
    columns: { account_id: member_no, user_id: member_no, card_template_code: { value: CLUB }, registered_at: ${registeredAt} }
  transaction:
    table: sale
    columns: { transaction_id: sale_no, account_id: member_no, posted_at: sold_at, transaction_type: { value: IDENTIFY_CUSTOMER } }
`;
}

interface Told {
  readonly equal: boolean;
  readonly total: Readonly<Record<'expected' | 'delivered' | 'missing' | 'extra' | 'undecidable', number>>;
  readonly minutes: readonly { readonly undecidable: readonly { readonly doubt: string }[] }[];
}

async function brand(registeredAt: string): Promise<MappedSystem> {
  const directory = await mkdtemp(join(tmpdir(), 'commit-times-'));
  const config = join(directory, 'connector.yaml');
  await writeFile(config, records(registeredAt));
  const system = await mappedSystem({ schema: SCHEMA, config });
  const close = system[Symbol.asyncDispose].bind(system);
  return Object.assign(system, {
    [Symbol.asyncDispose]: async () => {
      await close();
      await rm(directory, { recursive: true });
    },
  });
}

async function reconciled(system: MappedSystem, ...options: readonly string[]): Promise<Told> {
  const { out } = await system.invoke('reconcile', '--json', ...options);
  return JSON.parse(out) as Told;
}

/** Everything delivered and counted. */
async function settled(system: MappedSystem, delivered: number): Promise<void> {
  await eventually(
    async () => (await reconciled(system)).total.delivered === delivered,
    `${delivered} deliveries to be counted`,
    30_000,
  );
}

// It waits for the next minute.
test.skipIf(SHORT)(
  'a registration whose time an update has moved to another minute is neither missing nor extra, and no repair sends it',
  async () => {
    await using system = await brand('{ commit_time: true }');
    expect((await system.invoke('setup')).code).toBe(0);
    await system.run().logged('capture is streaming');
    await system.db.sql(`INSERT INTO member VALUES (1, 'Ada')`);
    await system.db.sql('INSERT INTO sale VALUES (10, 1, now())');
    const ids = [
      'px-7-identify-registration-1',
      'px-7-loyalty_registration-1',
      'px-7-identify-10',
      'px-7-identify_customer-10',
      'px-7-pos_activity-10',
    ];
    await system.arrived(ids);
    await settled(system, ids.length);

    // Into the next minute, which is what tells them apart.
    const minute = async (): Promise<string> =>
      (await system.db.sql<{ m: string }>(`SELECT date_trunc('minute', clock_timestamp())::text AS m`))
        .rows[0]?.m ?? '';
    const began = await minute();
    await eventually(async () => (await minute()) !== began, 'the next minute', 70_000);
    await system.db.sql('UPDATE member SET points = points + 1');
    await eventually(
      async () => (await reconciled(system)).total.undecidable > 0,
      'the update to be seen',
      30_000,
    );

    const found = await reconciled(system);
    expect(found).toMatchObject({ equal: true, total: { missing: 0, extra: 0 } });
    expect(found.minutes.flatMap(({ undecidable }) => undecidable.map(({ doubt }) => doubt))).toEqual(
      Array.from({ length: found.total.undecidable }, () => 'time_unknown'),
    );
    // Two calls that were delivered in one minute, the same two in another, where the tables have them, and an identify call
    // of one who may have registered after it.
    expect(found.total.undecidable).toBeLessThanOrEqual(5);
    const before = system.ids().length;
    const repaired = await system.invoke('reconcile', '--repair');
    expect({ code: repaired.code, arrived: system.ids().length }).toEqual({ code: 0, arrived: before });

    // A real difference is one all the same.
    await system.db.sql('DELETE FROM sale');
    const differing = await reconciled(system);
    expect(differing.total.extra).toBe(3);
  },
  180_000,
);

test('a row that tells a time before anything was counted and was committed after it is expected where it was delivered', async () => {
  await using system = await brand('joined');
  await system.db.sql(`INSERT INTO member VALUES (1, 'Old', 0, now() - interval '2 days')`);
  expect((await system.invoke('setup')).code).toBe(0);
  await system.run().logged('capture is streaming');
  await system.db.sql(
    `INSERT INTO member VALUES (2, 'Ada', 0, now() - interval '2 days'), (3, 'Bo', 0, now() - interval '3 days')`,
  );
  await system.db.sql(`UPDATE member SET points = 1`);
  const ids = [2, 3].flatMap((id) => [`px-7-identify-registration-${id}`, `px-7-loyalty_registration-${id}`]);
  await system.arrived(ids);
  await settled(system, ids.length);
  expect(await reconciled(system)).toMatchObject({
    equal: true,
    total: { expected: ids.length, delivered: ids.length, missing: 0, extra: 0, undecidable: 0 },
  });
}, 120_000);
