import { Redis, type RedisOptions } from 'ioredis';
import { Backoff } from '../lifecycle/backoff.js';
import type { RedisSettings } from '../config/config.js';

export type RedisClient = Redis;

/**
 * - producer: fails fast, so that its caller decides about waiting: nothing is buffered while Redis is away, and a
 *   command whose answer got lost is not sent a second time behind the caller's back.
 * - worker: commands wait for the connection, as BullMQ's workers need them to (they re-send blocking reads).
 */
export type RedisUse = 'producer' | 'worker';

export interface ConnectRedisOptions {
  readonly settings: RedisSettings;
  readonly use: RedisUse;
  /** Shown by `CLIENT LIST`. Default `paytronix-segment`. */
  readonly name?: string;
  /** Every connection error; the client itself reconnects for ever. */
  readonly onError: (error: Error) => void;
  /** How long a producer's command may take. Default 5,000. */
  readonly commandTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
/**
 * A connection on which an answer is due for so long is given up and made anew: a firewall that forgot it tells nobody, and
 * the system's own limit is a quarter of an hour. No command of a worker blocks for longer than two seconds.
 */
const SILENCE_LIMIT_MS = 5_000;
/** For a server to close its side. */
const DISCONNECT_TIMEOUT_MS = 500;
const QUIT_TIMEOUT_MS = 1_000;
const RECONNECT_MAX_MS = 2_000;

/**
 * The one place where Redis connections are made. Connects at once and reconnects for ever; errors go to `onError`.
 *
 * Sentinel: `redis://s1:26379/0?sentinel_master=<name>&sentinels=s2:26379,s3:26379`; user and password are those of the
 * master. Redis Cluster is not supported: a lane's keys would have to share a slot.
 */
export function connectRedis(options: ConnectRedisOptions): RedisClient {
  const ending = { now: false };
  const client = new Redis({ ...redisOptions(options, ending), replyMapping: 'legacy' });
  endings.set(client, ending);
  client.on('error', options.onError);
  return client;
}

/** Shared by a connection and those that BullMQ makes from it. */
interface Ending {
  /** No new attempt to connect. */
  now: boolean;
}

const endings = new WeakMap<Cuttable, Ending>();

export function redisOptions(options: ConnectRedisOptions, ending: Ending = { now: false }): RedisOptions {
  const url = new URL(options.settings.url);
  const backoff = new Backoff({ initialMs: 100, maxMs: RECONNECT_MAX_MS });
  const tls = tlsOptions(options.settings, url);
  const common: RedisOptions = {
    db: databaseNumber(url),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    connectionName: options.name ?? 'paytronix-segment',
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: 10_000,
    socketTimeout: options.commandTimeoutMs ?? SILENCE_LIMIT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    retryStrategy: (times) => {
      if (ending.now) return null;
      if (times <= 1) backoff.reset();
      return backoff.nextMs();
    },
    ...(options.use === 'producer'
      ? {
          enableOfflineQueue: false,
          autoResendUnfulfilledCommands: false,
          maxRetriesPerRequest: 1,
          commandTimeout: options.commandTimeoutMs ?? SILENCE_LIMIT_MS,
        }
      : { maxRetriesPerRequest: null }),
  };
  const master = url.searchParams.get('sentinel_master');
  if (master !== null) {
    const others = (url.searchParams.get('sentinels') ?? '').split(',').filter((text) => text !== '');
    return {
      ...common,
      name: master,
      sentinels: [url.host, ...others].map(sentinelAddress),
      ...(tls === null ? {} : { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
    };
  }
  return {
    ...common,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 6379 : Number(url.port),
    ...(tls === null ? {} : { tls }),
  };
}

function databaseNumber(url: URL): number {
  const text = url.pathname.replace(/^\//, '');
  return /^\d+$/.test(text) ? Number(text) : 0;
}

function sentinelAddress(text: string): { host: string; port: number } {
  const url = new URL(`redis://${text}`);
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 26379 : Number(url.port) };
}

function tlsOptions(settings: RedisSettings, url: URL): NonNullable<RedisOptions['tls']> | null {
  const tls = settings.tls;
  if (tls === null || tls.mode === 'disable') return url.protocol === 'rediss:' ? {} : null;
  return {
    rejectUnauthorized: tls.mode === 'verify-full',
    ...(tls.ca === null ? {} : { ca: tls.ca }),
    ...(tls.cert === null ? {} : { cert: tls.cert }),
    ...(tls.key === null ? {} : { key: tls.key }),
  };
}

/** Resolves when the connection is usable; rejects only when the signal aborts. */
export async function untilReady(client: RedisClient, signal: AbortSignal): Promise<void> {
  if (client.status === 'ready') return;
  await new Promise<void>((resolve, reject) => {
    const done = (): void => {
      client.off('ready', done);
      signal.removeEventListener('abort', done);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    };
    client.on('ready', done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

/** Ends the connection, in order when it is up and the server answers. Idempotent. */
export async function closeRedis(client: RedisClient): Promise<void> {
  if (client.status === 'ready') {
    const cut = setTimeout(() => cutRedis(client), QUIT_TIMEOUT_MS);
    const ended = client.quit().then(
      () => true,
      () => false,
    );
    const inOrder = await ended;
    clearTimeout(cut);
    if (inOrder) return;
  }
  cutRedis(client);
}

/** What of a connection, also of one that BullMQ made, is needed to cut it. */
export interface Cuttable {
  readonly status: string;
  connect(): Promise<unknown>;
  disconnect(): void;
}

/** Ends the connection at once, in whatever state it is: what waits for an answer on it fails. */
export function cutRedis(client: Cuttable): void {
  const ending = endings.get(client);
  if (ending !== undefined) ending.now = true;
  // Between two attempts ioredis would leave what waits waiting for ever; of an attempt given up it fails all.
  if (client.status === 'reconnecting') client.connect().catch(() => undefined);
  client.disconnect();
}

/** A Buffer travels as its bytes. */
export type RedisArgument = string | number | Buffer;

/** A Lua script, sent once per server and then called by its hash. */
export type RedisScript = (
  client: RedisClient,
  keys: readonly string[],
  args: readonly RedisArgument[],
) => Promise<unknown>;

export function defineScript(name: string, numberOfKeys: number, lua: string): RedisScript {
  return async (client, keys, args) => {
    if (!Reflect.has(client, name)) client.defineCommand(name, { numberOfKeys, lua });
    const command = Reflect.get(client, name) as (...all: RedisArgument[]) => Promise<unknown>;
    return command.call(client, ...keys, ...args);
  };
}
