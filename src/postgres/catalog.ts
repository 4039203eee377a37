import type { Knex } from 'knex';

import type { SourceTables } from '../mapping/mapping.js';
import { hasFull } from './generated-columns.js';
import { rowsOf } from './query.js';

/** pg_class.relreplident in words: what of an old row the WAL holds. */
export type ReplicaIdentity = 'default' | 'nothing' | 'full' | 'index';

/** One relation whose rows are logged: a plain table, a partition, or the partitioned table above. */
export interface Member {
  readonly table: string;
  /** False for partitioned tables, which hold no rows themselves. */
  readonly holdsRows: boolean;
  readonly identity: ReplicaIdentity;
  /** Columns that tell an old row: of the primary key, or of the identity index. Empty: no usable ones. */
  readonly identityColumns: readonly string[];
  /** A primary key that may be broken until COMMIT is no replica identity. */
  readonly keyIsDeferrable: boolean;
}

/** What the server's catalog says of a mapped table. */
export interface TableFacts {
  readonly table: string;
  readonly columns: readonly string[];
  readonly partitioned: boolean;
  /** STORED generated columns. Those of partitions are the same. */
  readonly storedColumns: readonly string[];
  readonly virtualColumns: readonly string[];
  /** Makes the virtual columns STORED ones; empty without any. */
  readonly makeStoredSql: string;
  /** The table itself and, where it is partitioned, all below it. */
  readonly members: readonly Member[];
}

const IDENTITIES: Readonly<Record<string, ReplicaIdentity>> = {
  d: 'default',
  n: 'nothing',
  f: 'full',
  i: 'index',
};

interface MemberRow {
  root: string;
  member: string;
  is_root: boolean;
  relkind: string;
  relreplident: string;
  columns: string[];
  stored_columns: string[];
  virtual_columns: string[];
  make_stored: string;
  /** Empty when it is deferrable. */
  primary_key: string[];
  deferrable_key: boolean;
  identity_index: string[];
}

const generatedColumnsSql = (kind: 's' | 'v'): string => `ARRAY(SELECT a.attname::text FROM pg_attribute a
    WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attgenerated = '${kind}' ORDER BY a.attnum)`;

/** Columns that an index only INCLUDEs are no part of a key. */
const KEY_SQL = 'i.indkey[0:i.indnkeyatts - 1]';

// A name is split at its first dot, so a schema with a dot has none here.
const MEMBERS_SQL = `
WITH root AS (
  SELECT c.oid, n.nspname || '.' || c.relname AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname || '.' || c.relname = ANY(?) AND strpos(n.nspname, '.') = 0 AND c.relkind IN ('r', 'p')
), member AS (
  SELECT name AS root, oid, oid AS root_oid FROM root
  UNION
  SELECT root.name, t.relid, root.oid FROM root, pg_partition_tree(root.oid) t
)
SELECT m.root, n.nspname || '.' || c.relname AS member, m.oid = m.root_oid AS is_root, c.relkind, c.relreplident,
  ARRAY(SELECT a.attname::text FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
  ${generatedColumnsSql('s')} AS stored_columns, ${generatedColumnsSql('v')} AS virtual_columns,
  COALESCE((SELECT format('ALTER TABLE %I.%I ', n.nspname, c.relname) || string_agg(
      format('DROP COLUMN %I, ADD COLUMN %I %s GENERATED ALWAYS AS (%s) STORED', a.attname, a.attname,
        format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY a.attnum)
    FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attgenerated = 'v'), '') AS make_stored,
  ARRAY(SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(${KEY_SQL})
    WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate ORDER BY a.attnum) AS primary_key,
  EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND NOT i.indimmediate) AS deferrable_key,
  ARRAY(SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(${KEY_SQL})
    WHERE i.indrelid = c.oid AND i.indisreplident ORDER BY a.attnum) AS identity_index
FROM member m JOIN pg_class c ON c.oid = m.oid JOIN pg_namespace n ON n.oid = c.relnamespace
ORDER BY m.root, is_root DESC, member`;

/** Facts of every mapped table that exists, by name. @throws ConnectorError DATABASE_… */
export async function readTables(knex: Knex, mapped: SourceTables): Promise<ReadonlyMap<string, TableFacts>> {
  const rows = await rowsOf<MemberRow>(knex, 'reading the tables', MEMBERS_SQL, [[...mapped.keys()]]);
  const tables = new Map<string, TableFacts & { members: Member[] }>();
  for (const row of rows) {
    const member = memberFromRow(row);
    const known = tables.get(row.root);
    if (known !== undefined) known.members.push(member);
    else {
      tables.set(row.root, {
        table: row.root,
        columns: row.columns,
        partitioned: row.relkind === 'p',
        storedColumns: row.stored_columns,
        virtualColumns: row.virtual_columns,
        makeStoredSql: row.make_stored,
        members: [member],
      });
    }
  }
  return tables;
}

function memberFromRow(row: MemberRow): Member {
  const identity = IDENTITIES[row.relreplident] ?? 'nothing';
  return {
    table: row.member,
    holdsRows: row.relkind !== 'p',
    identity,
    identityColumns: identityColumns(identity, row),
    keyIsDeferrable: row.deferrable_key,
  };
}

function identityColumns(identity: ReplicaIdentity, row: MemberRow): readonly string[] {
  switch (identity) {
    case 'default':
      return row.primary_key;
    case 'index':
      return row.identity_index;
    case 'full':
      return row.columns;
    case 'nothing':
      return [];
    default: {
      const unknown: never = identity;
      throw new RangeError(`unknown replica identity ${String(unknown)}`);
    }
  }
}

/** Tables with REPLICA IDENTITY FULL on themselves or a part: a column list would break every UPDATE on them. */
export function tablesWithFull(tables: ReadonlyMap<string, TableFacts>): ReadonlySet<string> {
  return new Set([...tables.values()].filter(hasFull).map(({ table }) => table));
}

/** Every table and view name of the database that a mistyped one may have meant. */
export async function readTableNames(knex: Knex): Promise<string[]> {
  const rows = await rowsOf<{ name: string }>(
    knex,
    'listing the tables',
    `SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'segment_connector') AND n.nspname NOT LIKE 'pg\\_%'
      AND strpos(n.nspname, '.') = 0
    ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
