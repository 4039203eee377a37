import type { Lsn } from '../../src/postgres/lsn.js';
import { columnsOf, type TableName } from '../../src/records/tables.js';

/** Writes pgoutput protocol version 1 messages as the protocol's page describes them, independent of the decoder. */
export type TestValue = string | null | undefined;

const u8 = (value: number): Buffer => Buffer.from([value]);
const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
};
const cstring = (text: string): Buffer => Buffer.concat([Buffer.from(text, 'utf8'), u8(0)]);
const letter = (text: string): Buffer => Buffer.from(text, 'latin1');
const EPOCH_US = 946_684_800_000_000n;

export const lsn = (value: bigint): Lsn => value as Lsn;

/** @param options.commitLsn the COMMIT's; default 90. */
export function beginMessage(options: { xid?: number; commitLsn?: bigint } = {}): Buffer {
  return Buffer.concat([letter('B'), u64(options.commitLsn ?? 90n), u64(0n), u32(options.xid ?? 700)]);
}

export function commitMessage(options: { commitLsn: bigint; endLsn: bigint; timeUs?: bigint }): Buffer {
  const time = (options.timeUs ?? 1_790_000_000_000_000n) - EPOCH_US;
  return Buffer.concat([
    letter('C'),
    u8(0),
    u64(options.commitLsn),
    u64(options.endLsn),
    u64(BigInt.asUintN(64, time)),
  ]);
}

export interface TestColumn {
  readonly name: string;
  readonly key?: boolean;
}

export function relationMessage(
  id: number,
  table: string | readonly [schema: string, name: string],
  columns: readonly TestColumn[],
  identity = 'd',
): Buffer {
  const [schema, name] = typeof table === 'string' ? table.split('.') : table;
  return Buffer.concat([
    letter('R'),
    u32(id),
    cstring(schema ?? ''),
    cstring(name ?? ''),
    letter(identity),
    u16(columns.length),
    ...columns.map((column) =>
      Buffer.concat([u8(column.key === true ? 1 : 0), cstring(column.name), u32(25), u32(0xffffffff)]),
    ),
  ]);
}

export function mappedColumns(table: TableName, keys: readonly string[] = []): TestColumn[] {
  return columnsOf(table).map((name) => ({ name, key: keys.includes(name) }));
}

export function tuple(kind: 'N' | 'O' | 'K', values: readonly TestValue[]): Buffer {
  return Buffer.concat([
    letter(kind),
    u16(values.length),
    ...values.map((value) => {
      if (value === undefined) return letter('u');
      if (value === null) return letter('n');
      const bytes = Buffer.from(value, 'utf8');
      return Buffer.concat([letter('t'), u32(bytes.length), bytes]);
    }),
  ]);
}

export function rowMessage(op: 'I' | 'U' | 'D', relationId: number, ...tuples: Buffer[]): Buffer {
  return Buffer.concat([letter(op), u32(relationId), ...tuples]);
}

export function truncateMessage(...relationIds: number[]): Buffer {
  return Buffer.concat([letter('T'), u32(relationIds.length), u8(0), ...relationIds.map(u32)]);
}

export function originMessage(): Buffer {
  return Buffer.concat([letter('O'), u64(1n), cstring('elsewhere')]);
}

export function typeMessage(): Buffer {
  return Buffer.concat([letter('Y'), u32(99), cstring('public'), cstring('mood')]);
}

export function logicalMessage(): Buffer {
  return Buffer.concat([letter('M'), u8(1), u64(5n), cstring('prefix'), u32(2), Buffer.from('hi')]);
}
