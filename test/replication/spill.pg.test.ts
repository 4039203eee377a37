import { readdirSync } from 'node:fs';

import { expect, test } from 'vitest';

import { streaming, takeLabels, tier, until } from './streaming.js';

const MIB = 1_048_576;

test('a transaction of 200,000 rows passes at flat memory, whole and in order, and leaves no file', async () => {
  await using s = await streaming();
  let spills = 0;
  const stream = s.stream({
    transactionMemoryBytes: 4 * MIB,
    observer: {
      onSpill: () => {
        spills += 1;
      },
    },
  });
  await stream.start();
  // Warm: what the process needs in any case is not the transaction's.
  await s.db.sql(tier('warm'));
  await takeLabels(stream, 1);
  const base = process.memoryUsage().rss;
  let peak = 0;
  const sampling = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss - base);
  }, 5);
  await s.db.sql(
    `INSERT INTO loyalty.tier SELECT 1, 1, 100000 + i, i || repeat('x', 600) FROM generate_series(1, 200000) i`,
  );
  const [transaction] = await stream.next();
  expect(transaction?.rowCount).toBe(200_000);
  expect(transaction?.byteLength).toBeGreaterThan(120 * MIB);
  expect(spills).toBe(1);
  expect(readdirSync(s.spillDir)).toHaveLength(1);
  let rows = 0;
  let inOrder = true;
  await transaction?.forEachChange((change) => {
    rows += 1;
    if (change.table !== 'loyalty.tier' || Number.parseInt(change.row?.label ?? '', 10) !== rows)
      inOrder = false;
  });
  clearInterval(sampling);
  expect({ rows, inOrder }).toEqual({ rows: 200_000, inOrder: true });
  expect(Math.round(peak / MIB)).toBeLessThan(64);
  transaction?.release();
  expect(readdirSync(s.spillDir)).toEqual([]);
  expect(stream.bufferedBytes).toBe(0);
});

test('a connection lost in the midst of a large transaction leaves no file, and the next stream has it whole', async () => {
  await using s = await streaming();
  let spilled = false;
  const first = s.stream({
    transactionMemoryBytes: MIB,
    observer: {
      onSpill: () => {
        spilled = true;
        void s.db.sql(
          'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1',
          [s.slot],
        );
      },
    },
  });
  await first.start();
  await s.db.sql(
    `INSERT INTO loyalty.tier SELECT 1, 1, 100000 + i, repeat('x', 1000) FROM generate_series(1, 50000) i`,
  );
  await expect(first.next()).rejects.toMatchObject({ code: 'REPLICATION_LOST' });
  await until(() => spilled, 'it had spilled');
  expect(readdirSync(s.spillDir)).toEqual([]);
  await first.stop();
  const second = s.stream();
  await second.start();
  expect((await takeLabels(second, 50_000)).labels).toHaveLength(50_000);
});
