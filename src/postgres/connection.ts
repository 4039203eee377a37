import knexFactory, { type Knex } from 'knex';
import pg from 'pg';

import { databaseError } from './database-error.js';
import { PoolSockets } from './pool-sockets.js';

export interface DatabaseTls {
  /** `require` encrypts without checking who answers; `verify-full` checks certificate and host name. */
  readonly mode: 'disable' | 'require' | 'verify-full';
  /** PEM texts; null = none. */
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export const NO_TLS: DatabaseTls = { mode: 'disable', ca: null, cert: null, key: null };

export interface DatabaseOptions {
  /** `postgresql://role:password@host:port/database`. */
  readonly url: string;
  /** Default: no TLS. */
  readonly tls?: DatabaseTls;
  /** Shown in pg_stat_activity. Default `paytronix-segment`. */
  readonly applicationName?: string;
  /** Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** A statement running longer is cancelled by the server; 0 = no limit. Default 60,000. */
  readonly statementTimeoutMs?: number;
  /**
   * A pooled connection on which nothing moved for so long is given up; 0: never, for statements that may think longer
   * than the statement timeout. Default: the statement timeout and 5 seconds.
   */
  readonly silenceLimitMs?: number;
  /** Connections at most. Default 4. */
  readonly poolSize?: number;
}

/** How long after the server must have cancelled a statement its connection is given up. */
const SILENCE_SLACK_MS = 5_000;
const DEFAULT_STATEMENT_TIMEOUT_MS = 60_000;

const socketsOf = new WeakMap<Knex, PoolSockets>();

/**
 * Connections for look-ups and the connector's own tables. Values come as PostgreSQL prints them in UTC and ISO style,
 * which is also how the replication stream prints them.
 *
 * A statement never waits longer than its timeout and some seconds, whatever became of the server: DATABASE_UNREACHABLE.
 */
export function openKnex(options: DatabaseOptions): Knex {
  const timeoutMs = options.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS;
  const sockets = new PoolSockets(
    options.silenceLimitMs ?? (timeoutMs === 0 ? 0 : timeoutMs + SILENCE_SLACK_MS),
  );
  const knex = knexFactory({
    client: 'pg',
    // A failed statement must not carry its bindings into a log: they are row values.
    compileSqlOnError: false,
    // knex prints connection failures to the console by itself; each also rejects the query that waited for it.
    log: { debug: quiet, warn: quiet, error: quiet, deprecate: quiet },
    connection: { ...clientConfig(options), stream: () => sockets.make() } as Knex.PgConnectionConfig,
    pool: { min: 0, max: options.poolSize ?? 4 },
    acquireConnectionTimeout: (options.connectTimeoutMs ?? 10_000) + 5_000,
  });
  socketsOf.set(knex, sockets);
  return knex;
}

/** Closes the pool in good order, and by force when the server does not end its statements within the grace. */
export async function closeKnex(knex: Knex, graceMs: number): Promise<void> {
  const cut = setTimeout(() => socketsOf.get(knex)?.destroy(), graceMs);
  await knex.destroy();
  clearTimeout(cut);
}

function quiet(): void {}

/** Settings of one node-postgres connection; also what the WAL stream hands to its library. */
export function clientConfig(options: DatabaseOptions): pg.ClientConfig {
  return {
    connectionString: options.url,
    application_name: options.applicationName ?? 'paytronix-segment',
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    statement_timeout: options.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS,
    options:
      '-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=1 -c bytea_output=hex -c synchronous_commit=on -c jit=off',
    ssl: tlsSettings(options.tls ?? NO_TLS),
  };
}

function tlsSettings(tls: DatabaseTls): pg.ClientConfig['ssl'] {
  if (tls.mode === 'disable') return false;
  return {
    rejectUnauthorized: tls.mode === 'verify-full',
    ...(tls.ca === null ? {} : { ca: tls.ca }),
    ...(tls.cert === null ? {} : { cert: tls.cert }),
    ...(tls.key === null ? {} : { key: tls.key }),
  };
}

/**
 * Opens one connection outside the pool, for instance to speak the replication protocol.
 * @throws ConnectorError DATABASE_UNREACHABLE, DATABASE_AUTH, DATABASE_MISSING, DATABASE_TLS
 */
export async function connectClient(
  options: DatabaseOptions,
  extra: pg.ClientConfig = {},
): Promise<pg.Client> {
  const client = new pg.Client({ ...clientConfig(options), ...extra });
  // Without a listener a broken idle connection would end the process; the next query on it rejects anyway.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw databaseError(error, 'connecting');
  }
}

/** Where a URL points, without role and password: for logs. */
export function addressOf(url: string): string {
  if (!URL.canParse(url)) return 'an unreadable DATABASE_URL';
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port === '' ? '5432' : port}${pathname}`;
}
