import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { SourceChange, Transaction } from '../../src/changes/transaction.js';
import { ConnectorError } from '../../src/errors/connector-error.js';
import { Assembler } from '../../src/replication/assembler.js';
import { PgoutputDecoder } from '../../src/replication/pgoutput.js';
import { RelationRegistry } from '../../src/replication/relations.js';
import { runs } from '../support/fuzz-runs.js';
import { damagedStream, wholeStream } from './hostile-streams.js';
import { mappedColumns, relationMessage, rowMessage, tuple } from './pgoutput-messages.js';
import { changeOf, ReferenceReader, Refused, type ReferenceTransaction } from './reference-reader.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hostile-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** What a stream came to: transactions with their changes, and how each walk and the whole ended. */
interface Outcome {
  readonly transactions: {
    readonly head: readonly [number, bigint, bigint, bigint];
    readonly changes: readonly unknown[];
    readonly walk: string;
  }[];
  readonly end: string;
  /** Messages taken before the end. */
  readonly taken: number;
}

async function codeOf(work: () => void | Promise<void>): Promise<string> {
  try {
    await work();
    return 'whole';
  } catch (error) {
    if (error instanceof ConnectorError || error instanceof Refused) return error.code;
    throw error;
  }
}

async function ours(stream: readonly Buffer[], memoryBytes: number | undefined): Promise<Outcome> {
  const assembler = new Assembler({
    spill: { path: directory, slotName: 'seg' },
    now: () => 42,
    ...(memoryBytes === undefined ? {} : { transactionMemoryBytes: memoryBytes, blockBytes: 256 }),
  });
  const done: Transaction[] = [];
  let taken = 0;
  const end = await codeOf(() => {
    for (const message of stream) {
      // As the socket does it: the bytes are overwritten as soon as the message was taken.
      const received = Buffer.from(message);
      const transaction = assembler.accept(received);
      received.fill(0xee);
      if (transaction !== null) done.push(transaction);
      taken += 1;
    }
  });
  assembler.discard();
  const transactions: Outcome['transactions'] = [];
  for (const transaction of done) {
    const { xid, commitLsn, endLsn, commitTimeUs } = transaction;
    const changes: SourceChange[] = [];
    const walk = await codeOf(() => transaction.forEachChange((change) => changes.push(change)));
    transactions.push({ head: [xid, commitLsn, endLsn, BigInt(commitTimeUs)], changes, walk });
    transaction.release();
  }
  expect(readdirSync(directory)).toEqual([]);
  return { transactions, end, taken };
}

async function reference(stream: readonly Buffer[]): Promise<Outcome> {
  const reader = new ReferenceReader();
  const done: ReferenceTransaction[] = [];
  let taken = 0;
  const end = await codeOf(() => {
    for (const message of stream) {
      const transaction = reader.accept(message);
      if (transaction !== null) done.push(transaction);
      taken += 1;
    }
  });
  const transactions: Outcome['transactions'] = [];
  for (const { xid, commitLsn, endLsn, commitTimeUs, rows } of done) {
    const changes: unknown[] = [];
    const walk = await codeOf(() => {
      for (const row of rows) changes.push(changeOf(row));
    });
    transactions.push({ head: [xid, commitLsn, endLsn, commitTimeUs], changes, walk });
  }
  return { transactions, end, taken };
}

const memory = fc.constantFrom(undefined, undefined, 300);

describe('a stream of messages', () => {
  test('as a server sends it comes out as the protocol’s page says, held in memory or in a file', async () => {
    await fc.assert(
      fc.asyncProperty(wholeStream(), memory, async (stream, memoryBytes) => {
        const outcome = await ours(stream, memoryBytes);
        expect(outcome).toStrictEqual(await reference(stream));
        expect(outcome.end).toBe('whole');
      }),
      runs(150),
    );
  });

  test('damaged in any way is refused exactly where it stops meaning something, with a code, and what came before is right', async () => {
    await fc.assert(
      fc.asyncProperty(damagedStream(), memory, async (stream, memoryBytes) => {
        expect(await ours(stream, memoryBytes)).toStrictEqual(await reference(stream));
      }),
      runs(1_000),
    );
  });
});

describe('what a message claims', () => {
  const CHECK_CARD = 'txn.check_card';
  const decoder = new PgoutputDecoder();

  test('costs no memory before it is there: columns, values, relations', async () => {
    const relation = relationMessage(7, CHECK_CARD, mappedColumns(CHECK_CARD));
    const columnsAt = relation.indexOf('check_id') - 3;
    const claims = Buffer.from(relation);
    claims.writeUInt16BE(0xffff, columnsAt);
    const version = new RelationRegistry().accept(relation);
    const row = rowMessage('I', 7, tuple('N', ['1', '2', '9.50']));
    row.writeUInt32BE(0xfffffff0, row.indexOf('t') + 1);
    const before = process.memoryUsage();
    for (let i = 0; i < 300; i += 1) {
      expect(await codeOf(() => void new RelationRegistry().accept(claims))).toBe('WAL_DECODE');
      expect(await codeOf(() => void decoder.change(version, row, 0, row.length))).toBe('WAL_DECODE');
    }
    const after = process.memoryUsage();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(16 * 1024 * 1024);
  });

  test.each([
    ['not UTF-8', Buffer.from([0xc3, 0x28])],
    ['cut within a character', Buffer.from('🍕').subarray(0, 3)],
    ['a lone surrogate', Buffer.from([0xed, 0xa0, 0x80])],
    ['a zero byte, which would pass for the mark of an exact number', Buffer.from('\x001')],
  ])('a value that is %s is refused, not mended, in short rows and in long ones', async (_name, bytes) => {
    const version = new RelationRegistry().accept(relationMessage(7, CHECK_CARD, mappedColumns(CHECK_CARD)));
    for (const length of [3, 3_000]) {
      const row = rowMessage('I', 7, tuple('N', ['1', '?'.repeat(bytes.length), 'x'.repeat(length)]));
      bytes.copy(row, row.indexOf('?'));
      expect(await codeOf(() => void decoder.change(version, row, 0, row.length))).toBe('WAL_DECODE');
    }
  });

  test('the replacement character itself is an ordinary one', () => {
    const version = new RelationRegistry().accept(relationMessage(7, CHECK_CARD, mappedColumns(CHECK_CARD)));
    const row = rowMessage('I', 7, tuple('N', ['\uFFFD', '2', 'x'.repeat(2_000)]));
    expect(decoder.change(version, row, 0, row.length).row).toMatchObject({ check_id: '\uFFFD' });
  });

  test('a column described twice is refused: nobody knows which one is meant', async () => {
    const twice = relationMessage(7, CHECK_CARD, [...mappedColumns(CHECK_CARD), { name: 'amount_paid' }]);
    expect(await codeOf(() => void new RelationRegistry().accept(twice))).toBe('WAL_DECODE');
  });
});
