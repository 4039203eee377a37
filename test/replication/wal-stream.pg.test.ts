import { describe, expect, test } from 'vitest';

import type { SourceChange } from '../../src/changes/transaction.js';
import type { Lsn } from '../../src/postgres/lsn.js';
import { labels, streaming, takeLabels, tier, until } from './streaming.js';

describe('what is handed out', () => {
  test('committed transactions in commit order with their positions; nothing of what was rolled back', async () => {
    await using s = await streaming();
    const stream = s.stream();
    await stream.start();
    await s.db.sql(`BEGIN; ${tier('a')}; ${tier('b')}; COMMIT`);
    await s.db.sql(`BEGIN; ${tier('rolled back')}; ROLLBACK`);
    await s.db.sql(
      `BEGIN; ${tier('c')}; SAVEPOINT one; ${tier('undone')}; ROLLBACK TO one; SAVEPOINT two; ${tier('d')}; RELEASE two; COMMIT`,
    );
    const before = Date.now();
    const taken = await takeLabels(stream, 4);
    expect(taken.labels).toEqual(['a', 'b', 'c', 'd']);
    expect(taken.ends).toHaveLength(2);
    expect(taken.ends[0]).toBeLessThan(taken.ends[1] as Lsn);
    await s.db.sql(tier('e'));
    const [transaction] = await stream.next();
    expect(Math.abs((transaction?.commitTimeUs ?? 0) / 1_000 - before)).toBeLessThan(10_000);
    expect(transaction?.commitLsn).toBeLessThan(transaction?.endLsn as Lsn);
    expect(transaction?.rowCount).toBe(1);
  });

  test('old rows, keys, nulls and unchanged TOAST values are told apart', async () => {
    await using s = await streaming({
      tables: ['loyalty.account', 'loyalty.account_wallet', 'loyalty.wallet_definition'],
    });
    await s.db.sql(
      `INSERT INTO loyalty.wallet_definition (merchant_id, wallet_code, label, wallet_type, value_kind) VALUES (1, 3, 'P', 'POINT', 'POINTS');
       ALTER TABLE loyalty.account_wallet ALTER COLUMN expirations SET STORAGE EXTERNAL`,
    );
    await s.db.sql(
      `INSERT INTO loyalty.account (account_id, merchant_id, card_template_code, account_status) VALUES (9007199254740993, 1, 1, 'ACTIVE')`,
    );
    await s.db.sql(
      `INSERT INTO loyalty.account_wallet (account_id, wallet_code, merchant_id, balance, expirations)
       VALUES (9007199254740993, 3, 1, 12.5, (SELECT jsonb_agg(i) FROM generate_series(1, 3000) i))`,
    );
    const stream = s.stream();
    await stream.start();
    await s.db.sql(`UPDATE loyalty.account_wallet SET balance = 13`);
    await s.db.sql(
      `UPDATE loyalty.account SET enroll_date = '2026-11-20', updated_at = '2026-11-20 19:02:12.007+05'`,
    );
    await s.db.sql(`DELETE FROM loyalty.account_wallet`);
    const changes: SourceChange[] = [];
    while (changes.length < 6) {
      for (const transaction of await stream.next()) {
        await transaction.forEachChange((change) => changes.push(change));
        transaction.release();
      }
    }
    const wallet = changes.filter((change) => change.table === 'loyalty.account_wallet');
    expect(wallet[0]?.row?.expirations).toMatch(/^\[1, 2, .* 3000\]$/);
    expect(wallet[1]?.op).toBe('update');
    expect(wallet[1]?.row).toHaveProperty('expirations', undefined);
    expect(wallet[1]?.row).toMatchObject({ account_id: '9007199254740993', balance: '13.0000' });
    expect(wallet[1]?.old).toBeNull();
    expect(wallet[2]).toMatchObject({
      op: 'delete',
      row: null,
      old: { account_id: '9007199254740993', wallet_code: '3' },
    });
    expect(wallet[2]?.old).toHaveProperty('balance', undefined);
    const account = changes.filter((change) => change.table === 'loyalty.account');
    // REPLICA IDENTITY FULL: the whole old row. Times in UTC and ISO style whatever the session of the writer.
    expect(account[1]).toMatchObject({
      op: 'update',
      old: { enroll_date: null, user_id: null },
      row: { enroll_date: '2026-11-20', updated_at: '2026-11-20 14:02:12.007+00', user_id: null },
    });
  });

  test('values are printed the same whatever the role, the database and the URL ask for', async () => {
    await using s = await streaming({ tables: ['loyalty.account'] });
    await s.db.sql(
      `ALTER DATABASE ${s.db.name} SET DateStyle = 'German'; ALTER DATABASE ${s.db.name} SET TimeZone = 'Asia/Tokyo'`,
    );
    const url = `${s.db.url}?options=-c%20timezone%3DAmerica/New_York%20-c%20datestyle%3DSQL`;
    const stream = s.stream({ connection: { connectionString: url } });
    await stream.start();
    await s.db.sql(
      `INSERT INTO loyalty.account (account_id, merchant_id, card_template_code, account_status, enroll_date, updated_at) VALUES (1, 1, 1, 'ACTIVE', '2026-11-20', '2026-11-20T19:02:12Z')`,
    );
    const [transaction] = await stream.next();
    const rows: SourceChange[] = [];
    await transaction?.forEachChange((change) => rows.push(change));
    expect(rows[0]?.row).toMatchObject({ enroll_date: '2026-11-20', updated_at: '2026-11-20 19:02:12+00' });
  });

  test('partitions arrive as their root table', async () => {
    await using s = await streaming({ tables: ['txn.transaction'] });
    const stream = s.stream();
    await stream.start();
    await s.db.sql(
      `INSERT INTO txn.transaction (transaction_id, posted_at, merchant_id, transaction_type, result, origin)
       VALUES (1, now(), 1, 'ADD_REDEEM', 'AUTHORIZED', 'POS'), (2, '1999-01-01', 1, 'ADD_REDEEM', 'AUTHORIZED', 'POS')`,
    );
    const [transaction] = await stream.next();
    const tables: string[] = [];
    await transaction?.forEachChange((change) => tables.push(change.table));
    expect(tables).toEqual(['txn.transaction', 'txn.transaction']);
  });

  test('TRUNCATE yields nothing and is counted', async () => {
    await using s = await streaming();
    const counted: number[] = [];
    const stream = s.stream({ observer: { onTruncate: (relations) => counted.push(relations) } });
    await stream.start();
    await s.db.sql(`TRUNCATE loyalty.tier`);
    await s.db.sql(tier('after'));
    expect((await takeLabels(stream, 1)).labels).toEqual(['after']);
    expect(counted).toEqual([1]);
  });
});

describe('ends', () => {
  test('stop ends a waiting next with nothing, frees the slot and may be called again', async () => {
    await using s = await streaming();
    const stream = s.stream();
    await stream.start();
    const waiting = stream.next();
    await Promise.all([stream.stop(), stream.stop()]);
    expect(await waiting).toEqual([]);
    expect(await stream.next()).toEqual([]);
    await until(async () => {
      const { rows } = await s.db.sql<{ active: boolean }>('SELECT active FROM pg_replication_slots');
      return rows.every((row) => !row.active);
    }, 'the slot is free');
  });

  test('stop carries the last confirmed position, also in the midst of a stream', async () => {
    await using s = await streaming();
    const stream = s.stream();
    await stream.start();
    await s.db.sql(tier('a'));
    const { ends } = await takeLabels(stream, 1);
    await s.db.sql(`INSERT INTO loyalty.tier SELECT 1, 1, 100000 + i, 'x' FROM generate_series(1, 20000) i`);
    stream.confirm(ends[0] as Lsn);
    await stream.stop();
    expect(await s.confirmedFlush()).toBe(ends[0]);
  });

  test('stop while connecting gives up the attempt at once', async () => {
    await using s = await streaming();
    // Accepts and never answers.
    const { createServer } = await import('node:net');
    const deaf = createServer(() => undefined);
    await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
    const { port } = deaf.address() as { port: number };
    const stream = s.stream({ connection: { host: '127.0.0.1', port, user: 'x', database: 'x' } });
    const starting = stream.start();
    const started = expect(starting).rejects.toMatchObject({ code: 'REPLICATION_LOST' });
    const begun = Date.now();
    await stream.stop();
    await started;
    expect(Date.now() - begun).toBeLessThan(1_500);
    await new Promise((resolve) => deaf.close(resolve));
  });

  test('a lost connection is a retryable failure; a new stream goes on from the confirmed position and loses nothing', async () => {
    await using s = await streaming();
    const first = s.stream();
    await first.start();
    await s.db.sql(tier('a'));
    await s.db.sql(tier('b'));
    const taken = await takeLabels(first, 2);
    first.confirm(taken.ends[0] as Lsn);
    await until(async () => (await s.confirmedFlush()) === taken.ends[0], 'a is confirmed');
    await s.db.sql('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1', [
      s.slot,
    ]);
    await expect(first.next()).rejects.toMatchObject({
      code: 'REPLICATION_LOST',
      action: 'retry',
      facts: { sqlState: '57P01' },
    });
    await first.stop();
    await s.db.sql(tier('c'));
    const second = s.stream();
    await second.start();
    expect((await takeLabels(second, 2)).labels).toEqual(['b', 'c']);
  });

  test('a failure inside the stream is latched: nothing after it is taken in or confirmed', async () => {
    await using s = await streaming();
    const stream = s.stream({
      observer: {
        onTruncate: () => {
          throw new Error('latch me');
        },
      },
    });
    // All three wait in the WAL, so that they arrive in one read of the socket: pausing alone would not hold them off.
    await s.db.sql(tier('before'));
    await s.db.sql('TRUNCATE loyalty.tier');
    await s.db.sql(tier('after'));
    await stream.start();
    expect((await takeLabels(stream, 1)).labels).toEqual(['before']);
    await expect(stream.next()).rejects.toThrow('latch me');
    await expect(stream.next()).rejects.toThrow('latch me');
    await stream.stop();
    const again = s.stream();
    await again.start();
    expect((await takeLabels(again, 2)).labels).toEqual(['before', 'after']);
  });
});

describe('starts that are refused', () => {
  test('a slot held by another process has a code of its own, and is free for the one that waits once it ends', async () => {
    await using s = await streaming();
    const holder = s.stream();
    await holder.start();
    const waiting = s.stream();
    await expect(waiting.start()).rejects.toMatchObject({ code: 'SLOT_ACTIVE', action: 'retry' });
    await holder.stop();
    const successor = s.stream();
    await successor.start();
    await s.db.sql(tier('a'));
    expect((await takeLabels(successor, 1)).labels).toEqual(['a']);
  });

  test('each other reason is told by its code', async () => {
    await using s = await streaming();
    const { db } = s;
    await expect(s.stream({ slotName: 'not_there' }).start()).rejects.toMatchObject({
      code: 'SLOT_MISSING',
      action: 'stop',
    });
    await expect(s.stream({ publicationName: 'not_there' }).start()).rejects.toMatchObject({
      code: 'PUBLICATION_MISSING',
      action: 'stop',
    });
    const physical = `physical_${db.name}`;
    await db.sql(`SELECT pg_create_physical_replication_slot('${physical}')`);
    await expect(s.stream({ slotName: physical }).start()).rejects.toMatchObject({ code: 'SLOT_UNUSABLE' });
    await db.sql(`SELECT pg_drop_replication_slot('${physical}')`);
    const role = `r_${db.name}`;
    await db.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'p'`);
    const url = new URL(db.url);
    url.username = role;
    url.password = 'p';
    await expect(s.stream({ connection: { connectionString: url.href } }).start()).rejects.toMatchObject({
      code: 'REPLICATION_RIGHTS',
    });
    await db.sql(`DROP ROLE ${role}`);
    url.pathname = '/no_such_database';
    url.username = new URL(db.url).username;
    url.password = new URL(db.url).password;
    await expect(s.stream({ connection: { connectionString: url.href } }).start()).rejects.toMatchObject({
      code: 'DATABASE_MISSING',
    });
    await expect(s.stream({ connection: { host: '127.0.0.1', port: 1 } }).start()).rejects.toMatchObject({
      code: 'REPLICATION_LOST',
      action: 'retry',
    });
  });
});

describe('schema drift', () => {
  test('a column dropped in mid-stream stops at its first row, with table and column; what came before is whole', async () => {
    await using s = await streaming();
    const stream = s.stream();
    await stream.start();
    await s.db.sql(tier('before'));
    expect((await takeLabels(stream, 1)).labels).toEqual(['before']);
    await s.db.sql('ALTER TABLE loyalty.tier DROP COLUMN label');
    await s.db.sql('INSERT INTO loyalty.tier VALUES (1, 1, 5000)');
    const [transaction] = await stream.next();
    expect(() => transaction?.forEachChange(() => undefined)).toThrow(
      expect.objectContaining({
        code: 'SCHEMA_DRIFT',
        action: 'stop',
        facts: { table: 'loyalty.tier', column: 'label' },
      }),
    );
  });

  test('a column no longer published is drift, too', async () => {
    await using s = await streaming();
    const stream = s.stream();
    await stream.start();
    await s.db.sql(
      'ALTER PUBLICATION pub SET TABLE loyalty.tier (merchant_id, card_template_code, tier_code)',
    );
    await s.db.sql(tier('unseen'));
    const [transaction] = await stream.next();
    expect(() => transaction?.forEachChange(() => undefined)).toThrow(
      expect.objectContaining({ code: 'SCHEMA_DRIFT', facts: { table: 'loyalty.tier', column: 'label' } }),
    );
  });

  test('a column added in the midst of a transaction disturbs no row before or after it', async () => {
    await using s = await streaming();
    const stream = s.stream();
    await stream.start();
    await s.db.sql(
      `BEGIN; ${tier('a')}; ALTER TABLE loyalty.tier ADD COLUMN colour text DEFAULT 'red'; ${tier('b').replace(/\)$/, ", 0, 'blue')")}; COMMIT`,
    );
    const [transaction] = await stream.next();
    expect(transaction && (await labels(transaction))).toEqual(['a', 'b']);
  });
});
