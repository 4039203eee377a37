import type { Knex } from 'knex';
import { rowsOf } from './query.js';

/** Something of pg_class that has rows and no stream of them. */
export interface Streamless {
  readonly kind: 'view' | 'materialized view' | 'foreign table';
  /** Tables that a view reads, through other views too; `schema.table`. */
  readonly reads: readonly string[];
}

const STREAMLESS_SQL = `
WITH RECURSIVE named AS (
  SELECT c.oid, n.nspname || '.' || c.relname AS name, c.relkind
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname || '.' || c.relname = ANY(?) AND strpos(n.nspname, '.') = 0 AND c.relkind IN ('v', 'm', 'f')
), read AS (
  SELECT oid AS view, oid FROM named
  UNION
  SELECT read.view, d.refobjid FROM read JOIN pg_rewrite r ON r.ev_class = read.oid
  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
)
SELECT named.name, CASE named.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END AS kind,
  ARRAY(SELECT n.nspname || '.' || c.relname FROM read JOIN pg_class c ON c.oid = read.oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE read.view = named.oid AND c.relkind IN ('r', 'p') ORDER BY 1) AS reads
FROM named`;

/** Views and foreign tables among these names. @throws ConnectorError DATABASE_… */
export async function readStreamless(
  knex: Knex,
  names: readonly string[],
): Promise<ReadonlyMap<string, Streamless>> {
  const rows = await rowsOf<Streamless & { name: string }>(knex, 'reading the views', STREAMLESS_SQL, [
    names,
  ]);
  return new Map(rows.map(({ name, kind, reads }) => [name, { kind, reads }]));
}

/** Completes "<name> …": what it is, and what can be mapped in its place. */
export function describeStreamless({ kind, reads }: Streamless): string {
  const instead =
    reads.length === 0
      ? 'tables of this database'
      : `what it reads (${reads.join(', ')}), with join and where`;
  return `is a ${kind}, of which there is no stream: map ${instead} instead.`;
}
