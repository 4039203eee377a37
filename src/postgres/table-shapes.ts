import type { Knex } from 'knex';

import { GENERATED_SINCE } from './generated-columns.js';
import { rowsOf } from './query.js';

export interface ColumnShape {
  readonly name: string;
  /** pg_type.typname, e.g. `int8`, `bpchar`, `timestamp`; of a domain that of the type beneath. */
  readonly type: string;
  /** The same type as SQL writes it, for casts: `bigint`, `timestamp without time zone`, `"Sales Data".mood`. */
  readonly sqlType: string;
  readonly nullable: boolean;
  /** How it is computed from other columns; null: it is not. */
  readonly generated: 'stored' | 'virtual' | null;
  /** Whether the stream can have it: of generated columns that of a STORED one, from PostgreSQL 18 on. */
  readonly streamed: boolean;
}

/** A table as a mapping is bound to it. */
export interface TableShape {
  readonly table: string;
  /** By name, in the table's order. */
  readonly columns: ReadonlyMap<string, ColumnShape>;
  /** In the key's own order; empty: there is none. */
  readonly primaryKey: readonly string[];
  /**
   * The columns of the index that REPLICA IDENTITY USING INDEX names, else of the primary key unless it is deferrable.
   * Empty: nothing tells an old row.
   */
  readonly identityKey: readonly string[];
  /**
   * Columns that are together unique over the whole table, the primary key's among them. They may be nullable: a null
   * equals nothing, so it is found by no look-up.
   */
  readonly uniqueKeys: readonly (readonly string[])[];
}

interface ShapeRow {
  table: string;
  columns: readonly ColumnShape[];
  keys: readonly {
    readonly columns: readonly string[];
    readonly primary: boolean;
    readonly identity: boolean;
  }[];
}

// Of an index only the key columns count, not those it INCLUDEs. A name is split at its first dot, so a schema with a dot
// has none here.
const SHAPES_SQL = `
SELECT n.nspname || '.' || c.relname AS table,
  (SELECT COALESCE(jsonb_agg(jsonb_build_object('name', a.attname, 'type', t.typname, 'sqlType', format_type(t.oid, -1),
      'nullable', NOT a.attnotnull, 'generated', CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END,
      'streamed', a.attgenerated = ''
        OR a.attgenerated = 's' AND current_setting('server_version_num')::int >= ${GENERATED_SINCE}) ORDER BY a.attnum), '[]')
    FROM pg_attribute a CROSS JOIN LATERAL (
      WITH RECURSIVE beneath AS (
        SELECT oid, typname, typtype, typbasetype FROM pg_type WHERE oid = a.atttypid
        UNION ALL
        SELECT b.oid, b.typname, b.typtype, b.typbasetype
        FROM beneath d JOIN pg_type b ON b.oid = d.typbasetype WHERE d.typtype = 'd')
      SELECT oid, typname FROM beneath WHERE typtype <> 'd') t
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
  (SELECT COALESCE(jsonb_agg(jsonb_build_object('primary', i.indisprimary,
      'identity', i.indimmediate AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END,
      'columns', (SELECT jsonb_agg(a.attname ORDER BY k.place)
        FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY k(attnum, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum))
      ORDER BY i.indisprimary DESC, i.indexrelid), '[]')
    FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
      AND i.indpred IS NULL AND i.indexprs IS NULL) AS keys
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY(?) AND strpos(n.nspname, '.') = 0 AND c.relkind IN ('r', 'p')
ORDER BY 1`;

/**
 * Tables by name, plain and partitioned ones; those that do not exist are left out. `readTableNames` lists what there is.
 * @param names `schema.table`, as the catalog spells them
 * @throws ConnectorError DATABASE_…
 */
export async function readTableShapes(
  knex: Knex,
  names: readonly string[],
): Promise<ReadonlyMap<string, TableShape>> {
  const rows = await rowsOf<ShapeRow>(knex, 'reading the tables', SHAPES_SQL, [names]);
  return new Map(rows.map((row) => [row.table, shapeOf(row)]));
}

function shapeOf({ table, columns, keys }: ShapeRow): TableShape {
  return {
    table,
    columns: new Map(columns.map((column) => [column.name, column])),
    primaryKey: keys.find(({ primary }) => primary)?.columns ?? [],
    identityKey: keys.find(({ identity }) => identity)?.columns ?? [],
    uniqueKeys: keys.map((key) => key.columns),
  };
}
