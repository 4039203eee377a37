import type { Knex } from 'knex';
import { rowsOf } from './query.js';

/**
 * How often rows of these tables (`schema.table`) were updated, as the server's statistics count it, partitions included. They
 * are of the last moments only roughly, and begin again where somebody reset them or the server crashed. @throws ConnectorError DATABASE_…
 */
export async function tableUpdates(
  knex: Knex,
  tables: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (tables.length === 0) return new Map();
  const rows = await rowsOf<{ table: string; updates: string }>(
    knex,
    'reading how often tables were updated',
    `SELECT n.nspname || '.' || c.relname AS table, sum(coalesce(pg_stat_get_tuples_updated(p.relid), 0))::text AS updates
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      CROSS JOIN LATERAL (SELECT c.oid AS relid UNION SELECT relid::oid FROM pg_partition_tree(c.oid)) p
      WHERE n.nspname || '.' || c.relname = ANY (?) AND c.relkind IN ('r', 'p')
      GROUP BY 1`,
    [tables],
  );
  return new Map(rows.map(({ table, updates }) => [table, Number(updates)]));
}
