import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import { clientConfig } from '../../src/postgres/connection.js';
import { parseLsn, type Lsn } from '../../src/postgres/lsn.js';
import type { SourceChange, Transaction } from '../../src/changes/transaction.js';
import { WalStream, type WalStreamOptions } from '../../src/replication/wal-stream.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';

export interface Streaming extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly slot: string;
  readonly spillDir: string;
  /** A stream of the slot, not started; stopped with the test at the latest. */
  stream(options?: Partial<WalStreamOptions>): WalStream;
  confirmedFlush(): Promise<Lsn>;
  /** The server process that streams the slot, null when none does. */
  senderPid(): Promise<number | null>;
}

export interface StreamingOptions {
  readonly tables?: readonly string[];
  /** Statements before publication and slot are made. */
  readonly before?: string;
  readonly server?: string;
}

let lastSlot = 0;

/** A database with merchant 1 and card template 1, a publication of `tables`, a slot, and streams of it. */
export async function streaming(options: StreamingOptions = {}): Promise<Streaming> {
  const db = await testDatabase(options.server === undefined ? {} : { server: options.server });
  lastSlot += 1;
  const slot = `slot_${db.name}_${lastSlot}`;
  const tables = options.tables ?? [
    'loyalty.merchant',
    'loyalty.card_template',
    'loyalty.account',
    'loyalty.tier',
  ];
  await db.sql(
    `INSERT INTO loyalty.merchant (merchant_id, name, default_timezone, status) VALUES (1, 'M', 'UTC', 'ACTIVE');
     INSERT INTO loyalty.card_template VALUES (1, 1, 'T', 'LOYALTY');
     ${options.before ?? ''}`,
  );
  await db.sql(
    `CREATE PUBLICATION pub FOR TABLE ${tables.join(', ')} WITH (publish_via_partition_root = true)`,
  );
  await db.sql(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
  const spillDir = mkdtempSync(join(tmpdir(), 'wal-stream-'));
  const streams: WalStream[] = [];
  return {
    db,
    slot,
    spillDir,
    stream: (given = {}) => {
      const stream = new WalStream({
        connection: clientConfig({ url: db.url }),
        slotName: slot,
        publicationName: 'pub',
        spillDir,
        logger: silentLogger,
        clock: systemClock,
        ...given,
      });
      streams.push(stream);
      return stream;
    },
    confirmedFlush: async () => {
      const { rows } = await db.sql<{ lsn: string }>(
        'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
        [slot],
      );
      return parseLsn(rows[0]?.lsn ?? '');
    },
    senderPid: async () => {
      const { rows } = await db.sql<{ active_pid: number | null }>(
        'SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1',
        [slot],
      );
      return rows[0]?.active_pid ?? null;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(streams.map((stream) => stream.stop()));
      await db.close();
      rmSync(spillDir, { recursive: true, force: true });
    },
  };
}

/** Every tier label inserted in the transaction: the marker most tests use. */
export async function labels(transaction: Transaction): Promise<string[]> {
  const found: string[] = [];
  await transaction.forEachChange((change: SourceChange) => {
    if (change.table === 'loyalty.tier') found.push(change.row?.label ?? `-${change.old?.label ?? ''}`);
  });
  return found;
}

/** Takes transactions until `enough` labels came; releases them and confirms nothing. */
export async function takeLabels(
  stream: WalStream,
  enough: number,
): Promise<{ labels: string[]; ends: Lsn[] }> {
  const found: string[] = [];
  const ends: Lsn[] = [];
  while (found.length < enough) {
    const gulp = await stream.next();
    if (gulp.length === 0) throw new Error(`the stream was stopped after ${found.join(', ')}`);
    for (const transaction of gulp) {
      found.push(...(await labels(transaction)));
      ends.push(transaction.endLsn);
      transaction.release();
    }
  }
  return { labels: found, ends };
}

let lastTier = 0;
/** SQL that inserts a tier of this label. */
export function tier(label: string): string {
  lastTier += 1;
  return `INSERT INTO loyalty.tier VALUES (1, 1, ${lastTier}, '${label}')`;
}

/** Resolves when the condition holds; fails loudly when it does not within the time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await systemClock.sleep(10);
  }
}
