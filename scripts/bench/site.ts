import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.js';
import type { PostgresServer } from '../../src/demo/postgres-server.js';
import { PrivateRedis } from '../../src/demo/private-redis.js';
import { ReleaseStack } from '../../src/lifecycle/stack.js';
import { clientConfig, openKnex } from '../../src/postgres/connection.js';
import { migrateConnector, migrateReference } from '../../src/postgres/migrate.js';
import { setUp } from '../../src/postgres/setup.js';
import { setUpReplaySlot } from '../../src/replay/setup-replay-slot.js';
import { compareStart } from '../../src/replication/startup.js';
import { brandSql } from './brand.sql.js';
import type { Setting } from './setting.js';
import { FIRST_TRANSACTION, type PurchaseSpan } from './expected-purchases.js';

/** Enough for every lane to have one. */
const TAIL = 200;

export const PUBLICATION = 'paytronix_segment';

export interface SiteOptions {
  /** Members of the brand; even. */
  readonly accounts: number;
  /** Default 1. */
  readonly merchants?: number;
}

/** Where a purchase span ended in the WAL, and its last transaction's id. */
export interface Written {
  readonly endLsn: string;
  readonly lastTransaction: string;
}

type SiteParts = Pick<
  Site,
  'databaseUrl' | 'redisUrl' | 'redis' | 'pool' | 'spillDir' | 'serverLog' | 'databaseName' | 'accounts'
>;

/** A loyalty database with members, and a Redis: real servers of the bench's own. */
export class Site implements AsyncDisposable {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly redis: Redis;
  readonly pool: pg.Pool;
  readonly spillDir: string;
  /** The server's log, which statements are counted in. */
  readonly serverLog: string;
  readonly databaseName: string;
  readonly accounts: number;
  readonly #releases: ReleaseStack;

  private constructor(fields: SiteParts, releases: ReleaseStack) {
    this.databaseUrl = fields.databaseUrl;
    this.redisUrl = fields.redisUrl;
    this.redis = fields.redis;
    this.pool = fields.pool;
    this.spillDir = fields.spillDir;
    this.serverLog = fields.serverLog;
    this.databaseName = fields.databaseName;
    this.accounts = fields.accounts;
    this.#releases = releases;
  }

  /** On the run's server, in a database of its own. */
  static async open({ server }: Setting, options: SiteOptions): Promise<Site> {
    const { accounts, merchants = 1 } = options;
    const releases = new ReleaseStack();
    try {
      const databaseName = `bench_${randomBytes(4).toString('hex')}`;
      await releases.acquire(
        'database',
        async () => onServer(server.url(), `CREATE DATABASE ${databaseName}`),
        async () => dropDatabase(server.url(), databaseName),
      );
      const store = await releases.acquire(
        'Redis',
        async () => PrivateRedis.launch(),
        async (started) => started.dispose(),
      );
      const databaseUrl = server.url(databaseName);
      await migrate(databaseUrl);
      const pool = await releases.acquire(
        'connections',
        () => openPool(databaseUrl),
        async (opened) => opened.end(),
      );
      await pool.query(brandSql({ accounts, merchants }));
      await pool.query('VACUUM ANALYZE');
      const redis = await releases.acquire(
        'Redis client',
        () => new Redis(store.url),
        (client) => client.disconnect(),
      );
      const spillDir = await releases.acquire(
        'spill directory',
        async () => mkdtemp(join(tmpdir(), 'bench-spill-')),
        async (path) => rm(path, { recursive: true, force: true }),
      );
      const serverLog = join(server.dataDirectory, '..', 'server.log');
      const parts = {
        databaseUrl,
        databaseName,
        redisUrl: store.url,
        redis,
        pool,
        spillDir,
        serverLog,
        accounts,
      };
      return new Site(parts, releases);
    } catch (error) {
      await releases.releaseAll();
      throw error;
    }
  }

  /** Whatever commits from now on waits for a connector of this slot; several slots, several times. */
  async setUpSlot(slotName: string): Promise<void> {
    const knex = openKnex({ url: this.databaseUrl });
    try {
      await setUp(knex, {
        database: { url: this.databaseUrl },
        slotName,
        publicationName: PUBLICATION,
        compareStart,
        replaySlot: setUpReplaySlot,
      });
    } finally {
      await knex.destroy();
    }
  }

  /** @returns the name of another slot at the same place, for a reader that nobody else may disturb */
  async copySlot(slotName: string): Promise<string> {
    const copy = `${slotName}_copy`;
    await this.pool.query('SELECT pg_copy_logical_replication_slot($1, $2)', [slotName, copy]);
    return copy;
  }

  /** The slot and its replay slot keep WAL no longer. */
  async dropSlots(...names: string[]): Promise<void> {
    await this.pool.query(
      `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE active_pid IS NULL AND (slot_name = ANY($1) OR slot_name = ANY($2))`,
      [names, names.map((name) => `${name}_replay`)],
    );
  }

  /**
   * Writes purchases from two sessions, each its own accounts, so that each account's are in order. The last ones commit in
   * their order, so that what each lane ends with is known.
   */
  async purchase(span: PurchaseSpan, options: { readonly aCommit?: number } = {}): Promise<Written> {
    const { from, to, stride = 1 } = span;
    const write = async (first: number, step: number, past: number): Promise<void> => {
      const client = await this.pool.connect();
      try {
        // Foreign keys hold by how purchases are made, and checking them would take most of the time.
        await client.query('SET session_replication_role = replica');
        await client.query(
          `CALL bench.purchases(${first}, ${step}, ${past}, ${stride}, ${options.aCommit ?? 1})`,
        );
      } finally {
        client.release();
      }
    };
    const tail = Math.max(from, to - TAIL);
    await Promise.all([write(from, 2, tail), write(from + 1, 2, tail)]);
    await write(tail, 1, to);
    return { endLsn: await this.walEnd(), lastTransaction: String(FIRST_TRANSACTION + to - 1) };
  }

  async walEnd(): Promise<string> {
    const { rows } = await this.pool.query<{ lsn: string }>(
      'SELECT pg_current_wal_insert_lsn()::text AS lsn',
    );
    return rows[0]?.lsn ?? '0/0';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#releases.releaseAll();
  }
}

function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({ ...clientConfig({ url, applicationName: 'bench' }), max: 8 });
  // A connection that ends while idle is replaced; a statement on one that ends in use fails its figure.
  pool.on('error', () => undefined);
  return pool;
}

/** One server for the whole run. Its checkpoints would fall into some rounds and not into others, so it has none. */
export async function startBenchServer(): Promise<PostgresServer> {
  return startEmbeddedPostgres({
    settings: {
      shared_buffers: '256MB',
      max_wal_size: '16GB',
      checkpoint_timeout: '1h',
      autovacuum: 'off',
      log_line_prefix: '%a|',
    },
  });
}

async function onServer(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client(clientConfig({ url, applicationName: 'bench admin' }));
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

/** With its slots, which would keep WAL for ever, and whoever still reads from them. */
async function dropDatabase(url: string, name: string): Promise<void> {
  const slots = `FROM pg_replication_slots WHERE database = '${name}'`;
  await onServer(
    url,
    `SELECT pg_terminate_backend(active_pid, 5000) ${slots} AND active_pid IS NOT NULL`,
    `SELECT pg_drop_replication_slot(slot_name) ${slots}`,
    `DROP DATABASE ${name} WITH (FORCE)`,
  );
}

async function migrate(url: string): Promise<void> {
  const knex = openKnex({ url });
  try {
    await migrateReference(knex);
    await migrateConnector(knex);
  } finally {
    await knex.destroy();
  }
}
