import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConnector, type Connector } from '../../src/app.js';
import { parseConfig } from '../../src/config/parse.js';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.js';
import type { PostgresServer } from '../../src/demo/postgres-server.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import type { ReadinessLimits } from '../../src/observability/readiness.js';
import { laneJobId } from '../../src/queue/job-id.js';
import { DEFAULT_PREFIX, laneQueueName, laneStateKey } from '../../src/queue/keys.js';
import { openQueue } from '../../src/queue/lane-queue.js';
import { closeRedis, connectRedis, type RedisClient } from '../../src/queue/redis.js';
import { eventually } from '../support/eventually.js';
import { freeze } from '../support/frozen.js';
import { system, type System } from '../support/system.js';
import { PASS, startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';

/** A tenth or less of what holds in production, so that each fault takes seconds. Redis is pinged every two. */
const LIMITS: ReadinessLimits = {
  serverAnswerMs: 500,
  redisAnswerMs: 3_500,
  queueWaitMs: 500,
  openTransactionMs: 1_000,
  segmentMs: 1_000,
  laneMs: 300,
};
/** PostgreSQL is asked after half of it, and given up after all of it. */
const WAL_SENDER_TIMEOUT_MS = 3_000;
/** What noticing takes beside the limit: a ping that times out, a status that is due. */
const NOTICE_MS = 12_000;

interface Ready {
  readonly status: number;
  readonly reasons: readonly string[];
}

describe('/readyz', () => {
  let server: PostgresServer;
  let brand: System;
  let redis: RedisClient;
  let postgresWay: TcpProxy;
  let redisWay: TcpProxy;
  let connector: Connector;

  beforeAll(async () => {
    server = await startEmbeddedPostgres({ walSenderTimeoutMs: WAL_SENDER_TIMEOUT_MS });
    brand = await system({ server: server.url(), seed: 61, guests: 150 });
    redis = connectRedis({
      settings: { url: brand.redis.url, tls: null },
      use: 'worker',
      onError: () => undefined,
    });
    postgresWay = await startTcpProxy(server.port);
    redisWay = await startTcpProxy(brand.redis.port);
    const env = {
      ...brand.env,
      DATABASE_URL: postgresWay.through(brand.db.url),
      REDIS_URL: redisWay.through(brand.redis.url),
      REQUEST_TIMEOUT: '400ms',
    };
    const config = parseConfig(env, { command: 'run', role: 'all' });
    const given = { logger: silentLogger, role: 'all' as const, clock: systemClock };
    connector = createConnector(config, { ...given, limits: LIMITS, probeIntervalMs: 300 });
    await connector.start();
    await turnsGreen();
  });
  afterAll(async () => {
    postgresWay.set(PASS);
    redisWay.set(PASS);
    await connector.stop();
    await postgresWay.close();
    await redisWay.close();
    await closeRedis(redis);
    await brand[Symbol.asyncDispose]();
    await server.stop();
  });

  async function probe(path: '/readyz' | '/livez'): Promise<Ready> {
    const { host, port } = connector.address ?? { host: '', port: 0 };
    const response = await fetch(`http://${host}:${port}${path}`);
    const { reasons } = (await response.json()) as { reasons: string[] };
    return { status: response.status, reasons };
  }

  async function turnsGreen(): Promise<void> {
    let last: Ready | null = null;
    await eventually(
      async () => {
        last = await probe('/readyz');
        return last.status === 200;
      },
      () => `ready: ${JSON.stringify(last)}`,
      NOTICE_MS * 2,
    );
  }

  /** Red with this reason within the limit and what noticing takes; live all the time. */
  async function turnsRed(reason: RegExp, limitMs: number): Promise<void> {
    let last: Ready | null = null;
    await eventually(
      async () => {
        last = await probe('/readyz');
        return last.status === 503 && last.reasons.some((text) => reason.test(text));
      },
      () => `not ready because ${String(reason)}: ${JSON.stringify(last)}`,
      limitMs + NOTICE_MS,
    );
    expect((await probe('/livez')).status).toBe(200);
  }

  /** Something for every part to do. */
  const business = (): Promise<void> => brand.business(0.7);

  it('is red while the connection to PostgreSQL is half-open, and green again afterwards', async () => {
    postgresWay.set({ tag: 'hold' });
    await turnsRed(/^postgres does not answer|^capture is reconnecting/, WAL_SENDER_TIMEOUT_MS);
    postgresWay.set(PASS);
    await turnsGreen();
  });

  it('is red while PostgreSQL is frozen, and green again afterwards', async () => {
    await using frozen = await freeze(server);
    await turnsRed(/^postgres does not answer|^capture is reconnecting/, WAL_SENDER_TIMEOUT_MS);
    await frozen.thaw();
    await turnsGreen();
  });

  it('is red while Redis is half-open, and green again afterwards', async () => {
    redisWay.set({ tag: 'hold' });
    await turnsRed(/^redis does not answer/, LIMITS.redisAnswerMs);
    redisWay.set(PASS);
    await turnsGreen();
  });

  it('is red while Redis is frozen, and green again afterwards', async () => {
    await using frozen = await freeze(brand.redis);
    await turnsRed(/^redis does not answer/, LIMITS.redisAnswerMs);
    await frozen.thaw();
    await turnsGreen();
  });

  it('is red while Redis is at its memory limit, and green again afterwards', async () => {
    await redis.config('SET', 'maxmemory', '1mb');
    await turnsRed(/^capture waits: redis is at its memory limit/, LIMITS.queueWaitMs);
    await redis.config('SET', 'maxmemory', '0');
    await turnsGreen();
  });

  it.each([
    ['down', { tag: 'status', status: 503 }, /^segment takes nothing of default\/0: status 503/],
    ['hanging', { tag: 'hang' }, /^segment takes nothing of default\/0: timeout/],
  ] as const)('is red while Segment is %s for long, and green again afterwards', async (_, fault, reason) => {
    brand.receiver.respondWith(() => fault);
    await business();
    await turnsRed(reason, LIMITS.segmentMs);
    brand.receiver.respondWith(null);
    await turnsGreen();
  });

  it('is red while a source is refused, and green again afterwards', async () => {
    brand.receiver.respondWith(() => ({ tag: 'status', status: 401 }));
    await business();
    await turnsRed(/^source default stands still: SOURCE_REFUSED/, 0);
    brand.receiver.respondWith(null);
    await turnsGreen();
  });

  it('is red while a lane stands still, and green again when somebody has dealt with its job', async () => {
    const [deliveredSeq, epoch] = await redis.hmget(
      laneStateKey(DEFAULT_PREFIX, 'default', 0),
      'deliveredSeq',
      'epoch',
    );
    const delivered = Number(deliveredSeq);
    const lane = openQueue<unknown>(laneQueueName('default', 0), {
      client: redis,
      prefix: DEFAULT_PREFIX,
      onError: () => undefined,
    });
    const job = await lane.add(
      'batch',
      { v: 99, seq: delivered + 1 },
      {
        jobId: laneJobId({ seq: delivered + 1, epoch: Number(epoch) }, 'of-tomorrow'),
      },
    );
    await turnsRed(/^lane default\/0 stands still: JOB_FORMAT_NEWER/, LIMITS.laneMs);
    await eventually(async () => {
      try {
        await job.remove();
        return true;
      } catch {
        // In hand at this moment.
        return false;
      }
    }, 'the job taken away');
    await lane.close();
    await turnsGreen();
  });

  it('is red while something received is not in Redis for long, and green again afterwards', async () => {
    // What is not known of an account is looked up: here one that has done nothing yet.
    const holder = await brand.db.session();
    await holder.query('BEGIN; LOCK TABLE loyalty.account_wallet IN ACCESS EXCLUSIVE MODE');
    await brand.db.sql(
      `INSERT INTO loyalty.checkin (checkin_id, merchant_id, account_id, channel, checkin_time)
       SELECT 990000001, merchant_id, account_id, 'MOBILE_APP', now() FROM loyalty.account a
       WHERE user_id IS NOT NULL AND NOT EXISTS (SELECT FROM txn.transaction t WHERE t.account_id = a.account_id) LIMIT 1`,
    );
    await turnsRed(/^a transaction was received and is not in redis yet/, LIMITS.openTransactionMs);
    await holder.query('ROLLBACK');
    await turnsGreen();
  });

  it('names in a metric who holds the floor, as status does', async () => {
    const { host, port } = connector.address ?? { host: '', port: 0 };
    const holders = async (): Promise<string[]> => {
      const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
      return [...text.matchAll(/floor_held\{by="(\w+)"\} 1$/gm)].map(([, by]) => by ?? '');
    };
    await eventually(async () => (await holders()).join() === 'nothing', 'nothing holds it');
    redisWay.set({ tag: 'refuse' });
    redisWay.cut();
    await eventually(async () => (await holders()).join() === 'redis', 'redis holds it');
    redisWay.set(PASS);
    postgresWay.set({ tag: 'hold' });
    await eventually(async () => (await holders()).join() === 'postgres', 'nobody can tell');
    postgresWay.set(PASS);
    await turnsGreen();
    await eventually(async () => (await holders()).join() === 'nothing', 'nothing holds it again');
  });

  it('and in all of this nothing was lost or reordered', async () => {
    expect((await brand.verdict()).findings).toEqual([]);
  });
}, 60_000);

it('/livez does not answer while the event loop stands still, and does again afterwards', async () => {
  await using brand = await system({ seed: 62, guests: 10 });
  const connector = brand.run('deliver');
  await connector.logged('serving /livez');
  const port = Number(/"port":(\d+),"msg":"serving/.exec(connector.log())?.[1]);
  const live = async (): Promise<boolean> => {
    try {
      return (await fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(1_000) })).ok;
    } catch {
      // Nothing within the time a platform gives a probe.
      return false;
    }
  };
  expect(await live()).toBe(true);
  await using frozen = await freeze(connector.child.pid ?? 0);
  expect(await live()).toBe(false);
  await frozen.thaw();
  await eventually(live, 'live again');
  expect(await connector.end('SIGTERM')).toBe(0);
}, 60_000);
