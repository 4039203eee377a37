import type { Knex } from 'knex';

import { rowsOf } from '../postgres/query.js';

/** Something on the server that keeps WAL from being freed though the slot has moved on. */
export interface LongTransaction {
  /** Null for a prepared transaction, which has no process. */
  readonly pid: number | null;
  /** Name of a prepared transaction. */
  readonly gid: string | null;
  readonly applicationName: string | null;
  readonly openForMs: number;
}

/** The oldest transaction that has written something; null: none. @throws ConnectorError DATABASE_… */
export async function oldestTransaction(knex: Knex): Promise<LongTransaction | null> {
  const [row] = await rowsOf<{
    pid: number | null;
    gid: string | null;
    app: string | null;
    ms: string | null;
  }>(
    knex,
    'looking for the oldest transaction',
    `SELECT pid, gid, app, (extract(epoch FROM clock_timestamp() - since) * 1000)::bigint::text AS ms FROM (
      SELECT pid, NULL AS gid, application_name AS app, xact_start AS since, age(backend_xid) AS age
        FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
      UNION ALL SELECT NULL, gid, NULL, prepared, age(transaction) FROM pg_prepared_xacts
    ) open ORDER BY age DESC LIMIT 1`,
  );
  if (row === undefined) return null;
  return { pid: row.pid, gid: row.gid, applicationName: row.app, openForMs: Number(row.ms ?? 0) };
}
