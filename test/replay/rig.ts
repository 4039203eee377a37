import { replaySlotName } from '../../src/postgres/slot.js';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnector, type Connector } from '../../src/app.js';
import { parseConfig } from '../../src/config/parse.js';
import { startReceiver, type ReceivedEvent, type Receiver } from '../../src/demo/receiver.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import { invoke } from '../cli/invoke.js';
import { MERCHANT, POINTS, seedAccount, seedBrand, STORE } from '../support/brand.js';
import { PUBLICATION, setUpConnector, slotOf } from '../support/captured.js';
import { startConnectorProcess } from '../support/connector-process.js';
import { eventually } from '../support/eventually.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { testRedis, type TestRedis } from '../support/redis.js';

const WRITE_KEY = 'test-write-key';

/** Positions and times between commits, in the order they were taken. */
export interface Mark {
  readonly lsn: string;
  readonly at: string;
}

export interface ReplayRig extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly redis: TestRedis;
  readonly receiver: Receiver;
  /** Where the window begins. */
  readonly start: string;
  readonly env: Readonly<Record<string, string>>;
  /** Purchases of these numbers, a commit each, over ten accounts; a mark after each of `markAfter`. */
  purchases(from: number, to: number, markAfter?: readonly number[]): Promise<Mark[]>;
  /** Runs the connector in this process until `work` is done and everything committed by then has been delivered. */
  connected<T>(
    work: (connector: Connector) => Promise<T>,
    env?: Readonly<Record<string, string>>,
  ): Promise<T>;
  /** Waits until the purchase with this number has arrived. */
  arrived(purchase: number): Promise<void>;
  replay(...argv: string[]): Promise<{ exitCode: number; out: string; err: string }>;
  /** The command line as a process of its own. */
  spawn(...argv: string[]): ChildProcess;
  /** Resolves when no temporary slot is left in this database. */
  noCopyLeft(): Promise<void>;
}

export async function replayRig(env: Readonly<Record<string, string>> = {}): Promise<ReplayRig> {
  const db = await testDatabase();
  const redis = await testRedis({ appendOnly: true });
  const receiver = await startReceiver({ writeKeys: [WRITE_KEY], limitPerSecond: null });
  const spillDir = await mkdtemp(join(tmpdir(), 'replay-'));
  await seedBrand(db);
  for (let account = 1; account <= 10; account += 1) await seedAccount(db, { accountId: account });
  await setUpConnector(db);
  const copy = `SELECT pg_copy_logical_replication_slot('${slotOf(db)}', '${replaySlotName(slotOf(db))}')`;
  const slots = await db.sql(
    `SELECT FROM pg_replication_slots WHERE slot_name = '${replaySlotName(slotOf(db))}'`,
  );
  if (slots.rows.length === 0) await db.sql(copy);
  const { rows } = await db.sql<{ lsn: string }>(
    `SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = '${replaySlotName(slotOf(db))}'`,
  );
  const settings = {
    DATABASE_URL: db.url,
    REDIS_URL: redis.url,
    SEGMENT_WRITE_KEY: WRITE_KEY,
    SEGMENT_HOST: receiver.url,
    PUBLICATION_NAME: PUBLICATION,
    SLOT_NAME: slotOf(db),
    SPILL_DIR: spillDir,
    HTTP_PORT: '0',
    RATE_LIMIT_PER_SECOND: '100000',
    ...env,
  };
  const children: ChildProcess[] = [];
  const arrived = async (purchase: number): Promise<void> => {
    await eventually(
      () => receiver.events.some((event) => numberOf(event) === purchase),
      () => `purchase ${purchase} among ${receiver.events.length} events`,
      60_000,
    );
  };
  return {
    db,
    redis,
    receiver,
    env: settings,
    start: rows[0]?.lsn ?? '',
    arrived,
    purchases: async (from, to, markAfter = []) => {
      await db.sql(purchaseProcedure);
      const marks: Mark[] = [];
      let next = from;
      for (const stop of [...markAfter, to]) {
        if (next <= stop) await db.sql(`CALL purchases(${next}, ${stop})`);
        next = stop + 1;
        const { rows } = await db.sql<Mark>(
          `SELECT pg_current_wal_insert_lsn()::text AS lsn, to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`,
        );
        if (rows[0] !== undefined && markAfter.includes(stop)) marks.push(rows[0]);
      }
      return marks;
    },
    connected: async (work, more = {}) => {
      const config = parseConfig({ ...settings, ...more }, { command: 'run' });
      const connector = createConnector(config, { logger: silentLogger, role: 'all', clock: systemClock });
      try {
        await connector.start();
        return await work(connector);
      } finally {
        await connector.stop();
      }
    },
    replay: async (...argv) => invoke(['replay', ...argv], settings),
    spawn: (...argv) => {
      const child = startConnectorProcess(argv, settings);
      children.push(child);
      return child;
    },
    noCopyLeft: async () => {
      await eventually(async () => {
        const { rows } = await db.sql(
          `SELECT FROM pg_replication_slots WHERE temporary AND database = current_database()`,
        );
        return rows.length === 0;
      }, 'no temporary slot');
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of children) await kill(child);
      await receiver.close();
      await redis.dispose();
      await db.close();
      await rm(spillDir, { recursive: true, force: true });
    },
  };
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Number of the purchase an event is about; 0 for others. */
export function numberOf({ messageId }: Pick<ReceivedEvent, 'messageId'>): number {
  return Number(/^px-\d+-[a-z_-]+-(\d+)(-r[0-9a-f]{8})?$/.exec(messageId)?.[1] ?? 0);
}

/** One commit a purchase, as quickly as the server can. */
const purchaseProcedure = `
  CREATE OR REPLACE PROCEDURE purchases(first int, last int) LANGUAGE plpgsql AS $$
  DECLARE account int;
  BEGIN
    FOR n IN first..last LOOP
      account := 1 + n % 10;
      INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, card_id, store_id, transaction_type, result, origin, pos_transaction_id, pos_transaction_at)
        VALUES (n, ${MERCHANT}, account, account, ${STORE}, 'ADD_REDEEM', 'AUTHORIZED', 'POS', n::text, now());
      UPDATE loyalty.account_wallet SET balance = balance + 1, last_transaction_id = n, updated_at = now()
        WHERE account_id = account AND wallet_code = ${POINTS};
      INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
        SELECT now(), n, 1, ${MERCHANT}, account, ${POINTS}, 'ACCRUED', 1, balance
          FROM loyalty.account_wallet WHERE account_id = account AND wallet_code = ${POINTS};
      COMMIT;
    END LOOP;
  END $$`;
