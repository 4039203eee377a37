import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { differences, reconciled, total } from '../reconcile/system.js';
import { system, type System } from '../support/system.js';
import { slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { CAPTURE_PLACES, failpointEnv, inherits, killed, killedInBusiness } from './killed.js';
import { sampled } from '../support/short-form.js';

let brand: System;
let deaths = 0;
let imported = 900_000_000_000n;
let directory: string;
/** Guests that the two last processes to be killed have on the suppression list, with those who take over from them. */
let listed: readonly string[] = [];

beforeAll(async () => {
  brand = await system({ seed: 61, ratePerSecond: 100 });
  directory = await mkdtemp(join(tmpdir(), 'listed-'));
});
afterAll(async () => {
  await brand[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

/** Every fourth guest is listed from now on. */
async function list(): Promise<Record<string, string>> {
  const { rows } = await brand.db.sql<{ id: string }>(
    `SELECT user_id::text AS id FROM loyalty.guest WHERE merchant_id = 777777 AND user_id % 4 = 0`,
  );
  listed = rows.map(({ id }) => id);
  const file = join(directory, 'guests');
  await writeFile(file, listed.join('\n'));
  return { SUPPRESSION_FILE: file };
}

/** Rows that imply nothing, more than a transaction may hold in memory. */
async function conversion(): Promise<void> {
  const rows = 15_000n;
  await brand.db.sql(
    `INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, transaction_type, result, origin, import_batch_id)
    SELECT ${imported} + n, 777777, a.account_id, 'WALLET_ADJUSTMENT', 'AUTHORIZED', 'IMPORT', 1
    FROM generate_series(1, ${rows}) n, (SELECT account_id FROM loyalty.account WHERE merchant_id = 777777 LIMIT 1) a`,
  );
  imported += rows;
}

async function forget(): Promise<void> {
  await brand.db.sql(
    `UPDATE loyalty.guest SET status = 'ANONYMIZED' WHERE user_id =
      (SELECT user_id FROM loyalty.guest WHERE status = 'ACTIVE' AND merchant_id = 777777 ORDER BY user_id DESC LIMIT 1)`,
  );
}

/** Delivery ends so long after capture's last row that the delivered position needs a row of its own. */
async function lateDelivery(): Promise<void> {
  brand.receiver.respondWith(() => ({ tag: 'status', status: 503 }));
  await brand.business(1);
  await eventually(async () => {
    const { rows } = await brand.db.sql<{ old: boolean }>(
      `SELECT updated_at < clock_timestamp() - interval '5 seconds' AS old FROM segment_connector.checkpoint WHERE slot_name = $1`,
      [slotOf(brand.db)],
    );
    return rows[0]?.old === true;
  }, 'quiet');
  brand.receiver.respondWith(null);
}

test.each(sampled(CAPTURE_PLACES))(
  'killed at $at, capture loses nothing, reorders nothing and changes no balance',
  async (place) => {
    const file = place.at.startsWith('list') ? await list() : {};
    const victim = brand.run('all', { ...failpointEnv(place), TRANSACTION_MEMORY: '1MiB', ...file });
    if (place.at === 'transaction-spilled') await conversion();
    if (place.at.startsWith('suppression')) await forget();
    if (place.at === 'delivered-stored') await lateDelivery();
    if (place.at === 'delivered-stored' || place.at === 'keepalive-accepted') await killed(victim);
    else await killedInBusiness(brand, victim);
    deaths += 1;
    const setAside = await brand.idsOf(listed);
    await inherits(brand, setAside, file);
    // One job of the lane at most is sent again, and a request of it holds at most a tenth of the limit.
    expect((await brand.verdict({ setAside })).total.again).toBeLessThanOrEqual(deaths * 100);
    if (place.at !== 'listed-counted') return;
    // Each of theirs is counted once, by whoever counted it.
    const found = await reconciled(brand);
    expect(total(found, 'suppressed')).toBeGreaterThan(0);
    expect(differences(found)).toEqual([]);
  },
  180_000,
);
