import type { Knex } from 'knex';
import { GENERATED_SINCE } from '../../postgres/generated-columns.js';
import { rowsOf } from '../../postgres/query.js';
import type { CatalogueColumn, CatalogueTable, ForeignKey } from './catalogue.js';

interface TableRow {
  readonly schema: string;
  readonly name: string;
  readonly comment: string | null;
  readonly rows: string | null;
  readonly readable: boolean;
  readonly updated: boolean;
  readonly columns: readonly CatalogueColumn[];
  readonly primary_key: readonly string[] | null;
  readonly uniques: readonly (readonly string[])[];
  readonly foreign_keys: readonly ForeignKey[];
}

/**
 * Tables that can be published: no partitions (their rows go by the table above), nothing temporary or unlogged, nothing of
 * the server, an extension or the connector; and of their columns those that the
 * stream can have. Unique indexes count where they hold for every row.
 */
const TABLES_SQL = `
SELECT n.nspname AS schema, c.relname AS name, obj_description(c.oid, 'pg_class') AS comment,
  has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable,
  (SELECT coalesce(sum(pg_stat_get_tuples_updated(p.oid)), 0) > 0
     FROM pg_class p WHERE p.oid = c.oid OR p.oid IN (SELECT relid FROM pg_partition_tree(c.oid))) AS updated,
  (SELECT CASE WHEN bool_or(p.reltuples >= 0) THEN sum(greatest(p.reltuples, 0))::bigint::text END
     FROM pg_class p WHERE p.relkind = 'r' AND (p.oid = c.oid OR p.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))) AS rows,
  (SELECT coalesce(json_agg(json_build_object(
       'name', a.attname,
       'type', CASE WHEN b.typtype = 'e' THEN 'enum' ELSE b.typname END,
       'nullable', NOT a.attnotnull,
       'comment', col_description(c.oid, a.attnum),
       'values', (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = b.oid)
     ) ORDER BY a.attnum), '[]')
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
     JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
     WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       AND (a.attgenerated = '' OR a.attgenerated = 's' AND current_setting('server_version_num')::int >= ${GENERATED_SINCE})) AS columns,
  (SELECT json_agg(a.attname ORDER BY k.place)
     FROM pg_index i CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
     WHERE i.indrelid = c.oid AND i.indisprimary AND k.place <= i.indnkeyatts) AS primary_key,
  (SELECT coalesce(json_agg(u.names), '[]') FROM (
     SELECT json_agg(a.attname ORDER BY k.place) AS names
     FROM pg_index i CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, place)
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
     WHERE i.indrelid = c.oid AND i.indisunique AND NOT i.indisprimary AND i.indisvalid
       AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
     GROUP BY i.indexrelid ORDER BY i.indexrelid) u) AS uniques,
  (SELECT coalesce(json_agg(f.key ORDER BY f.oid), '[]') FROM (
     SELECT o.oid, json_build_object(
       'columns', (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(o.conkey) WITH ORDINALITY k(attnum, place)
          JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.attnum),
       'references', rn.nspname || '.' || r.relname,
       'referenced', (SELECT json_agg(a.attname ORDER BY k.place) FROM unnest(o.confkey) WITH ORDINALITY k(attnum, place)
          JOIN pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = k.attnum)) AS key
     FROM pg_constraint o JOIN pg_class r ON r.oid = o.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
     WHERE o.conrelid = c.oid AND o.contype = 'f' AND o.conparentid = 0) f) AS foreign_keys
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
  AND n.nspname NOT IN ('information_schema', 'segment_connector') AND n.nspname NOT LIKE 'pg\\_%'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname`;

/** Every table that could be published, in any schema. @throws ConnectorError DATABASE_… */
export async function readCatalogueTables(knex: Knex): Promise<readonly CatalogueTable[]> {
  const rows = await rowsOf<TableRow>(knex, 'reading the catalogue', TABLES_SQL);
  return rows.map(({ primary_key: primaryKey, foreign_keys: foreignKeys, updated, ...table }) => ({
    ...table,
    ...(updated ? { updated } : {}),
    rows: table.rows === null ? null : Number(table.rows),
    primaryKey: primaryKey ?? [],
    foreignKeys,
  }));
}

/** Name of the database and the role, as the server has them. */
export async function readNames(knex: Knex): Promise<{ readonly database: string; readonly role: string }> {
  const [names] = await rowsOf<{ database: string; role: string }>(
    knex,
    'asking where this is',
    'SELECT current_database() AS database, current_user AS role',
  );
  return names ?? { database: '', role: '' };
}
