import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Arrivals } from '../../src/demo/arrivals.js';
import { expectedCalls, type ExpectedCall } from '../../src/demo/oracle.js';
import { startReceiver, type Receiver } from '../../src/demo/receiver.js';
import { ACTS, actAt } from '../../src/demo/simulator/programme.js';
import { Simulator } from '../../src/demo/simulator/simulator.js';
import { verify, type Verdict } from '../../src/demo/verify.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { clientConfig } from '../../src/postgres/connection.js';
import { PUBLICATION, setUpConnector, slotOf } from './captured.js';
import { eventually } from './eventually.js';
import { startProcess, type RunningProcess } from './running-process.js';

import { testDatabase, type TestDatabase } from './postgres.js';
import { testRedis, type TestRedis } from './redis.js';

export type { RunningProcess } from './running-process.js';

const WRITE_KEY = 'test-write-key';

export interface System extends AsyncDisposable {
  readonly db: TestDatabase;
  readonly redis: TestRedis;
  readonly receiver: Receiver;
  readonly arrivals: Arrivals;
  /** What a connector process of this system needs. */
  readonly env: Readonly<Record<string, string>>;
  /** The connector's set-up, where the options say that it is not done. */
  setUp(): Promise<void>;
  /** Only what is committed from now on is expected. Done at the start already. */
  fromNow(): Promise<void>;
  /** All that the tables imply. */
  implied(): Promise<readonly ExpectedCall[]>;
  /** Ids of the calls that the tables imply beyond doubt. */
  certainIds(): Promise<readonly string[]>;
  /** Ids of the calls that the tables imply of these guests' accounts. */
  idsOf(guestIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Lets the simulated brand do business for so long. */
  business(seconds: number): Promise<void>;
  /** Waits until all that the tables imply has arrived, then compares. */
  verdict(options?: VerdictOptions): Promise<Verdict>;
  /** `paytronix-segment run` as a process of its own; killed with the system at the latest. */
  run(role: 'all' | 'capture' | 'deliver', env?: Readonly<Record<string, string>>): RunningProcess;
  /** Any command of `paytronix-segment` as a process of its own. */
  command(argv: readonly string[], env?: Readonly<Record<string, string>>): RunningProcess;
}

export interface VerdictOptions {
  /** Ids that may rightly be missing. */
  readonly setAside?: ReadonlySet<string>;
  /** Where it arrives. Default: the system's own receiver. */
  readonly at?: Arrivals;
  /** Default 60,000. */
  readonly withinMs?: number;
}

export interface SystemOptions {
  /** Superuser URL of a server of the test's own. Default: the run's shared cluster. */
  readonly server?: string;
  /** Database commits a second. Default 150. */
  readonly ratePerSecond?: number;
  readonly guests?: number;
  readonly seed?: number;
  /** The names of acts of the simulator that never happen. */
  readonly never?: readonly string[];
  /** Whether the connector's set-up is done. Default true. */
  readonly setUp?: boolean;
}

/** A brand with its database, a Redis, and a receiver as strict as Segment: everything but the connector. */
export async function system(options: SystemOptions = {}): Promise<System> {
  const db = await testDatabase(options.server === undefined ? {} : { server: options.server });
  const redis = await testRedis({ appendOnly: true });
  const arrivals = new Arrivals(() => undefined);
  const receiver = await startReceiver({
    writeKeys: [WRITE_KEY],
    keep: false,
    onEvent: (event) => arrivals.received(event),
  });
  const spillDir = await mkdtemp(join(tmpdir(), 'system-'));
  const pool = new pg.Pool({ ...clientConfig({ url: db.url, applicationName: 'brand' }), max: 6 });
  // A server that restarts breaks idle connections and those in use; the brand's act in hand fails, which is its affair.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const simulator = new Simulator({
    pool,
    guests: options.guests ?? 100,
    ratePerSecond: options.ratePerSecond ?? 150,
    seed: options.seed ?? 1,
    nextAct: (index, random) => {
      let act = actAt(index, random);
      while (options.never?.includes(act.name) === true) act = actAt(ACTS.length, random);
      return act;
    },
    clock: systemClock,
  });
  await simulator.open();
  if (options.setUp !== false) await setUpConnector(db);
  let since = '';
  const fromNow = async (): Promise<void> => {
    const { rows } = await db.sql<{ now: string }>('SELECT clock_timestamp()::text AS now');
    since = rows[0]?.now ?? '';
  };
  await fromNow();
  const implied = async (): Promise<ExpectedCall[]> => {
    const connection = await pool.connect();
    try {
      return await expectedCalls(connection, { since, walletsFromEnrolment: true });
    } finally {
      connection.release();
    }
  };
  const processes: RunningProcess[] = [];
  const env = {
    DATABASE_URL: db.url,
    REDIS_URL: redis.url,
    SEGMENT_WRITE_KEY: WRITE_KEY,
    SEGMENT_HOST: receiver.url,
    PUBLICATION_NAME: PUBLICATION,
    SLOT_NAME: slotOf(db),
    SPILL_DIR: spillDir,
    HTTP_PORT: '0',
    LOG_LEVEL: 'info',
  };
  const command: System['command'] = (argv, extra = {}) => {
    const started = startProcess(argv, { ...env, ...extra });
    processes.push(started);
    return started;
  };
  return {
    db,
    redis,
    receiver,
    arrivals,
    env,
    business: async (seconds) => {
      await simulator.run(seconds, new AbortController().signal);
    },
    verdict: async ({ setAside = new Set(), at = arrivals, withinMs = 60_000 } = {}) => {
      const all = await implied();
      const certain = all.filter(({ messageId }) => !setAside.has(messageId));
      await eventually(
        () => at.missingOf(certain) === 0,
        () => `${at.missingOf(certain)} of ${certain.length} calls`,
        withinMs,
      );
      const arrived = new Set(at.calls.map(({ messageId }) => messageId));
      const expected = all.filter(({ messageId }) => !setAside.has(messageId) || arrived.has(messageId));
      return verify(expected, at.calls);
    },
    implied,
    certainIds: async () =>
      (await implied()).filter(({ certain }) => certain).map(({ messageId }) => messageId),
    idsOf: async (guestIds) => {
      const { rows } = await db.sql<{ account_id: string }>(
        'SELECT account_id FROM loyalty.account WHERE user_id = ANY($1)',
        [guestIds],
      );
      const theirs = new Set(rows.map(({ account_id: id }) => id));
      const calls = (await implied()).filter(({ accountId }) => accountId !== null && theirs.has(accountId));
      return new Set(calls.map(({ messageId }) => messageId));
    },
    setUp: async () => {
      await setUpConnector(db);
      await fromNow();
    },
    fromNow,
    run: (role, extra) => command(['run', '--role', role], extra),
    command,
    [Symbol.asyncDispose]: async () => {
      for (const { child } of processes)
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await pool.end();
      await receiver.close();
      await redis.dispose();
      await db.close();
      await rm(spillDir, { recursive: true, force: true });
    },
  };
}
