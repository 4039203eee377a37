import type { SourceChange, SourceRow } from '../changes/transaction.js';
import { ConnectorError } from '../errors/connector-error.js';
import type { Lsn } from '../postgres/lsn.js';
import { ByteReader, notPgoutput, utf8 } from './bytes.js';
import type { RelationVersion } from './relations.js';

/**
 * Messages of pgoutput, protocol version 1, by their first byte. Versions 2 and later add streamed and prepared
 * transactions, which are not asked for.
 * @see https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
export const MESSAGE = {
  begin: 0x42, // B
  commit: 0x43, // C
  origin: 0x4f, // O
  relation: 0x52, // R
  type: 0x59, // Y
  insert: 0x49, // I
  update: 0x55, // U
  delete: 0x44, // D
  truncate: 0x54, // T
  message: 0x4d, // M
} as const;

const TUPLE_NEW = 0x4e; // N
const TUPLE_OLD = 0x4f; // O: the whole row, REPLICA IDENTITY FULL
const TUPLE_KEY = 0x4b; // K: only the replica identity's columns

const VALUE_NULL = 0x6e; // n
const VALUE_UNCHANGED = 0x75; // u
const VALUE_TEXT = 0x74; // t

/**
 * Rows up to this length become one string whose parts are the values (five times fewer calls into C++, measured).
 * A part keeps the whole string alive, so a cached value of a longer row would pin far more than itself.
 */
const SLICED_ROW_BYTES = 1_024;

export interface BeginMessage {
  readonly xid: number;
  /** Where the commit record starts: the COMMIT message says it again. */
  readonly commitLsn: Lsn;
}

export interface CommitMessage {
  readonly commitLsn: Lsn;
  readonly endLsn: Lsn;
  readonly commitTimeUs: number;
}

type Value = string | null | undefined;

/**
 * Reads pgoutput messages by byte offset. Not re-entrant: it keeps one cursor and one scratch row.
 * @throws ConnectorError WAL_DECODE from every method when the bytes are not what the protocol says.
 */
export class PgoutputDecoder {
  readonly #reader = new ByteReader();
  readonly #scratch: Value[] = [];
  /** The row message as text, one character per byte; null for rows too long to be kept alive by their values. */
  #text: string | null = null;
  #textStart = 0;

  begin(message: Buffer): BeginMessage {
    const reader = this.#reader.over(message, 1, message.length);
    const commitLsn = reader.lsn();
    reader.take(8); // the commit's time: the COMMIT message has it, too
    const xid = reader.u32();
    reader.finish();
    return { xid, commitLsn };
  }

  commit(message: Buffer): CommitMessage {
    const reader = this.#reader.over(message, 1, message.length);
    if (reader.u8() !== 0) notPgoutput('unknown flags of a commit', 1);
    const commitLsn = reader.lsn();
    const endLsn = reader.lsn();
    const commitTimeUs = reader.timestampUs();
    reader.finish();
    return { commitLsn, endLsn, commitTimeUs };
  }

  /** The relation of a row message, all that is needed to tell whether it is worth holding. */
  relationIdOf(message: Buffer): number {
    return this.#reader.over(message, 1, message.length).u32();
  }

  /** How many relations a TRUNCATE names. */
  truncate(message: Buffer): number {
    const reader = this.#reader.over(message, 1, message.length);
    const relations = reader.u32();
    reader.u8();
    if (relations > 0xffff) notPgoutput('a TRUNCATE of too many relations', 1);
    reader.take(4 * relations);
    reader.finish();
    return relations;
  }

  /**
   * The change of a row message at `bytes[start, end)`, its mapped columns only.
   * @throws ConnectorError SCHEMA_DRIFT when the version lacks a mapped column; WAL_DECODE.
   */
  change(version: RelationVersion, bytes: Buffer, start: number, end: number): SourceChange {
    const table = version.table;
    if (table === null) notPgoutput('a held row of a table that is not mapped', start);
    if (version.missingColumn !== null) throw schemaDrift(version.qualifiedName, version.missingColumn);
    const reader = this.#reader.over(bytes, start, end);
    const kind = reader.u8();
    if (reader.u32() !== version.relationId) notPgoutput('a row of another relation', start + 1);
    this.#textStart = start;
    this.#text = end - start <= SLICED_ROW_BYTES ? bytes.toString('latin1', start, end) : null;
    let op: SourceChange['op'];
    let row: SourceRow | null = null;
    let old: SourceRow | null = null;
    let tuple = reader.u8();
    switch (kind) {
      case MESSAGE.insert:
        op = 'insert';
        if (tuple !== TUPLE_NEW) notPgoutput('an INSERT without its row', reader.position - 1);
        row = this.#tuple(version, bytes, tuple);
        break;
      case MESSAGE.update:
        op = 'update';
        if (tuple === TUPLE_OLD || tuple === TUPLE_KEY) {
          old = this.#tuple(version, bytes, tuple);
          tuple = reader.u8();
        }
        if (tuple !== TUPLE_NEW) notPgoutput('an UPDATE without its row', reader.position - 1);
        row = this.#tuple(version, bytes, tuple);
        break;
      case MESSAGE.delete:
        op = 'delete';
        if (tuple !== TUPLE_OLD && tuple !== TUPLE_KEY) {
          notPgoutput('a DELETE without the old row', reader.position - 1);
        }
        old = this.#tuple(version, bytes, tuple);
        break;
      default:
        notPgoutput('not a row message', start);
    }
    reader.finish();
    // Which of the rows is there follows from the operation, above.
    return { op, table, row, old } as SourceChange;
  }

  /** One tuple as an object. Keys are assigned in the mapping's order, so all rows of a table share one hidden class. */
  #tuple(version: RelationVersion, bytes: Buffer, kind: number): SourceRow {
    const reader = this.#reader;
    const { target, inKey, columns } = version;
    const countAt = reader.position;
    const count = reader.u16();
    if (count !== target.length) notPgoutput('a row with another number of columns', countAt);
    const keyOnly = kind === TUPLE_KEY;
    const scratch = this.#scratch;
    for (let i = 0; i < count; i++) {
      const place = target[i] as number;
      let value: Value;
      switch (reader.u8()) {
        case VALUE_TEXT: {
          const length = reader.u32();
          const from = reader.take(length);
          if (place < 0) continue;
          value = this.#value(bytes, from, from + length);
          break;
        }
        case VALUE_NULL:
          // A key-only tuple carries nulls in the place of columns that are not part of it.
          value = keyOnly && inKey[i] === 0 ? undefined : null;
          break;
        case VALUE_UNCHANGED:
          value = undefined;
          break;
        default:
          notPgoutput('an unknown kind of value', reader.position - 1);
      }
      if (place >= 0) scratch[place] = value;
    }
    const row: Record<string, Value> = {};
    for (let i = 0; i < columns.length; i++) row[columns[i] as string] = scratch[i];
    return row;
  }

  /** A value cut from the row's text, or read as UTF-8 where it has a byte that is not ASCII. */
  #value(bytes: Buffer, from: number, to: number): string {
    if (this.#text === null) return utf8(bytes, from, to);
    let seen = 0;
    let zero = 0;
    for (let i = from; i < to; i++) {
      const byte = bytes[i] as number;
      seen |= byte;
      // Below zero exactly for a byte that is zero.
      zero |= byte - 1;
    }
    if (seen >= 0x80 || zero < 0) return utf8(bytes, from, to);
    return this.#text.slice(from - this.#textStart, to - this.#textStart);
  }
}

function schemaDrift(table: string, column: string): ConnectorError {
  return new ConnectorError('SCHEMA_DRIFT', `table ${table} no longer sends column ${column}`, {
    facts: { table, column },
  });
}
