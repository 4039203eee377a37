import { columnsOf, isMappedTable, type TableName } from '../../src/records/tables.js';
import type { TestValue } from './pgoutput-messages.js';

/** The stream must be refused here. */
export class Refused extends Error {
  readonly code: 'WAL_DECODE' | 'SCHEMA_DRIFT';
  constructor(code: 'WAL_DECODE' | 'SCHEMA_DRIFT' = 'WAL_DECODE') {
    super(code);
    this.code = code;
  }
}

interface Relation {
  readonly id: number;
  readonly table: TableName | null;
  readonly columns: readonly { readonly name: string; readonly key: boolean }[];
}

export interface ReferenceChange {
  readonly op: 'insert' | 'update' | 'delete';
  readonly table: string;
  readonly row: Record<string, TestValue> | null;
  readonly old: Record<string, TestValue> | null;
}

export interface ReferenceTransaction {
  readonly xid: number;
  readonly commitLsn: bigint;
  readonly endLsn: bigint;
  readonly commitTimeUs: bigint;
  readonly rows: readonly { readonly relation: Relation; readonly message: Buffer }[];
}

/** Reads field by field and believes nothing: any step past the end refuses. */
class Fields {
  readonly #view: DataView;
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = at;
  }

  #read<T>(length: number, read: (at: number) => T): T {
    if (this.#at + length > this.#bytes.length) throw new Refused();
    this.#at += length;
    return read(this.#at - length);
  }

  byte = (): number => this.#read(1, (at) => this.#view.getUint8(at));
  letter = (): string => String.fromCharCode(this.byte());
  int16 = (): number => this.#read(2, (at) => this.#view.getUint16(at));
  int32 = (): number => this.#read(4, (at) => this.#view.getUint32(at));
  int64 = (): bigint => this.#read(8, (at) => this.#view.getBigUint64(at));
  signed64 = (): bigint => BigInt.asIntN(64, this.int64());

  text(length: number): string {
    const bytes = this.#read(length, (at) => this.#bytes.subarray(at, at + length));
    if (bytes.includes(0)) throw new Refused();
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new Refused();
    }
  }

  cstring(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end === -1) throw new Refused();
    const text = this.text(end - this.#at);
    this.byte();
    return text;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new Refused();
  }
}

/**
 * The protocol's page as a program: what a stream of pgoutput messages means, or where it stops meaning anything. Written to
 * be compared with, in the plainest way there is.
 * @see https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
export class ReferenceReader {
  readonly #relations = new Map<number, Relation>();
  #open: { xid: number; commitLsn: bigint; rows: { relation: Relation; message: Buffer }[] } | null = null;
  #lastEnd = 0n;

  /** @throws Refused */
  accept(message: Buffer): ReferenceTransaction | null {
    const fields = new Fields(message, 1);
    switch (message.toString('latin1', 0, 1)) {
      case 'B': {
        if (this.#open !== null) throw new Refused();
        const commitLsn = fields.int64();
        fields.int64();
        this.#open = { xid: fields.int32(), commitLsn, rows: [] };
        fields.end();
        return null;
      }
      case 'C': {
        const open = this.#open;
        if (open === null || fields.byte() !== 0) throw new Refused();
        const [commitLsn, endLsn] = [fields.int64(), fields.int64()];
        const commitTimeUs = fields.signed64() + 946_684_800_000_000n;
        fields.end();
        const exact =
          commitTimeUs === BigInt(Math.round(Number(commitTimeUs))) &&
          Number.isSafeInteger(Number(commitTimeUs));
        const ends = endLsn > commitLsn && endLsn - commitLsn <= 2n ** 31n && endLsn > this.#lastEnd;
        if (!exact || !ends || commitLsn !== open.commitLsn) throw new Refused();
        this.#open = null;
        this.#lastEnd = endLsn;
        return { ...open, endLsn, commitTimeUs };
      }
      case 'R': {
        const relation = relationOf(fields);
        this.#relations.set(relation.id, relation);
        return null;
      }
      case 'I':
      case 'U':
      case 'D': {
        const relation = this.#relations.get(fields.int32());
        if (this.#open === null || relation === undefined) throw new Refused();
        if (relation.table !== null) this.#open.rows.push({ relation, message: Buffer.from(message) });
        return null;
      }
      case 'T': {
        const count = fields.int32();
        fields.byte();
        if (this.#open === null || count > 0xffff) throw new Refused();
        for (let i = 0; i < count; i += 1) fields.int32();
        fields.end();
        return null;
      }
      case 'O':
      case 'Y':
      case 'M':
        return null;
      default:
        throw new Refused();
    }
  }
}

function relationOf(fields: Fields): Relation {
  const id = fields.int32();
  const schema = fields.cstring();
  const name = `${schema === '' ? 'pg_catalog' : schema}.${fields.cstring()}`;
  if (!'dnfi'.includes(fields.letter())) throw new Refused();
  const columns = Array.from({ length: fields.int16() }, () => {
    const key = fields.byte() % 2 === 1;
    const column = { key, name: fields.cstring() };
    fields.int64();
    return column;
  });
  fields.end();
  if (new Set(columns.map((column) => column.name)).size < columns.length) throw new Refused();
  return { id, table: isMappedTable(name) ? name : null, columns };
}

/** @throws Refused */
export function changeOf({ relation, message }: ReferenceTransaction['rows'][number]): ReferenceChange {
  const { table, columns } = relation;
  if (table === null) throw new Refused();
  const mapped = columnsOf(table);
  if (mapped.some((name) => !columns.some((column) => column.name === name)))
    throw new Refused('SCHEMA_DRIFT');
  const fields = new Fields(message, 5);
  const tuple = (kind: string): Record<string, TestValue> => {
    if (fields.int16() !== columns.length) throw new Refused();
    const values = new Map<string, TestValue>();
    for (const { name, key } of columns) {
      const tag = fields.letter();
      // Values of columns that are not mapped are nobody's: they are passed over unread.
      if (tag === 't') values.set(name, mapped.includes(name) ? fields.text(fields.int32()) : skip(fields));
      else if (tag === 'n') values.set(name, kind === 'K' && !key ? undefined : null);
      else if (tag === 'u') values.set(name, undefined);
      else throw new Refused();
    }
    return Object.fromEntries(mapped.map((name) => [name, values.get(name)]));
  };
  let kind = fields.letter();
  const wanted = (kinds: string): string => {
    if (!kinds.includes(kind)) throw new Refused();
    return kind;
  };
  let change: ReferenceChange;
  switch (message.toString('latin1', 0, 1)) {
    case 'I':
      change = { op: 'insert', table, row: tuple(wanted('N')), old: null };
      break;
    case 'U': {
      const old = 'OK'.includes(kind) ? tuple(kind) : null;
      if (old !== null) kind = fields.letter();
      change = { op: 'update', table, row: tuple(wanted('N')), old };
      break;
    }
    default:
      change = { op: 'delete', table, row: null, old: tuple(wanted('OK')) };
  }
  fields.end();
  return change;
}

function skip(fields: Fields): string {
  for (let left = fields.int32(); left > 0; left -= 1) fields.byte();
  return '';
}
