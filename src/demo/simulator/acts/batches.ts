import { LOYALTY_TEMPLATE, MAIN_MERCHANT, RETAIL_STORES } from '../brand.js';
import { isLoyal, type Act, type Scene } from '../world.js';
import { beginVisit, earnedLines, writePurchase } from './till.js';

const HOUR_MS = 3_600_000;

/** A till was cut off and sends the evening's purchases together: the time is the till's, the balance the posting's. */
export const lateBatch: Act = {
  name: 'offline batch',
  weight: 2,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    await member.exclusively(() =>
      scene.write.commit(async (tx) => {
        for (let hoursAgo = 5; hoursAgo > 0; hoursAgo -= 1) {
          const visit = beginVisit(scene, member.homeStore);
          await writePurchase(tx, scene, member, visit, earnedLines(member, visit.totalCents), {
            transactionId: scene.world.ids.nextForeignTransaction(),
            isOffline: true,
            posAt: new Date(scene.clock.now() - hoursAgo * HOUR_MS),
          });
        }
      }),
    );
  },
};

/** Tills whose clock stands at the factory's date, or runs two hours ahead. */
export const wrongClock: Act = {
  name: 'wrong clock',
  weight: 1,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    const posAt = scene.random.pick([
      new Date('2001-01-01T00:00:00Z'),
      new Date(scene.clock.now() + 2 * HOUR_MS),
    ]);
    await member.exclusively(async () => {
      const visit = beginVisit(scene, member.homeStore);
      await scene.write.commit((tx) =>
        writePurchase(tx, scene, member, visit, earnedLines(member, visit.totalCents), { posAt }),
      );
    });
  },
};

/** Accounts, guests, cards, wallets, headers and lines of one converted card: 7 rows. */
const ROWS_A_CARD = 7;
export const IMPORT_ROWS = 20_000;

// One statement a table, as conversions are written. Ids are negative: no other numbering reaches them.
const IMPORT_STATEMENTS = [
  `INSERT INTO loyalty.guest (user_id, merchant_id, first_name, last_name, email_opt_in)
   SELECT -n, $1::int, 'Converted', 'Guest ' || n, true FROM generate_series($2::bigint, $3::bigint) n`,
  `INSERT INTO loyalty.account (account_id, merchant_id, user_id, card_template_code, tier_code, account_status, enrolled_at,
     enrollment_store_id, registered_at, registration_source, import_batch_id)
   SELECT -n, $1::int, -n, ${LOYALTY_TEMPLATE.code}, 1, 'ACTIVE', now(), $4::bigint, now(), 'IMPORT', $5::bigint
   FROM generate_series($2::bigint, $3::bigint) n`,
  `INSERT INTO loyalty.card (card_id, merchant_id, account_id, printed_card_number, masked_card_number, medium, status, is_primary)
   SELECT -n, $1::int, -n, lpad(n::text, 19, '0'), 'XXXX' || right(n::text, 4), 'PHYSICAL', 'ACTIVE', true
   FROM generate_series($2::bigint, $3::bigint) n`,
  `INSERT INTO loyalty.account_wallet (account_id, wallet_code, merchant_id, balance, lifetime_added)
   SELECT -n, code, $1::int, 50, 50 FROM generate_series($2::bigint, $3::bigint) n, unnest(ARRAY[3, 11]) code`,
  `INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, card_id, store_id, transaction_type, result, origin, import_batch_id)
   SELECT -n, $1::int, -n, -n, $4::bigint, 'ADD_REDEEM', 'AUTHORIZED', CASE WHEN n % 2 = 0 THEN 'IMPORT' ELSE 'POS' END, $5::bigint
   FROM generate_series($2::bigint, $3::bigint) n`,
  `INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
   SELECT now(), -n, 1, $1::int, -n, 3, 'ACCRUED', 50, 50 FROM generate_series($2::bigint, $3::bigint) n`,
];

/** Another programme's members are taken over in one transaction of 20,000 rows. */
export async function conversionImport(scene: Scene, batchId: number): Promise<void> {
  const cards = Math.ceil(IMPORT_ROWS / ROWS_A_CARD);
  const first = batchId * cards + 1;
  const store = RETAIL_STORES[0];
  await scene.write.commit(async (tx) => {
    for (const statement of IMPORT_STATEMENTS) {
      await tx.run(
        statement,
        parametersOf(statement, [MAIN_MERCHANT, first, first + cards - 1, store?.storeId, batchId + 1]),
      );
    }
  });
}

/** PostgreSQL refuses parameters a statement does not name; the later ones are the ones some do not need. */
function parametersOf(statement: string, values: readonly unknown[]): unknown[] {
  return values.filter((_, index) => statement.includes(`$${index + 1}`));
}
