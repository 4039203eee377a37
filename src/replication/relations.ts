import type { SourceTables } from '../mapping/mapping.js';
import { REFERENCE_MAPPING } from '../mapping/reference.js';
import { columnsOf } from '../mapping/source-tables.js';
import { ByteReader, notPgoutput } from './bytes.js';

/** Flags, an empty name's end, type and type modifier. */
const MIN_COLUMN_BYTES = 10;

const REPLICA_IDENTITIES = new Set(['d', 'n', 'f', 'i']);

/**
 * One table as a RELATION message described it, bound to the mapping. Rows that follow the message are read by it, also
 * when they are walked long after a newer version has arrived: an ALTER TABLE may stand in the middle of a transaction.
 */
export interface RelationVersion {
  /** Place in the registry: what is stored beside each held row. */
  readonly index: number;
  readonly relationId: number;
  readonly qualifiedName: string;
  /** Null: not a table the connector reads; its rows are dropped where they arrive. */
  readonly table: string | null;
  /** A mapped column that this version does not send: rows of it cannot be decoded. */
  readonly missingColumn: string | null;
  /** For each column on the wire its place among the mapped columns, or -1. */
  readonly target: Int16Array;
  /** For each column on the wire, 1 when it belongs to the replica identity. */
  readonly inKey: Uint8Array;
  /** Mapped columns in the order of the mapping: every row object gets its keys in this order and so shares one shape. */
  readonly columns: readonly string[];
}

/**
 * Every version of every relation this stream has described. PostgreSQL repeats a RELATION message after each
 * invalidation of its cache, mostly unchanged, so versions are told apart by content: the registry grows with schema
 * changes, not with time.
 */
export class RelationRegistry {
  readonly #tables: SourceTables;
  readonly #versions: RelationVersion[] = [];
  readonly #byContent = new Map<string, RelationVersion>();
  readonly #current = new Map<number, RelationVersion>();
  readonly #reader = new ByteReader();

  /** @param tables those whose rows are read. Default: the reference schema's. */
  constructor(tables: SourceTables = REFERENCE_MAPPING.tables) {
    this.#tables = tables;
  }

  /**
   * Takes a whole RELATION message, its type byte included.
   * @throws ConnectorError WAL_DECODE
   */
  accept(message: Buffer): RelationVersion {
    const content = message.toString('latin1');
    let version = this.#byContent.get(content);
    if (version === undefined) {
      const reader = this.#reader.over(message, 0, message.length);
      version = parseRelation(reader, this.#tables, this.#versions.length);
      this.#versions.push(version);
      this.#byContent.set(content, version);
    }
    this.#current.set(version.relationId, version);
    return version;
  }

  /** The version that a row arriving now belongs to. */
  current(relationId: number): RelationVersion | undefined {
    return this.#current.get(relationId);
  }

  /** @throws ConnectorError WAL_DECODE */
  at(index: number): RelationVersion {
    return this.#versions[index] ?? notPgoutput('a row of an unknown relation version', 0);
  }

  get size(): number {
    return this.#versions.length;
  }
}

function parseRelation(reader: ByteReader, tables: SourceTables, index: number): RelationVersion {
  reader.take(1);
  const relationId = reader.u32();
  const schema = reader.cstring();
  // An empty schema name stands for pg_catalog.
  const qualifiedName = `${schema === '' ? 'pg_catalog' : schema}.${reader.cstring()}`;
  const identityAt = reader.position;
  if (!REPLICA_IDENTITIES.has(String.fromCharCode(reader.u8()))) {
    notPgoutput('an unknown replica identity', identityAt);
  }
  // `a.b.c` in the mapping is table `b.c` of schema `a`, and not table `c` of schema `a.b`.
  const table = schema.includes('.') ? undefined : tables.get(qualifiedName);
  const columns = table === undefined ? [] : columnsOf(table);
  const count = reader.u16();
  reader.need(count * MIN_COLUMN_BYTES);
  const target = new Int16Array(count);
  const inKey = new Uint8Array(count);
  const sent = new Set<string>();
  for (let i = 0; i < count; i++) {
    inKey[i] = reader.u8() & 1;
    const name = reader.cstring();
    reader.take(8); // type and type modifier: values come as text whatever the type
    if (sent.has(name)) notPgoutput('a column described twice', reader.position);
    sent.add(name);
    target[i] = columns.indexOf(name);
  }
  reader.finish();
  const missingColumn = columns.find((column) => !sent.has(column)) ?? null;
  return {
    index,
    relationId,
    qualifiedName,
    table: table?.name ?? null,
    missingColumn,
    target,
    inKey,
    columns,
  };
}
