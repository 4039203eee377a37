import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.js';
import { system } from '../support/system.js';

const ROWS = 1_000_000;
const PURCHASES = 2_000;
const FIRST_ID = 800_000_000_000n;

/** Most that a process ever held, MiB: see proc(5), VmHWM. */
function peakMiB(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}

test('a transaction of a million rows passes at flat memory, and the purchases in it are sent once, with their balances', async () => {
  // On a server of its own: on the shared one every new slot would wait for the transaction, and every sender read its WAL.
  await using server = await startEmbeddedPostgres();
  await using brand = await system({ seed: 77, guests: 50, server: server.url() });
  const connector = brand.run('all');
  await connector.logged('capture is streaming');
  await brand.business(2);
  await brand.verdict();
  const before = peakMiB(connector.child.pid ?? 0);
  // A conversion as it is imported, and one evening's purchases of a few members, posted late in the same go.
  await brand.db.sql(`BEGIN;
    CREATE TEMPORARY TABLE member ON COMMIT DROP AS
      SELECT a.account_id, w.wallet_code, w.balance, row_number() OVER (ORDER BY a.account_id) - 1 AS n
        FROM loyalty.account a JOIN loyalty.account_wallet w USING (account_id)
        JOIN loyalty.wallet_definition d ON d.merchant_id = a.merchant_id AND d.wallet_code = w.wallet_code AND d.value_kind = 'POINTS'
        JOIN loyalty.card_template t ON t.merchant_id = a.merchant_id AND t.card_template_code = a.card_template_code AND t.program_kind = 'LOYALTY'
       WHERE a.merchant_id = 777777 AND a.account_kind = 'GUEST' AND a.account_status = 'ACTIVE'
       ORDER BY a.account_id LIMIT 20;
    INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, transaction_type, result, origin, import_batch_id)
      SELECT ${FIRST_ID} + i, 777777, m.account_id, 'WALLET_ADJUSTMENT', 'AUTHORIZED', 'IMPORT', 7
        FROM generate_series(1, ${ROWS} - 2 * ${PURCHASES} - (SELECT count(*) FROM member)) i, (SELECT account_id FROM member LIMIT 1) m;
    INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, transaction_type, result, origin, pos_transaction_at)
      SELECT ${FIRST_ID * 2n} + p, 777777, m.account_id, 'ADD_REDEEM', 'AUTHORIZED', 'POS', now()
        FROM generate_series(0, ${PURCHASES} - 1) p JOIN member m ON m.n = p % (SELECT count(*) FROM member) ORDER BY p;
    INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
      SELECT now(), ${FIRST_ID * 2n} + p, 1, 777777, m.account_id, m.wallet_code, 'ACCRUED', 1, m.balance + 1 + p / (SELECT count(*) FROM member)
        FROM generate_series(0, ${PURCHASES} - 1) p JOIN member m ON m.n = p % (SELECT count(*) FROM member) ORDER BY p;
    UPDATE loyalty.account_wallet w SET balance = w.balance + ${PURCHASES} / (SELECT count(*) FROM member)
      FROM member m WHERE w.account_id = m.account_id AND w.wallet_code = m.wallet_code;
    COMMIT`);
  await brand.business(1);
  const verdict = await brand.verdict();
  expect(verdict.findings).toEqual([]);
  expect(verdict.byName.get('Add/Redeem')?.received).toBeGreaterThan(PURCHASES);
  const peak = peakMiB(connector.child.pid ?? 0);
  // The rows are 150 MB as they come and several times that as objects.
  expect(peak, `MiB, of which ${before} before`).toBeLessThan(before + 150);
  expect(await connector.end('SIGTERM')).toBe(0);
}, 240_000);
