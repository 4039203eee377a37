import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConnectorError } from '../errors/connector-error.js';
import type { CaptureSettings, Config } from './config.js';
import { readEnvironment, type Environment, type Problem, type ReadOptions } from './environment.js';
import type { Role } from './option.js';
import type { OptionValues } from './options.js';
import { postgresSettings, redisSettings } from './connections.js';
import type { DeliverySettings, EventSettings, OAuthSettings } from './source.js';

/**
 * What is about to run: it decides which options must be set. `check` needs none, it reports what is missing; nor does
 * `print`, which only writes SQL. `demo` has servers of its own: role `deliver` delivers to a real source.
 */
export interface Use {
  readonly command: 'run' | 'setup' | 'print' | 'check' | 'demo' | 'preview';
  /** Default `all`. */
  readonly role?: Role;
}

/**
 * The configuration of an environment.
 * @throws ConnectorError CONFIG_INVALID naming every problem at once, in words, without a secret.
 */
export function parseConfig(env: Environment, use: Use, options: ReadOptions = {}): Config {
  const { values, problems } = readEnvironment(env, options);
  const role = use.role ?? 'all';
  problems.push(...missing(values, problems, use.command, role));
  const config = resolve(values, role, problems);
  if (problems.length > 0) throw invalid(problems);
  return config;
}

function invalid(problems: readonly Problem[]): ConnectorError {
  const lines = problems.map(({ variable, says }) => `  - ${variable} ${says}`);
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const variables = [...new Set(problems.map(({ variable }) => variable))].join(',');
  return new ConnectorError('CONFIG_INVALID', [`the configuration has ${count}:`, ...lines].join('\n'), {
    facts: { problems: problems.length, variables },
  });
}

function missing(
  values: OptionValues,
  found: readonly Problem[],
  command: Use['command'],
  role: Role,
): Problem[] {
  const needs = neededBy(command, role);
  return needs
    .filter(([name]) => values[name] === null && !found.some(({ variable }) => variable.startsWith(name)))
    .map(([name, why]) => ({
      variable: name,
      says: `is not set; ${why} (${name}_FILE may name a file instead).`,
    }));
}

type Needed = readonly ['DATABASE_URL' | 'REDIS_URL' | 'SEGMENT_WRITE_KEY', string];

function neededBy(command: Use['command'], role: Role): Needed[] {
  const database: Needed = ['DATABASE_URL', 'it names the loyalty database'];
  const queue: Needed = ['REDIS_URL', 'it names the queue between capture and delivery'];
  const source: Needed = ['SEGMENT_WRITE_KEY', 'it names the Segment source'];
  switch (command) {
    case 'check':
    case 'print':
      return [];
    case 'setup':
    case 'preview':
      return [database];
    case 'demo':
      return role === 'deliver' ? [source] : [];
    case 'run':
      return [...(role === 'deliver' ? [] : [database]), queue, ...(role === 'capture' ? [] : [source])];
    default:
      return never(command);
  }
}

function never(command: never): never {
  throw new Error(`no such command: ${String(command)}`);
}

function resolve(values: OptionValues, role: Role, problems: Problem[]): Config {
  const source = eventSettings(values, problems);
  return {
    role,
    postgres: postgresSettings(values, problems),
    redis: redisSettings(values, problems),
    capture: captureSettings(values),
    queue: { prefix: values.QUEUE_PREFIX, budgetBytes: values.QUEUE_BUDGET, lanes: values.LANES },
    source,
    delivery: deliverySettings(values, source.name, problems),
    http: { host: values.HTTP_HOST, port: values.HTTP_PORT },
    logLevel: values.LOG_LEVEL,
    shutdownGraceMs: values.SHUTDOWN_GRACE,
  };
}

function captureSettings(values: OptionValues): CaptureSettings {
  return {
    slotName: values.SLOT_NAME,
    publicationName: values.PUBLICATION_NAME,
    transactionMemoryBytes: values.TRANSACTION_MEMORY,
    spillDir: values.SPILL_DIR ?? join(tmpdir(), 'paytronix-segment'),
    cacheAccounts: values.CACHE_ACCOUNTS,
    replayRetentionMs: values.REPLAY_RETENTION,
    replayMaxWalBytes: values.REPLAY_MAX_WAL,
  };
}

function eventSettings(values: OptionValues, problems: Problem[]): EventSettings {
  const reported = problems.some(({ variable }) => variable.startsWith('CARD_NUMBER_HASH_KEY'));
  if (values.CARD_NUMBER === 'MASKED' && values.USER_ID === 'printed_card_number') {
    problems.push({
      variable: 'USER_ID',
      says: 'is printed_card_number, but CARD_NUMBER=MASKED leaves six digits of it, which many guests share; use HASHED, or another USER_ID.',
    });
  }
  if (values.CARD_NUMBER === 'HASHED' && values.CARD_NUMBER_HASH_KEY === null && !reported) {
    problems.push({ variable: 'CARD_NUMBER_HASH_KEY', says: 'is not set; CARD_NUMBER=HASHED needs it.' });
  }
  return {
    name: values.MERCHANT_ID === null ? 'default' : `merchant-${values.MERCHANT_ID}`,
    merchantId: values.MERCHANT_ID,
    events: values.EVENTS,
    identify: values.IDENTIFY,
    userId: { strategy: values.USER_ID, prefix: values.USER_ID_PREFIX ?? '' },
    cardNumber: {
      mode: values.CARD_NUMBER,
      hashKey: values.CARD_NUMBER === 'HASHED' ? values.CARD_NUMBER_HASH_KEY : null,
    },
    emitVoids: values.EMIT_VOIDS,
    surveyAnswers: values.SURVEY_ANSWERS,
    enabledFromUs: values.ENABLED_FROM ?? 0,
  };
}

function deliverySettings(values: OptionValues, name: string, problems: Problem[]): DeliverySettings | null {
  const oauth = oauthSettings(values, problems);
  if (oauth !== null && values.SEGMENT_CLIENT === 'batch') {
    problems.push({
      variable: 'SEGMENT_CLIENT',
      says: 'is batch, but OAuth goes through the SDK; leave it out or set sdk.',
    });
  }
  if (values.SEGMENT_WRITE_KEY === null) return null;
  return {
    name,
    writeKey: values.SEGMENT_WRITE_KEY,
    host: values.SEGMENT_HOST,
    client: values.SEGMENT_CLIENT ?? (oauth === null ? 'batch' : 'sdk'),
    oauth,
    rateLimitPerSecond: values.RATE_LIMIT_PER_SECOND,
    lanes: values.LANES,
    requestTimeoutMs: values.REQUEST_TIMEOUT,
  };
}

function oauthSettings(values: OptionValues, problems: Problem[]): OAuthSettings | null {
  const names = ['SEGMENT_OAUTH_CLIENT_ID', 'SEGMENT_OAUTH_KEY_ID', 'SEGMENT_OAUTH_KEY_FILE'] as const;
  const absent = names.filter((name) => values[name] === null);
  const reported = (name: string): boolean => problems.some(({ variable }) => variable === name);
  if (absent.length > 0 && absent.length < names.length) {
    for (const name of absent.filter((one) => !reported(one))) {
      problems.push({ variable: name, says: 'is not set; OAuth needs a client id, a key and the key’s id.' });
    }
  }
  const {
    SEGMENT_OAUTH_CLIENT_ID: clientId,
    SEGMENT_OAUTH_KEY_ID: keyId,
    SEGMENT_OAUTH_KEY_FILE: clientKey,
  } = values;
  if (clientId === null || keyId === null || clientKey === null) return null;
  return {
    clientId,
    clientKey,
    keyId,
    authServer: values.SEGMENT_OAUTH_SERVER,
    scope: values.SEGMENT_OAUTH_SCOPE,
  };
}
