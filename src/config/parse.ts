import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConnectorError } from '../errors/connector-error.js';
import type { OnRequest } from '../mapping/spec.js';
import { customNames } from './custom-names.js';
import type { CaptureSettings, Config, SourceConfig } from './config.js';
import {
  readOptions,
  unknownVariables,
  type Environment,
  type Problem,
  type ReadOptions,
} from './environment.js';
import type { Role } from './option.js';
import type { OptionValues } from './options.js';
import { postgresSettings, redisSettings } from './connections.js';
import { layered } from './layers.js';
import { COLUMN_OF_TRAIT } from './source.js';
import { merchantIdsOf, resolveSources, sourceConfig } from './sources.js';

/**
 * What is about to run: it decides which options must be set. `check` needs none, it reports what is missing; nor does
 * `print`, which only writes SQL. `demo` has servers of its own: role `deliver` delivers to a real source.
 */
export interface Use {
  readonly command: 'run' | 'setup' | 'print' | 'check' | 'demo' | 'preview' | 'mapping';
  /** Default `all`. */
  readonly role?: Role;
}

/**
 * The configuration of an environment, and of the file that its CONFIG_FILE names.
 * @throws ConnectorError CONFIG_INVALID naming every problem at once, in words, without a secret.
 */
export function parseConfig(env: Environment, use: Use, options: ReadOptions = {}): Config {
  const role = use.role ?? 'all';
  const layers = layered(env, options);
  const reading = { ...options, custom: customNames(layers.mapping.customEvents) };
  const { values, problems } = readOptions(layers.env, reading);
  problems.push(...unknownVariables(env));
  if (layers.broken) throw invalid([...layers.problems, ...problems]);
  const needed = neededBy(use.command, role).filter(
    ([name]) => !layers.unreadable.has(name) && (name !== 'SEGMENT_WRITE_KEY' || layers.sources === null),
  );
  problems.push(...missing(values, problems, needed));
  const needsKeys = neededBy(use.command, role).some(([name]) => name === 'SEGMENT_WRITE_KEY');
  const config = { ...resolve(values, role, problems), mapping: layers.mapping };
  const found = problems.map((problem) => layers.placed(problem));
  const sources =
    layers.sources === null
      ? null
      : resolveSources({ ...reading, env: layers.env, given: layers.sources, needsKeys }, found);
  found.unshift(...layers.problems);
  if (found.length > 0) throw invalid(found);
  const [first, ...others] = sources ?? [];
  const taking = first === undefined ? config.sources : ([first, ...others] as const);
  return { ...config, sources: taking, mapping: { ...config.mapping, asked: askedBy(taking) } };
}

/** What is published and read beyond what every source needs. */
function askedBy(sources: Config['sources']): ReadonlySet<OnRequest> {
  const traits = sources.flatMap(({ settings }) => [...settings.traits]);
  return new Set(traits.map((trait) => COLUMN_OF_TRAIT[trait]));
}

function invalid(problems: readonly Problem[]): ConnectorError {
  const lines = problems.map(({ variable, says }) => `  - ${variable} ${says}`);
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const variables = [...new Set(problems.map(({ variable }) => variable))].join(',');
  return new ConnectorError('CONFIG_INVALID', [`the configuration has ${count}:`, ...lines].join('\n'), {
    facts: { problems: problems.length, variables },
  });
}

function missing(values: OptionValues, found: readonly Problem[], needed: readonly Needed[]): Problem[] {
  return needed
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
    case 'mapping':
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

function resolve(values: OptionValues, role: Role, problems: Problem[]): Omit<Config, 'mapping'> {
  const [merchantId, ...others] = merchantIdsOf(values) ?? [];
  const name = merchantId === undefined || others.length > 0 ? 'default' : `merchant-${merchantId}`;
  const source: SourceConfig = sourceConfig(name, values, problems);
  return {
    role,
    postgres: postgresSettings(values, problems),
    redis: redisSettings(values, problems),
    capture: captureSettings(values),
    queue: { prefix: values.QUEUE_PREFIX },
    suppression: {
      file: values.SUPPRESSION_FILE,
      table: values.SUPPRESSION_TABLE,
      tableRefreshMs: values.SUPPRESSION_TABLE_REFRESH,
    },
    sources: [source],
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
