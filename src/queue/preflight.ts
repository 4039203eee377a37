import { randomUUID } from 'node:crypto';

import type { RedisSettings } from '../config/config.js';
import { toError } from '../errors/connector-error.js';
import { toldMessage } from '../errors/told.js';
import { failure, ok, warning, type Finding } from '../preflight/finding.js';
import { countListed } from './listed-guests.js';
import { MEMORY_LIMIT_RATIO } from './memory-guard.js';
import { closeRedis, connectRedis, untilReady, type RedisClient } from './redis.js';

export interface CheckRedisOptions {
  readonly settings: RedisSettings;
  /** Prefix of the connector's keys; the write test leaves nothing behind. */
  readonly prefix: string;
  /** Sources whose suppression list is to be learnt from here. Default: none. */
  readonly needsListOf?: readonly string[];
  /** Default 5,000. */
  readonly timeoutMs?: number;
}

/** Everything on the Redis side that would keep the queue from working or make it lose jobs. */
export async function checkRedis(options: CheckRedisOptions): Promise<readonly Finding[]> {
  const timeoutMs = options.timeoutMs ?? 5_000;
  let lastError: Error | null = null;
  const client = connectRedis({
    settings: options.settings,
    use: 'producer',
    name: 'paytronix-segment check',
    commandTimeoutMs: timeoutMs,
    onError: (error) => {
      lastError = error;
    },
  });
  try {
    await untilReady(client, AbortSignal.timeout(timeoutMs));
    return await inspectRedis(client, options);
  } catch (error) {
    const reason = toldMessage(lastError ?? toError(error));
    const { host } = new URL(options.settings.url);
    return [
      failure(
        'redis-connection',
        `Redis at ${host} cannot be used: ${reason}`,
        'Events are queued there before their rows are confirmed.',
        `redis-cli -h ${host.replace(/:(\d+)$/, ' -p $1')} ping; check REDIS_URL, its password and the REDIS_TLS files.`,
      ),
    ];
  } finally {
    await closeRedis(client);
  }
}

/** What the server says of itself. Null: it did not say. */
export interface RedisFacts {
  /** `redis` or `valkey`. */
  readonly product: string;
  readonly version: string;
  /** `standalone`, `cluster` or `sentinel`. */
  readonly mode: string;
  readonly role: string;
  readonly appendOnly: boolean;
  readonly maxMemoryBytes: number;
  readonly usedMemoryBytes: number;
  readonly maxMemoryPolicy: string | null;
  /** Null: CONFIG is not allowed, as on most managed servers. */
  readonly appendFsync: string | null;
}

async function inspectRedis(
  client: RedisClient,
  { prefix, needsListOf = [] }: CheckRedisOptions,
): Promise<readonly Finding[]> {
  const facts = factsFromInfo(await client.info(), await readAppendFsync(client));
  const write = await testWrite(client, prefix);
  const address = `${client.options.host ?? 'sentinel'}:${client.options.port ?? ''}`;
  const list = needsListOf.length === 0 ? [] : [judgeList(await countListed(client, prefix, needsListOf))];
  return [ok('redis-connection', `connected to ${address}`), ...judgeRedis(facts), write, ...list];
}

function judgeList(listed: number | null): Finding {
  const id = 'suppression-list';
  if (listed !== null) return ok(id, `capture has published a suppression list of ${listed} guests`);
  return warning(
    id,
    'capture has published no suppression list yet',
    'SUPPRESSION_TABLE is set, and role deliver learns from Redis what it holds: delivery waits until it is there.',
    'paytronix-segment run --role capture',
  );
}

/** @see https://redis.io/docs/latest/commands/info/ */
export function factsFromInfo(info: string, appendFsync: string | null): RedisFacts {
  const fields = new Map(
    info.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(':');
      return colon <= 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
    }),
  );
  // Valkey gives the Redis version it is compatible with as well.
  const valkey = fields.get('valkey_version');
  return {
    product: valkey === undefined ? 'redis' : 'valkey',
    version: valkey ?? fields.get('redis_version') ?? '0',
    mode: fields.get('redis_mode') ?? 'standalone',
    role: fields.get('role') ?? 'master',
    appendOnly: fields.get('aof_enabled') === '1',
    maxMemoryBytes: Number(fields.get('maxmemory') ?? 0),
    usedMemoryBytes: Number(fields.get('used_memory') ?? 0),
    maxMemoryPolicy: fields.get('maxmemory_policy') ?? null,
    appendFsync,
  };
}

async function readAppendFsync(client: RedisClient): Promise<string | null> {
  try {
    const reply: unknown = await client.config('GET', 'appendfsync');
    return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : null;
  } catch (error) {
    // The server's refusal (renamed command, no permission) is an answer; a broken connection is not.
    if (toError(error).name === 'ReplyError') return null;
    throw error;
  }
}

/** As a script, because BullMQ's writes are scripts: a role may be allowed the one and not the other. */
async function testWrite(client: RedisClient, prefix: string): Promise<Finding> {
  const id = 'redis-write';
  const key = `${prefix}:check:${randomUUID()}`;
  try {
    const script = `redis.call('SET', KEYS[1], ARGV[1], 'EX', 10) return redis.call('DEL', KEYS[1])`;
    await client.eval(script, 1, key, 'x');
    return ok(id, `scripts can write keys of ${prefix}`);
  } catch (error) {
    return failure(
      id,
      `a script cannot write keys of ${prefix}: ${toldMessage(toError(error))}`,
      'The queue consists of such writes.',
      `ACL SETUSER <user> ~${prefix}:* +@all -@dangerous +info`,
    );
  }
}

/** BullMQ's recommended minimum; older ones lack commands its scripts use. */
const OLDEST_VERSION = [6, 2] as const;
const WARN_SHARE = 0.5;

export function judgeRedis(facts: RedisFacts): readonly Finding[] {
  return [
    judgeVersion(facts),
    judgeMode(facts),
    judgePersistence(facts),
    judgePolicy(facts.maxMemoryPolicy),
    judgeMemory(facts),
  ];
}

function judgeVersion({ product, version }: RedisFacts): Finding {
  const id = 'redis-version';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const recent =
    product === 'valkey' ||
    major > OLDEST_VERSION[0] ||
    (major === OLDEST_VERSION[0] && minor >= OLDEST_VERSION[1]);
  if (recent) return ok(id, `${product} ${version}`);
  return failure(
    id,
    `${product} ${version}`,
    'The queue needs commands of 6.2.',
    'Upgrade to Redis 6.2 or newer, or Valkey.',
  );
}

function judgeMode({ mode, role }: RedisFacts): Finding {
  const id = 'redis-mode';
  if (mode === 'cluster') {
    return failure(
      id,
      'the server is part of a Redis Cluster',
      "A lane's keys would have to share a slot; the connector does not support that.",
      'Use one primary, with Sentinel for failover if wanted: redis://s1:26379/0?sentinel_master=<name>',
    );
  }
  if (mode === 'sentinel') {
    return failure(
      id,
      'the address is that of a Sentinel, not of a server',
      'A Sentinel stores nothing; it tells where the primary is.',
      'Say so in REDIS_URL: redis://s1:26379/0?sentinel_master=<name>',
    );
  }
  if (role !== 'master') {
    return failure(
      id,
      `the server is a ${role}`,
      'A replica is read-only.',
      'Point REDIS_URL at the primary.',
    );
  }
  return ok(id, 'a primary, not a cluster');
}

function judgePersistence({ appendOnly, appendFsync }: RedisFacts): Finding {
  const id = 'redis-aof';
  const why =
    'A position is confirmed to PostgreSQL once Redis holds the events: what Redis then forgets is lost.';
  if (!appendOnly && appendFsync === null) {
    return warning(
      id,
      'the append-only file is off, and CONFIG is not allowed here',
      why,
      'Make sure that the provider keeps writes over a failure (AOF, or a Multi-AZ transaction log).',
    );
  }
  if (!appendOnly) {
    return failure(
      id,
      'the append-only file is off',
      why,
      'redis-cli config set appendonly yes && redis-cli config rewrite',
    );
  }
  if (appendFsync === 'no') {
    return warning(
      id,
      'appendfsync is no',
      'A power failure of that machine can lose the last half minute.',
      'redis-cli config set appendfsync everysec && redis-cli config rewrite',
    );
  }
  if (appendFsync === null) {
    return warning(
      id,
      'the append-only file is on; CONFIG is not allowed here, so how often it is synced is not known',
      why,
      "Look at appendfsync in the provider's settings: everysec or always.",
    );
  }
  return ok(id, `the append-only file is on, appendfsync ${appendFsync}`);
}

function judgePolicy(policy: string | null): Finding {
  const id = 'redis-eviction';
  if (policy === 'noeviction') return ok(id, 'maxmemory-policy is noeviction');
  return failure(
    id,
    policy === null ? 'maxmemory-policy is not known' : `maxmemory-policy is ${policy}`,
    'When memory is short Redis would throw away queued events.',
    'redis-cli config set maxmemory-policy noeviction && redis-cli config rewrite',
  );
}

function judgeMemory({ maxMemoryBytes, usedMemoryBytes }: RedisFacts): Finding {
  const id = 'redis-memory';
  if (maxMemoryBytes === 0) {
    return warning(
      id,
      'maxmemory is not set',
      'Only the budget of the queue then bounds it; other data can make the machine run out of memory, and Redis be killed.',
      'redis-cli config set maxmemory 2gb && redis-cli config rewrite',
    );
  }
  const share = usedMemoryBytes / maxMemoryBytes;
  const what = `${Math.round(share * 100)} % of maxmemory is used`;
  if (share < WARN_SHARE) return ok(id, what);
  const why = `At ${MEMORY_LIMIT_RATIO * 100} % capture stops adding, and the WAL on the server grows instead.`;
  const fix =
    'redis-cli config set maxmemory <more> && redis-cli config rewrite; or remove what else is stored there.';
  return share < MEMORY_LIMIT_RATIO ? warning(id, what, why, fix) : failure(id, what, why, fix);
}
