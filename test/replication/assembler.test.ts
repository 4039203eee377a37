import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { SourceChange, Transaction } from '../../src/changes/transaction.js';
import { Assembler, type AssemblerOptions } from '../../src/replication/assembler.js';
import { removeLeftovers } from '../../src/replication/spill.js';
import {
  beginMessage,
  commitMessage,
  logicalMessage,
  mappedColumns,
  originMessage,
  relationMessage,
  rowMessage,
  truncateMessage,
  tuple,
  typeMessage,
} from './pgoutput-messages.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spill-test-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function assembler(options: Partial<AssemblerOptions> = {}): Assembler {
  return new Assembler({ spill: { path: directory, slotName: 'seg' }, now: () => 42, ...options });
}

const RELATION = relationMessage(7, 'txn.check_card', mappedColumns('txn.check_card'));
const insert = (id: number): Buffer => rowMessage('I', 7, tuple('N', [String(id), '2', '9.50']));
const COMMIT = commitMessage({ commitLsn: 90n, endLsn: 100n });

/** As the socket does it: one buffer for all messages, overwritten by the next. */
function feed(target: Assembler, messages: readonly Buffer[]): Transaction[] {
  const received = Buffer.alloc(Math.max(...messages.map((message) => message.length)));
  const done: Transaction[] = [];
  for (const message of messages) {
    received.fill(0xee);
    message.copy(received);
    const transaction = target.accept(received.subarray(0, message.length));
    if (transaction !== null) done.push(transaction);
  }
  received.fill(0xee);
  return done;
}

async function idsOf(transaction: Transaction | undefined): Promise<string[]> {
  const ids: string[] = [];
  await transaction?.forEachChange((change: SourceChange) => {
    if (change.table === 'txn.check_card') ids.push(change.row?.check_id ?? '');
  });
  return ids;
}

describe('one transaction', () => {
  test('is given at its COMMIT with its positions, whole and in order, from copied bytes', async () => {
    const [transaction] = feed(assembler(), [
      beginMessage({ xid: 12 }),
      originMessage(),
      typeMessage(),
      RELATION,
      insert(1),
      logicalMessage(),
      insert(2),
      COMMIT,
    ]);
    expect(transaction).toMatchObject({
      xid: 12,
      commitLsn: 90n,
      endLsn: 100n,
      rowCount: 2,
      receivedAtMs: 42,
    });
    expect(await idsOf(transaction)).toEqual(['1', '2']);
    expect(await idsOf(transaction)).toEqual(['1', '2']);
  });

  test('that is large is walked in turns with everything else, in order, again and again', async () => {
    const ids = Array.from({ length: 2_000 }, (_, n) => n);
    const [transaction] = feed(assembler({ blockBytes: 1_000 }), [
      beginMessage(),
      RELATION,
      ...ids.map(insert),
      COMMIT,
    ]);
    for (let walk = 0; walk < 2; walk += 1) {
      let turns = 0;
      let over = false;
      const others = (async () => {
        for (; !over; turns += 1) await setImmediate();
      })();
      expect(await idsOf(transaction)).toEqual(ids.map(String));
      over = true;
      await others;
      expect(turns).toBeGreaterThan(20);
    }
  });

  test('holds no rows of tables that are not mapped', () => {
    const [transaction] = feed(assembler(), [
      beginMessage(),
      relationMessage(8, 'public.other', [{ name: 'a' }]),
      rowMessage('I', 8, tuple('N', ['x'])),
      COMMIT,
    ]);
    expect(transaction).toMatchObject({ rowCount: 0, byteLength: 0 });
  });

  test('reads each row by the version of its table that was in force when it was sent', async () => {
    const [transaction] = feed(assembler(), [
      beginMessage(),
      RELATION,
      insert(1),
      relationMessage(7, 'txn.check_card', [{ name: 'extra' }, ...mappedColumns('txn.check_card')]),
      rowMessage('I', 7, tuple('N', ['x', '2', '2', '1'])),
      COMMIT,
    ]);
    expect(await idsOf(transaction)).toEqual(['1', '2']);
  });

  test('a TRUNCATE yields no change and is counted', async () => {
    const truncated: number[] = [];
    const [transaction] = feed(assembler({ observer: { onTruncate: (n) => truncated.push(n) } }), [
      beginMessage(),
      RELATION,
      truncateMessage(7, 9),
      COMMIT,
    ]);
    expect(truncated).toEqual([2]);
    expect(await idsOf(transaction)).toEqual([]);
  });

  test('cannot be walked after it was released', () => {
    const [transaction] = feed(assembler(), [beginMessage(), RELATION, insert(1), COMMIT]);
    transaction?.release();
    expect(() => transaction?.forEachChange(() => undefined)).toThrow('released');
  });

  test.each([
    ['a row outside a transaction', [RELATION, insert(1)]],
    ['a row of a table never described', [beginMessage(), insert(1)]],
    ['a BEGIN inside a transaction', [beginMessage(), beginMessage()]],
    ['a COMMIT outside one', [COMMIT]],
    ['a TRUNCATE outside one', [RELATION, truncateMessage(7)]],
    ['a COMMIT of another transaction', [beginMessage({ commitLsn: 89n }), COMMIT]],
    ['a COMMIT that ends where it starts', [beginMessage(), commitMessage({ commitLsn: 90n, endLsn: 90n })]],
    [
      'a COMMIT longer than any record',
      [beginMessage(), commitMessage({ commitLsn: 90n, endLsn: 90n + 2n ** 40n })],
    ],
    ['a COMMIT out of commit order', [beginMessage(), COMMIT, beginMessage(), COMMIT]],
    ['a message of protocol version 2', [Buffer.from('S\0\0\0\x01\x01', 'latin1')]],
    ['an empty message', [Buffer.alloc(0)]],
  ])('%s is refused', (_name, messages) => {
    expect(() => feed(assembler(), messages)).toThrow(expect.objectContaining({ code: 'WAL_DECODE' }));
  });
});

describe('many transactions', () => {
  test('share blocks without seeing each other’s rows, in whatever order they are released', async () => {
    const target = assembler({ blockBytes: 128 });
    const released: bigint[] = [];
    const other = assembler({ blockBytes: 128, onRelease: (t) => released.push(t.endLsn) });
    for (const each of [target, other]) {
      const transactions = feed(
        each,
        [1, 2, 3, 4, 5].flatMap((n) => [
          beginMessage({ commitLsn: BigInt(n * 10) }),
          RELATION,
          ...Array.from({ length: n }, (_, i) => insert(n * 10 + i)),
          commitMessage({ commitLsn: BigInt(n * 10), endLsn: BigInt(n * 10 + 1) }),
        ]),
      );
      for (const index of [3, 0, 4, 1, 2]) {
        const n = index + 1;
        expect(await idsOf(transactions[index])).toEqual(
          Array.from({ length: n }, (_, i) => String(n * 10 + i)),
        );
        transactions[index]?.release();
        transactions[index]?.release();
      }
    }
    expect(released).toEqual([41n, 11n, 51n, 21n, 31n]);
  });
});

describe('a transaction past its memory budget', () => {
  const rows = 500;
  const messages = [beginMessage(), RELATION, ...Array.from({ length: rows }, (_, i) => insert(i)), COMMIT];
  const small = { transactionMemoryBytes: 2_000, blockBytes: 512 };

  test('goes to a file only its owner can read, comes back whole and in order, and leaves no file', async () => {
    const spilled: number[] = [];
    const [transaction] = feed(
      assembler({ ...small, observer: { onSpill: (xid) => spilled.push(xid) } }),
      messages,
    );
    expect(spilled).toEqual([700]);
    const [file] = readdirSync(directory);
    expect(file).toMatch(/^seg\.\d+\.\d+\.spill$/);
    expect(statSync(join(directory, file ?? '')).mode & 0o777).toBe(0o600);
    expect(transaction?.forEachChange(() => undefined)).toBeInstanceOf(Promise);
    const expected = Array.from({ length: rows }, (_, i) => String(i));
    expect(await idsOf(transaction)).toEqual(expected);
    expect(await idsOf(transaction)).toEqual(expected);
    transaction?.release();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('accounts only for what stays in memory', () => {
    const [transaction] = feed(assembler(small), messages) as { memoryBytes?: number; byteLength: number }[];
    expect(transaction?.byteLength).toBeGreaterThan(15_000);
    expect(transaction?.memoryBytes).toBeLessThan(4_000);
  });

  test('leaves the transactions around it alone', async () => {
    const all = feed(assembler(small), [
      beginMessage({ commitLsn: 10n }), RELATION, insert(7_000), commitMessage({ commitLsn: 10n, endLsn: 20n }),
      ...messages,
      beginMessage({ commitLsn: 110n }), insert(8_000), commitMessage({ commitLsn: 110n, endLsn: 120n }),
    ]); // prettier-ignore
    expect(await idsOf(all[0])).toEqual(['7000']);
    expect(await idsOf(all[1])).toHaveLength(rows);
    expect(await idsOf(all[2])).toEqual(['8000']);
  });

  test('a row larger than any block is held whole', async () => {
    const big = rowMessage('I', 7, tuple('N', ['1'.repeat(5_000), '2', '3']));
    const [transaction] = feed(assembler(small), [
      beginMessage(),
      RELATION,
      insert(1),
      big,
      big,
      insert(2),
      COMMIT,
    ]);
    expect((await idsOf(transaction)).map((id) => id.length)).toEqual([1, 5_000, 5_000, 1]);
  });

  test('given up before its COMMIT it leaves no file', () => {
    const target = assembler(small);
    feed(target, messages.slice(0, -1));
    expect(readdirSync(directory)).toHaveLength(1);
    target.discard();
    expect(readdirSync(directory)).toHaveLength(0);
    expect(target.assembling).toBe(false);
  });

  test('a walk that is under way when the transaction is released fails, and the file is gone', async () => {
    const [transaction] = feed(assembler(small), messages);
    const walk = idsOf(transaction);
    transaction?.release();
    await expect(walk).rejects.toThrow('released');
    expect(readdirSync(directory)).toEqual([]);
  });

  test('a directory that cannot be written is told as such', () => {
    const gone = assembler({ ...small, spill: { path: join(directory, 'gone'), slotName: 'seg' } });
    expect(() => feed(gone, messages)).toThrow(
      expect.objectContaining({ code: 'SPILL_FAILED', action: 'retry' }),
    );
  });
});

test('leftovers of a killed process are removed for this slot alone', () => {
  for (const name of ['seg.1.1.spill', 'seg_replay.1.1.spill', 'seg.note'])
    writeFileSync(join(directory, name), '');
  expect(removeLeftovers({ path: directory, slotName: 'seg' })).toBe(1);
  expect(existsSync(join(directory, 'seg_replay.1.1.spill'))).toBe(true);
  expect(readdirSync(directory)).toHaveLength(2);
});
