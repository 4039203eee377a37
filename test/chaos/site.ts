import { join } from 'node:path';
import pg from 'pg';
import { toError } from '../../src/errors/connector-error.js';
import { Arrivals } from '../../src/demo/arrivals.js';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.js';
import type { PostgresServer } from '../../src/demo/postgres-server.js';
import { startReceiver, type Receiver } from '../../src/demo/receiver.js';
import { Simulator } from '../../src/demo/simulator/simulator.js';
import { ReleaseStack } from '../../src/lifecycle/stack.js';
import { clientConfig } from '../../src/postgres/connection.js';
import { PUBLICATION, setUpConnector, slotOf } from '../support/captured.js';
import { testDatabase, type TestDatabase } from '../support/postgres.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { Business } from './business.js';
import { Deliveries } from './deliveries.js';
import { Fleet, type Member } from './fleet.js';
import { Letters } from './letters.js';
import { Operator } from './operator.js';
import { Patrons } from './patrons.js';
import { Poison } from './poison.js';
import { QueueLosses } from './queue-losses.js';

export interface SiteOptions {
  readonly seed: number;
  readonly ratePerSecond: number;
  readonly guests: number;
  /** Logs of the processes and what they spill. */
  readonly directory: string;
  readonly log: (text: string) => void;
}

/** What one process of the fleet reaches the others by; null where its role needs none. */
export interface Ways {
  readonly postgres: TcpProxy | null;
  readonly redis: TcpProxy;
  readonly segment: TcpProxy | null;
}

/** A whole installation: its servers, a way between every two parts that can be cut, and a fleet of four processes. */
export interface Site extends AsyncDisposable {
  readonly server: PostgresServer;
  readonly db: TestDatabase;
  readonly slotName: string;
  readonly redis: TestRedis;
  readonly receiver: Receiver;
  readonly arrivals: Arrivals;
  readonly poison: Poison;
  readonly deliveries: Deliveries;
  readonly letters: Letters;
  readonly losses: QueueLosses;
  readonly fleet: Fleet;
  readonly business: Business;
  readonly patrons: Patrons;
  readonly operator: Operator;
  readonly ways: ReadonlyMap<string, Ways>;
  /** For `recover` and other commands: past all proxies. */
  readonly env: Readonly<Record<string, string>>;
  readonly pool: pg.Pool;
  readonly spillDirectory: string;
  /** The commits that count are those after it: timestamptz text. */
  readonly since: string;
  readonly log: (text: string) => void;
}

/** What the replay slot trails by: short, so that it moves on while the run lasts. */
export const REPLAY_RETENTION_SECONDS = 60;

const WRITE_KEY = 'chaos-write-key';
/** Short, so that a frozen process loses its slot while the run lasts. */
const WAL_SENDER_TIMEOUT_MS = 6_000;
/** The condition whose advice is `recover`. */
const RECOVERABLE = 'CAPTURE_GAP:';
const MEMBERS: readonly Pick<Member, 'name' | 'role'>[] = [
  { name: 'capture-1', role: 'capture' },
  { name: 'capture-2', role: 'capture' },
  { name: 'deliver-1', role: 'deliver' },
  { name: 'deliver-2', role: 'deliver' },
];

/** @throws what a part throws that does not start; those that did are ended. */
export async function openSite(options: SiteOptions): Promise<Site> {
  const releases = new ReleaseStack();
  try {
    return await open(options, releases);
  } catch (error) {
    await releases.releaseAll();
    throw error;
  }
}

async function open(options: SiteOptions, releases: ReleaseStack): Promise<Site> {
  const { seed, ratePerSecond, guests, directory, log } = options;
  const held = async <T extends AsyncDisposable>(name: string, opening: Promise<T>): Promise<T> =>
    releases.acquire(
      name,
      () => opening,
      async (opened) => opened[Symbol.asyncDispose](),
    );
  const server = await held(
    'postgres',
    startEmbeddedPostgres({
      walSenderTimeoutMs: WAL_SENDER_TIMEOUT_MS,
      settings: { max_prepared_transactions: '20' },
    }),
  );
  const db = await testDatabase({ server: server.url() });
  const redis = await held('redis', testRedis({ appendOnly: true }));
  const arrivals = new Arrivals(() => undefined);
  const deliveries = new Deliveries();
  const receiver = await held(
    'receiver',
    startReceiver({
      writeKeys: [WRITE_KEY],
      keep: false,
      onEvent: (event) => {
        arrivals.received(event);
        deliveries.taken(event);
      },
    }),
  );
  const pool = new pg.Pool({ ...clientConfig({ url: db.url, applicationName: 'brand' }), max: 16 });
  releases.defer('pool', () => pool.end());
  // A server that restarts breaks idle connections and those in use; the act in hand fails, which is its affair.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const simulator = new Simulator({ pool, guests, ratePerSecond, seed });
  await simulator.open();
  await setUpConnector(db);
  const { rows } = await db.sql<{ now: string }>('SELECT clock_timestamp()::text AS now');
  const env = {
    DATABASE_URL: db.url,
    REDIS_URL: redis.url,
    SEGMENT_WRITE_KEY: WRITE_KEY,
    SEGMENT_HOST: receiver.url,
    PUBLICATION_NAME: PUBLICATION,
    SLOT_NAME: slotOf(db),
    SPILL_DIR: join(directory, 'spill'),
    HTTP_PORT: '0',
    LOG_LEVEL: 'info',
    REQUEST_TIMEOUT: '3s',
    REPLAY_RETENTION: `${REPLAY_RETENTION_SECONDS}s`,
  };
  const ways = new Map<string, Ways>();
  const members: Member[] = [];
  for (const { name, role } of MEMBERS) {
    const way = async (port: number): Promise<TcpProxy> => held(`way of ${name}`, startTcpProxy(port));
    const own: Ways = {
      postgres: role === 'capture' ? await way(server.port) : null,
      redis: await way(redis.port),
      segment: role === 'deliver' ? await way(receiver.port) : null,
    };
    ways.set(name, own);
    const through = (proxy: TcpProxy | null, url: string): string =>
      proxy === null ? url : proxy.through(url).replace(/\/$/, '');
    members.push({
      name,
      role,
      env: {
        ...env,
        DATABASE_URL: through(own.postgres, db.url),
        REDIS_URL: through(own.redis, redis.url),
        SEGMENT_HOST: through(own.segment, receiver.url),
      },
    });
  }
  const fleet: Fleet = new Fleet({
    members,
    directory,
    log,
    // What needs a person is done by one.
    onStopped: (condition) => {
      if (condition.startsWith(RECOVERABLE))
        void operator.recover().catch((error: unknown) => operator.findings.push(toError(error).message));
    },
  });
  const operator = new Operator({ fleet, env, pool, log });
  const losses = new QueueLosses({ pool, slotName: env.SLOT_NAME });
  releases.defer('fleet', () => fleet.end());
  releases.defer('losses', () => losses.end());
  return {
    server,
    db,
    slotName: env.SLOT_NAME,
    redis,
    receiver,
    arrivals,
    poison: new Poison(),
    deliveries,
    letters: new Letters({ redis }),
    losses,
    fleet,
    business: new Business({ simulator, log }),
    patrons: new Patrons(pool),
    operator,
    ways,
    env,
    pool,
    spillDirectory: env.SPILL_DIR,
    since: rows[0]?.now ?? '',
    log,
    [Symbol.asyncDispose]: () => releases.releaseAll(),
  };
}
