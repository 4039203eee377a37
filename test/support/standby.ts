import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { PostgresServer } from '../../src/demo/postgres-server.js';
import { clientConfig } from '../../src/postgres/connection.js';
import { eventually } from './eventually.js';

const PHYSICAL_SLOT = 'standby';

export interface StandbyOptions {
  /** The database in which slots are read to be synchronised (PostgreSQL 17 and newer); null: slots are not. */
  readonly synchroniseSlotsIn: string | null;
  /** Where it finds the primary: a proxy's port. Default: the primary's own. */
  readonly port?: number;
}

/** Standbys that are to outlive what is led to them: `await using` it before those. */
export class Standbys implements AsyncDisposable {
  readonly #servers: PostgresServer[] = [];

  /** A physical standby, streaming. The primary is restarted for it: its files are copied while it is down. */
  async start(primary: PostgresServer, options: StandbyOptions): Promise<PostgresServer> {
    const standby = await startStandby(primary, options);
    this.#servers.push(standby);
    return standby;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) await server.stop();
  }
}

async function startStandby(primary: PostgresServer, options: StandbyOptions): Promise<PostgresServer> {
  await onServer(primary, `SELECT pg_create_physical_replication_slot('${PHYSICAL_SLOT}', true)`);
  await primary.halt('fast');
  const { synchroniseSlotsIn } = options;
  const url = new URL(primary.url());
  const database = synchroniseSlotsIn === null ? '' : ` dbname=${synchroniseSlotsIn}`;
  const standby = await primary.copy({
    settings: {
      primary_conninfo: `host=127.0.0.1 port=${options.port ?? primary.port} user=${url.username} password=${url.password}${database}`,
      primary_slot_name: PHYSICAL_SLOT,
      hot_standby_feedback: 'on',
      ...(synchroniseSlotsIn === null ? {} : { sync_replication_slots: 'on' }),
    },
  });
  await writeFile(join(standby.dataDirectory, 'standby.signal'), '');
  // As pg_basebackup does: slots are the primary's own.
  const slots = join(standby.dataDirectory, 'pg_replslot');
  for (const name of await readdir(slots)) await rm(join(slots, name), { recursive: true });
  await primary.start();
  await standby.start();
  return standby;
}

/** Resolves when the standby has replayed all that the primary has written by now. */
export async function caughtUp(primary: PostgresServer, standby: PostgresServer): Promise<void> {
  const [row] = await onServer<{ lsn: string }>(primary, 'SELECT pg_current_wal_lsn()::text AS lsn');
  await eventually(async () => {
    const [there] = await onServer<{ reached: boolean }>(
      standby,
      `SELECT pg_last_wal_replay_lsn() >= '${row?.lsn ?? ''}'::pg_lsn AS reached`,
    );
    return there?.reached === true;
  }, 'the standby to catch up');
}

/** Resolves when it takes writes. */
export async function promote(standby: PostgresServer): Promise<void> {
  await onServer(standby, 'SELECT pg_promote(true, 60)');
}

export async function onServer<R extends pg.QueryResultRow>(
  server: PostgresServer,
  text: string,
): Promise<readonly R[]> {
  const client = new pg.Client(clientConfig({ url: server.url(), applicationName: 'test admin' }));
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}
