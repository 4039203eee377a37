import { randomBytes } from 'node:crypto';

import pg from 'pg';
import { inject } from 'vitest';

import { clientConfig, openKnex } from '../../src/postgres/connection.js';
import { migrateConnector, migrateReference } from '../../src/postgres/migrate.js';
import { MIGRATED_TEMPLATE } from '../global-setup.js';

export interface TestDatabaseOptions {
  /** Reference and connector migrations applied. Default true. */
  readonly migrate?: boolean;
  /** Superuser URL of a server of the test's own, for fault tests. Default: the run's shared cluster. */
  readonly server?: string;
}

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly name: string;
  /** One statement (or several without parameters) on a pooled connection, as superuser. */
  sql<R extends pg.QueryResultRow = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<R>>;
  /** A connection of one's own, for open transactions; closed with the database at the latest. */
  session(): Promise<pg.Client>;
  /** Drops the database's slots, ending their walsenders, and the database. */
  close(): Promise<void>;
}

/** A fresh database. `await using pg = await testDatabase()`. */
export async function testDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const migrated = options.migrate ?? true;
  const shared = options.server === undefined;
  const serverUrl = options.server ?? inject('clusterUrl');
  const name = `t_${randomBytes(6).toString('hex')}`;
  await onServer(
    serverUrl,
    `CREATE DATABASE ${name}${migrated && shared ? ` TEMPLATE ${MIGRATED_TEMPLATE}` : ''}`,
  );
  const url = withDatabase(serverUrl, name);
  if (migrated && !shared) await applyMigrations(url);

  const pool = new pg.Pool({ ...clientConfig({ url, applicationName: 'test' }), max: 5 });
  // An idle connection that a fault test breaks is replaced by the pool; the test asserts on its own statements.
  pool.on('error', () => undefined);
  const sessions: pg.Client[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(sessions.map((session) => session.end()));
    await pool.end();
    await dropDatabase(serverUrl, name);
  };
  return {
    url,
    name,
    sql: (text, values) => (values === undefined ? pool.query(text) : pool.query(text, [...values])),
    session: async () => {
      const session = new pg.Client(clientConfig({ url, applicationName: 'test session' }));
      session.on('error', () => undefined);
      await session.connect();
      sessions.push(session);
      return session;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function applyMigrations(url: string): Promise<void> {
  const knex = openKnex({ url });
  try {
    await migrateReference(knex);
    await migrateConnector(knex);
  } finally {
    await knex.destroy();
  }
}

async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await withClient(serverUrl, async (client) => {
    await client.query(
      `SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE database = $1 AND active_pid IS NOT NULL`,
      [name],
    );
    await client.query(
      `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1 AND active_pid IS NULL`,
      [name],
    );
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
}

async function onServer(serverUrl: string, statement: string): Promise<void> {
  await withClient(serverUrl, (client) => client.query(statement));
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(clientConfig({ url, applicationName: 'test admin' }));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
