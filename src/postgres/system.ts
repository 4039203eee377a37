import type pg from 'pg';
import type { Knex } from 'knex';

import { toError } from '../errors/connector-error.js';
import { connectClient, type DatabaseOptions } from './connection.js';
import { databaseError } from './database-error.js';
import { parseLsn, tryParseLsn, type Lsn } from './lsn.js';
import { rowOf } from './query.js';

/** Which cluster answers, on which history, and where it stands. */
export interface SystemState {
  /** One per initdb, kept by physical copies. Decimal text of 64 bits. */
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** Where the current timeline left the one before it; null: the first timeline, or not known any more. */
  readonly timelineStartLsn: Lsn | null;
  /** Last position flushed; in recovery, replayed. */
  readonly walLsn: Lsn;
  readonly database: string;
  /** The server's clock, microseconds since 1970. */
  readonly nowUs: number;
  readonly inRecovery: boolean;
  /** For instance 180004. */
  readonly versionNumber: number;
}

/**
 * As SQL expressions, so that `setup --print` stores the same values. pg_control_checkpoint() names the old timeline
 * until the first checkpoint after a promotion; the name of the current WAL file does not.
 */
export const TIMELINE_SQL = `(CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())
  ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END)`;
export const SYSTEM_IDENTIFIER_SQL = `(SELECT system_identifier::text FROM pg_control_system())`;

interface SystemRow {
  version: number;
  recovering: boolean;
  lsn: string;
  database: string;
  now_us: string;
  may_ask: boolean;
}

/**
 * Reads it with SQL. Some hosts take pg_control_system() away from ordinary roles; then a replication connection is
 * asked, which the connector's role can always open.
 * @throws ConnectorError DATABASE_…
 */
export async function readSystem(knex: Knex, database: DatabaseOptions): Promise<SystemState> {
  const row = await rowOf<SystemRow>(
    knex,
    'reading the server state',
    `SELECT current_setting('server_version_num')::int AS version, pg_is_in_recovery() AS recovering,
      (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END)::text AS lsn,
      current_database()::text AS database, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text AS now_us,
      has_function_privilege('pg_control_system()', 'EXECUTE')
        AND has_function_privilege('pg_control_checkpoint()', 'EXECUTE') AS may_ask`,
  );
  const identity = row.may_ask ? await identityBySql(knex) : await identityByReplication(database);
  return {
    ...identity,
    timelineStartLsn: identity.timeline > 1 ? await timelineStart(database, identity.timeline) : null,
    walLsn: parseLsn(row.lsn),
    database: row.database,
    nowUs: Number(row.now_us),
    inRecovery: row.recovering,
    versionNumber: row.version,
  };
}

type Identity = Pick<SystemState, 'systemIdentifier' | 'timeline'>;

async function identityBySql(knex: Knex): Promise<Identity> {
  const row = await rowOf<{ system: string; timeline: number }>(
    knex,
    'identifying the cluster',
    `SELECT ${SYSTEM_IDENTIFIER_SQL} AS system, ${TIMELINE_SQL} AS timeline`,
  );
  return { systemIdentifier: row.system, timeline: row.timeline };
}

async function identityByReplication(database: DatabaseOptions): Promise<Identity> {
  return overReplication(database, 'identifying the cluster', async (client) => {
    const { rows } = await client.query<{ systemid: string; timeline: number | string }>('IDENTIFY_SYSTEM');
    const [row] = rows;
    if (row === undefined) throw new RangeError('IDENTIFY_SYSTEM gave no row');
    return { systemIdentifier: row.systemid, timeline: Number(row.timeline) };
  });
}

async function timelineStart(database: DatabaseOptions, timeline: number): Promise<Lsn | null> {
  return overReplication(database, 'reading the timeline history', async (client) => {
    try {
      const { rows } = await client.query<{ content: Buffer | string }>(`TIMELINE_HISTORY ${timeline}`);
      const content = rows[0]?.content;
      return content === undefined ? null : startFromHistory(content.toString());
    } catch (error) {
      // 58P01, undefined_file: the history file was archived and removed.
      if ((toError(error) as { code?: unknown }).code === '58P01') return null;
      throw error;
    }
  });
}

/**
 * The last line that is not a comment: `<parent timeline>\t<position>\t<reason>`.
 * @see https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES
 */
export function startFromHistory(content: string): Lsn | null {
  const lines = content.split('\n').filter((line) => /^\s*\d/.test(line));
  const position = lines.at(-1)?.trim().split(/\s+/)[1];
  return position === undefined ? null : tryParseLsn(position);
}

async function overReplication<T>(
  database: DatabaseOptions,
  doing: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  // A setting of the wire protocol's start-up packet that node-postgres passes on but its types do not name.
  const extra: Record<string, unknown> = { replication: 'database' };
  const client = await connectClient(database, extra);
  try {
    return await work(client);
  } catch (error) {
    throw databaseError(error, doing);
  } finally {
    await client.end();
  }
}

/** Whether the server keeps when transactions were committed (`track_commit_timestamp`). @throws ConnectorError DATABASE_… */
export async function tracksCommitTimes(knex: Knex): Promise<boolean> {
  const { tracking } = await rowOf<{ tracking: string }>(
    knex,
    'reading track_commit_timestamp',
    `SELECT current_setting('track_commit_timestamp') AS tracking`,
  );
  return tracking === 'on';
}
