import { afterEach, describe, expect, test, vi } from 'vitest';

import { parseLsn, type Lsn } from '../../src/postgres/lsn.js';
import { Acker } from '../../src/replication/acker.js';
import type { WalStream } from '../../src/replication/wal-stream.js';
import { streaming, takeLabels, tier, until, type Streaming } from './streaming.js';

/** How often a constellation of WAL records is tried for: other tests write to the same cluster's WAL. */
const ATTEMPTS = 40;

afterEach(() => {
  vi.useRealTimers();
});

async function confirmed(s: Streaming, stream: WalStream, lsn: Lsn): Promise<void> {
  stream.confirm(lsn);
  await until(async () => (await s.confirmedFlush()) >= lsn, 'the position is confirmed');
}

describe('confirming a commit', () => {
  test('confirms exactly its end: a commit that starts right there is sent again after a restart', async () => {
    await using s = await streaming();
    const [one, two] = [await s.db.session(), await s.db.session()];
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const stream = s.stream();
      await stream.start();
      for (const [session, label] of [[one, 'first'], [two, 'second']] as const) {
        await session.query(`BEGIN; ${tier(label)}`);
      } // prettier-ignore
      await Promise.all([one.query('COMMIT'), two.query('COMMIT')]);
      const found: string[] = [];
      const positions: { commit: Lsn; end: Lsn }[] = [];
      while (positions.length < 2) {
        for (const transaction of await stream.next()) {
          positions.push({ commit: transaction.commitLsn, end: transaction.endLsn });
          await transaction.forEachChange((change) => {
            if (change.table === 'loyalty.tier' && change.row !== null) found.push(change.row.label ?? '');
          });
          transaction.release();
        }
      }
      const [earlier, later] = positions;
      if (earlier === undefined || later === undefined) throw new Error('two transactions were awaited');
      await confirmed(s, stream, earlier.end);
      expect(await s.confirmedFlush()).toBe(earlier.end);
      await stream.stop();
      const again = s.stream();
      await again.start();
      await s.db.sql(tier('marker'));
      const after = await takeLabels(again, 2);
      expect(after.labels).toEqual([found[1], 'marker']);
      await confirmed(s, again, after.ends[1] as Lsn);
      await again.stop();
      if (later.commit === earlier.end) return;
    }
    throw new Error('no two commit records ever stood next to each other');
  });

  test('nothing is confirmed but what was asked for, however long the stream stands', async () => {
    // The library's timer looks at Date; ours does not depend on either.
    vi.useFakeTimers({ toFake: ['setInterval', 'Date'] });
    await using s = await streaming();
    const before = await s.confirmedFlush();
    let sent = 0;
    const stream = s.stream({
      walSenderTimeoutMs: 300,
      observer: {
        onStatus: (confirmed) => {
          expect(confirmed).toBe(before);
          sent += 1;
        },
      },
    });
    await stream.start();
    await s.db.sql(tier('a'));
    expect((await takeLabels(stream, 1)).labels).toEqual(['a']);
    for (let second = 0; second < 120; second++) vi.advanceTimersByTime(1_000);
    vi.useRealTimers();
    const target = sent + 3;
    await until(() => sent >= target, 'statuses were sent');
    expect(stream.confirmed).toBe(before);
    await stream.stop();
    expect(await s.confirmedFlush()).toBe(before);
    const again = s.stream();
    await again.start();
    expect((await takeLabels(again, 1)).labels).toEqual(['a']);
  });

  test('a position never received is refused', async () => {
    await using s = await streaming();
    const stream = s.stream();
    await stream.start();
    expect(() => stream.confirm((stream.received + 1n) as Lsn)).toThrow(RangeError);
  });
});

describe('confirming a keepalive', () => {
  test('confirms exactly its position: a commit that starts right there is sent again after a restart', async () => {
    await using s = await streaming();
    const session = await s.db.session();
    await s.db.sql('CREATE TABLE unpublished (a int)');
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      let keepalive: Lsn | null = null;
      const stream: WalStream = s.stream({
        observer: {
          onKeepalive: (walEnd) => {
            keepalive = walEnd;
          },
        },
      });
      await stream.start();
      await session.query(`BEGIN; ${tier('open')}`);
      // A commit elsewhere flushes the open rows' WAL: the server sends nothing that is not flushed.
      await s.db.sql(`INSERT INTO unpublished VALUES (1)`);
      const { rows } = await s.db.sql<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn');
      const flushed = parseLsn(rows[0]?.lsn ?? '');
      await until(() => keepalive !== null && keepalive >= flushed, 'a keepalive past the open rows');
      const position = keepalive as unknown as Lsn;
      expect(stream.assembling).toBe(false);
      await confirmed(s, stream, position);
      expect(await s.confirmedFlush()).toBe(position);
      await stream.stop();
      await session.query('COMMIT');
      const again = s.stream();
      await again.start();
      await s.db.sql(tier('marker'));
      let commit: Lsn | null = null;
      const labels: string[] = [];
      let end: Lsn = position;
      while (labels.at(-1) !== 'marker') {
        for (const transaction of await again.next()) {
          commit ??= transaction.commitLsn;
          end = transaction.endLsn;
          await transaction.forEachChange((change) => {
            if (change.table === 'loyalty.tier') labels.push(change.row?.label ?? '');
          });
          transaction.release();
        }
      }
      expect(labels).toEqual(['open', 'marker']);
      await confirmed(s, again, end);
      await again.stop();
      if (commit === position) return;
    }
    throw new Error('no commit record ever stood at the position of the keepalive');
  });

  test('is not safe while a transaction waits to be taken or is in someone’s hands', async () => {
    await using s = await streaming();
    const seen: { walEnd: Lsn; assembling: boolean }[] = [];
    const stream: WalStream = s.stream({
      walSenderTimeoutMs: 300,
      observer: { onKeepalive: (walEnd) => seen.push({ walEnd, assembling: stream.assembling }) },
    });
    await s.db.sql('CREATE TABLE unpublished (a int)');
    await stream.start();
    await s.db.sql(tier('a'));
    const keepaliveAfter = async (): Promise<boolean | undefined> => {
      const known = seen.length;
      await s.db
        .sql(`SELECT pg_logical_emit_message(false, 'test', 'x', true)`)
        .catch(() => s.db.sql(`SELECT pg_logical_emit_message(false, 'test', 'x')`));
      await until(() => seen.length > known, 'a keepalive');
      return seen.at(-1)?.assembling;
    };
    await until(() => stream.bufferedBytes > 0, 'the transaction is here');
    expect(await keepaliveAfter()).toBe(true);
    const [transaction] = await stream.next();
    expect(await keepaliveAfter()).toBe(true);
    transaction?.release();
    expect(await keepaliveAfter()).toBe(false);
  });

  test('lets the slot follow an idle publication, so that it does not fill the server’s disk', async () => {
    await using s = await streaming();
    const acker = new Acker(await s.confirmedFlush());
    const stream: WalStream = s.stream({
      observer: {
        onKeepalive: (walEnd) => {
          if (acker.keepalive(walEnd, stream.assembling)) stream.confirm(acker.floor);
        },
      },
    });
    await stream.start();
    const before = await s.confirmedFlush();
    await s.db.sql(`CREATE TABLE unpublished AS SELECT repeat('x', 1000) FROM generate_series(1, 2000)`);
    await until(async () => (await s.confirmedFlush()) > before + 2_000_000n, 'the slot followed');
  });
});
