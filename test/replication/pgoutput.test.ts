import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { ConnectorError } from '../../src/errors/connector-error.js';
import type { SourceTable } from '../../src/mapping/mapping.js';
import { PgoutputDecoder } from '../../src/replication/pgoutput.js';
import { RelationRegistry } from '../../src/replication/relations.js';
import {
  beginMessage,
  commitMessage,
  mappedColumns,
  relationMessage,
  rowMessage,
  truncateMessage,
  tuple,
  type TestValue,
} from './pgoutput-messages.js';

const decoder = new PgoutputDecoder();
const CHECK_CARD = 'txn.check_card';

function checkCard(): { registry: RelationRegistry; version: ReturnType<RelationRegistry['accept']> } {
  const registry = new RelationRegistry();
  const version = registry.accept(
    relationMessage(7, CHECK_CARD, mappedColumns(CHECK_CARD, ['check_id', 'card_id'])),
  );
  return { registry, version };
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ConnectorError) return error.code;
    throw error;
  }
  return 'none';
}

const decode = (message: Buffer, version = checkCard().version): unknown =>
  decoder.change(version, message, 0, message.length);

describe('row messages', () => {
  test('insert, update and delete keep nulls, unchanged TOAST and old rows apart', () => {
    const row = { check_id: '1', card_id: '2', amount_paid: '9.50' };
    expect(decode(rowMessage('I', 7, tuple('N', ['1', '2', '9.50'])))).toEqual({
      op: 'insert',
      table: CHECK_CARD,
      row,
      old: null,
    });
    expect(decode(rowMessage('U', 7, tuple('N', ['1', null, undefined])))).toStrictEqual({
      op: 'update',
      table: CHECK_CARD,
      row: { check_id: '1', card_id: null, amount_paid: undefined },
      old: null,
    });
    expect(decode(rowMessage('U', 7, tuple('O', ['1', '2', '8']), tuple('N', ['1', '2', '9.50'])))).toEqual({
      op: 'update',
      table: CHECK_CARD,
      row,
      old: { check_id: '1', card_id: '2', amount_paid: '8' },
    });
    expect(decode(rowMessage('D', 7, tuple('O', ['1', '2', null])))).toStrictEqual({
      op: 'delete',
      table: CHECK_CARD,
      row: null,
      old: { check_id: '1', card_id: '2', amount_paid: null },
    });
  });

  test('a key-only old row knows nothing of the other columns: undefined, not null', () => {
    expect(decode(rowMessage('D', 7, tuple('K', ['1', '2', null])))).toStrictEqual({
      op: 'delete',
      table: CHECK_CARD,
      row: null,
      old: { check_id: '1', card_id: '2', amount_paid: undefined },
    });
  });

  test('columns are found by name: order and unmapped columns on the wire do not matter', () => {
    const registry = new RelationRegistry();
    const version = registry.accept(
      relationMessage(7, CHECK_CARD, [
        { name: 'note' },
        { name: 'amount_paid' },
        { name: 'card_id' },
        { name: 'check_id' },
      ]),
    );
    const change = decode(rowMessage('I', 7, tuple('N', ['secret', '3', '2', '1'])), version) as {
      row: Record<string, string>;
    };
    expect(Object.entries(change.row)).toEqual([
      ['check_id', '1'],
      ['card_id', '2'],
      ['amount_paid', '3'],
    ]);
  });

  test('any text survives in any column, in short rows and in rows too long to be sliced', () => {
    const value = fc.oneof(
      // A text of PostgreSQL holds no zero byte.
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '0')),
      fc.constant('Zoë 🍕'),
      fc.constant(null),
      fc.constant(undefined),
    );
    const long = fc.string({ minLength: 1_100, maxLength: 1_300 });
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 9, arbitrary: value }, { weight: 1, arbitrary: long }), {
          minLength: 3,
          maxLength: 3,
        }),
        (values) => {
          // As PostgreSQL's text is: no lone surrogates, no zero bytes.
          const clean = values.map((v): TestValue =>
            typeof v === 'string' ? Buffer.from(v).toString().replaceAll('\0', '') : v,
          );
          const decoded = decode(rowMessage('U', 7, tuple('O', clean), tuple('N', clean))) as {
            row: Record<string, TestValue>;
            old: Record<string, TestValue>;
          };
          expect(Object.values(decoded.row)).toStrictEqual(clean);
          expect(Object.values(decoded.old)).toStrictEqual(clean);
        },
      ),
    );
  });

  test('the bytes around a message are never part of it', () => {
    const message = rowMessage('I', 7, tuple('N', ['1', '2', '9.50']));
    const noise = Buffer.alloc(50, 0x74);
    const bytes = Buffer.concat([noise, message, noise]);
    const { version } = checkCard();
    expect(decoder.change(version, bytes, 50, 50 + message.length).row).toEqual({
      check_id: '1',
      card_id: '2',
      amount_paid: '9.50',
    });
  });
});

describe('bytes that are not pgoutput', () => {
  const rows = {
    insert: rowMessage('I', 7, tuple('N', ['1', '22', '9.50'])),
    update: rowMessage('U', 7, tuple('K', ['1', '22', null]), tuple('N', ['1', undefined, null])),
    delete: rowMessage('D', 7, tuple('O', ['1', '22', 'é'])),
  };

  test.each(Object.entries(rows))('%s: cut at any byte it is refused', (_name, message) => {
    for (let length = 0; length < message.length; length++) {
      const cut = Buffer.from(message.subarray(0, length));
      expect(
        codeOf(() => decode(cut)),
        `cut at ${length}`,
      ).toBe('WAL_DECODE');
    }
  });

  test.each(Object.entries(rows))('%s: followed by anything it is refused', (_name, message) => {
    expect(codeOf(() => decode(Buffer.concat([message, Buffer.from([0])])))).toBe('WAL_DECODE');
  });

  test('arbitrary bytes are refused or decoded whole, with no other error', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom(...Object.values(rows)),
        (noise, message) => {
          const bytes = Buffer.from(message);
          noise.forEach((byte, i) => {
            if (byte % 3 === 0 && i < bytes.length) bytes[i] = byte;
          });
          expect(['none', 'WAL_DECODE']).toContain(codeOf(() => decode(bytes)));
        },
      ),
    );
  });

  test.each([
    ['begin', beginMessage({ xid: 9 }), (m: Buffer) => decoder.begin(m)],
    ['commit', commitMessage({ commitLsn: 1n, endLsn: 2n }), (m: Buffer) => decoder.commit(m)],
    ['truncate', truncateMessage(7, 8), (m: Buffer) => decoder.truncate(m)],
    [
      'relation',
      relationMessage(7, CHECK_CARD, mappedColumns(CHECK_CARD)),
      (m: Buffer) => new RelationRegistry().accept(m),
    ],
  ])('%s: whole it is read, cut at any byte it is refused', (_name, message, read) => {
    expect(codeOf(() => read(message))).toBe('none');
    for (let length = 1; length < message.length; length++) {
      const cut = Buffer.from(message.subarray(0, length));
      expect(
        codeOf(() => read(cut)),
        `cut at ${length}`,
      ).toBe('WAL_DECODE');
    }
  });

  test.each([
    [
      'binary values, which were not asked for',
      Buffer.concat([rowMessage('I', 7), Buffer.from('N\0\x03bnn', 'latin1')]),
    ],
    ['a row with fewer columns than its relation', rowMessage('I', 7, tuple('N', ['1', '2']))],
    ['a row of another relation', rowMessage('I', 8, tuple('N', ['1', '2', '3']))],
    ['an insert with an old row', rowMessage('I', 7, tuple('O', ['1', '2', '3']))],
    ['an update with only an old row', rowMessage('U', 7, tuple('O', ['1', '2', '3']))],
    ['a delete with a new row', rowMessage('D', 7, tuple('N', ['1', '2', '3']))],
  ])('%s: refused', (_name, message) => {
    expect(codeOf(() => decode(message))).toBe('WAL_DECODE');
  });
});

describe('positions and times', () => {
  test('64-bit positions are exact and times are microseconds since 1970', () => {
    const commit = decoder.commit(
      commitMessage({
        commitLsn: 0xffff_ffff_8000_0001n,
        endLsn: 0xffff_ffff_ffff_ffffn,
        timeUs: 1_795_201_331_000_007n,
      }),
    );
    expect(commit).toEqual({
      commitLsn: 0xffff_ffff_8000_0001n,
      endLsn: 0xffff_ffff_ffff_ffffn,
      commitTimeUs: 1_795_201_331_000_007,
    });
  });

  test('times before 2000 are negative on the wire', () => {
    expect(decoder.commit(commitMessage({ commitLsn: 1n, endLsn: 2n, timeUs: 1n })).commitTimeUs).toBe(1);
  });
});

describe('relations', () => {
  test('a mapped column that is gone is told by table and column, when a row of that version is decoded', () => {
    const registry = new RelationRegistry();
    const version = registry.accept(
      relationMessage(7, CHECK_CARD, [{ name: 'check_id' }, { name: 'card_id' }]),
    );
    const message = rowMessage('I', 7, tuple('N', ['1', '2']));
    expect(() => decode(message, version)).toThrow(
      expect.objectContaining({ code: 'SCHEMA_DRIFT', facts: { table: CHECK_CARD, column: 'amount_paid' } }),
    );
  });

  test('a repeated description is the same version, so the registry does not grow with time', () => {
    const registry = new RelationRegistry();
    const whole = relationMessage(7, CHECK_CARD, mappedColumns(CHECK_CARD));
    const wider = relationMessage(7, CHECK_CARD, [...mappedColumns(CHECK_CARD), { name: 'tip' }]);
    const first = registry.accept(whole);
    for (let i = 0; i < 100; i++) registry.accept(i % 2 === 0 ? wider : whole);
    expect(registry.size).toBe(2);
    expect(registry.current(7)).toBe(first);
    expect(registry.at(0)).toBe(first);
  });

  test('a table that is not mapped is not bound, whatever its columns', () => {
    expect(
      new RelationRegistry().accept(relationMessage(9, 'public.other', [{ name: 'check_id' }])).table,
    ).toBeNull();
    expect(new RelationRegistry().accept(relationMessage(9, 'public.check_card', [])).table).toBeNull();
  });

  test('a mapping’s table is bound to its own columns, in the mapping’s order', () => {
    const columns = { b: 'nullable', 'A b': 'required' } as const;
    const table: SourceTable = { name: 'Sales.Order.Line', key: ['A b'], columns, identity: 'default' };
    const registry = new RelationRegistry(new Map([[table.name, table]]));
    const bind = (schema: string, name: string): ReturnType<RelationRegistry['accept']> =>
      registry.accept(
        relationMessage(7, [schema, name], [{ name: 'A b', key: true }, { name: 'secret' }, { name: 'b' }]),
      );
    const version = bind('Sales', 'Order.Line');
    expect(decode(rowMessage('I', 7, tuple('N', ['1', 'hush', null])), version)).toStrictEqual({
      op: 'insert',
      table: table.name,
      row: { b: null, 'A b': '1' },
      old: null,
    });
    // The same text, and another table: a name is split at its first dot.
    expect(bind('Sales.Order', 'Line').table).toBeNull();
    expect(registry.accept(relationMessage(8, CHECK_CARD, mappedColumns(CHECK_CARD))).table).toBeNull();
  });
});
