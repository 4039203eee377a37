import type { MappingSpec } from '../mapping/spec.js';
import type { TableColumn } from './checks.js';
import type { Role } from './option.js';
import type { DeliverySettings, EventSettings } from './source.js';

/** How a connection is secured; contents of the PEM files, not their paths. */
export interface TlsSettings {
  /** `require` encrypts without checking who answers; `verify-full` checks the certificate and the host name. */
  readonly mode: 'disable' | 'require' | 'verify-full';
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export interface PostgresSettings {
  /** Without `sslmode` and the other ssl parameters: `tls` says it. Holds the password: never logged. */
  readonly url: string;
  readonly tls: TlsSettings;
}

export interface RedisSettings {
  /** `redis://` or `rediss://`. Holds the password: never logged. */
  readonly url: string;
  /** Null for `redis://`; with `rediss://` always verified against `ca` or the system's authorities. */
  readonly tls: TlsSettings | null;
}

export interface CaptureSettings {
  readonly slotName: string;
  readonly publicationName: string;
  /** Bytes of a transaction's rows in memory before they are spilled. */
  readonly transactionMemoryBytes: number;
  /** Absolute path; made with mode 0700 when it does not exist. */
  readonly spillDir: string;
  readonly cacheAccounts: number;
  /** The replay slot trails by this much at least; 0: it stands where everything is delivered. */
  readonly replayRetentionMs: number;
  /** WAL beyond which the replay slot is dropped. */
  readonly replayMaxWalBytes: number;
}

export interface QueueSettings {
  readonly prefix: string;
}

/** Where the guests stand of whom nothing may be sent, of whatever source. */
export interface SuppressionSettings {
  /** Path; null: there is no file. */
  readonly file: string | null;
  readonly table: TableColumn | null;
  readonly tableRefreshMs: number;
}

/** One Segment source: what goes there, and how. */
export interface SourceConfig {
  readonly settings: EventSettings;
  readonly lanes: number;
  /** Compressed bytes of it that may wait in Redis. */
  readonly budgetBytes: number;
  /** Null without a write key. */
  readonly delivery: DeliverySettings | null;
}

/**
 * The resolved configuration: every default applied, every value checked. `parseConfig` guarantees that what the role
 * needs is not null: `postgres` for capture, every source's `delivery` for deliver, `redis` for both.
 */
export interface Config {
  readonly role: Role;
  readonly postgres: PostgresSettings | null;
  readonly redis: RedisSettings | null;
  readonly capture: CaptureSettings;
  readonly queue: QueueSettings;
  readonly suppression: SuppressionSettings;
  /** At least one, with names of their own. */
  readonly sources: readonly [SourceConfig, ...SourceConfig[]];
  /** What the file says of the user's schema, not yet held against a database. */
  readonly mapping: MappingSpec;
  readonly http: { readonly host: string; readonly port: number };
  readonly logLevel: string;
  readonly shutdownGraceMs: number;
}

/** A part that `parseConfig` guarantees for what runs. @throws Error when it was parsed for something else: a defect. */
export function present<T>(part: T | null, name: string): T {
  if (part === null) throw new Error(`the configuration has no ${name}, though what runs needs it`);
  return part;
}

/** By name: see `SourceConfig`. */
export function budgetsOf(sources: readonly SourceConfig[]): ReadonlyMap<string, number> {
  return new Map(sources.map(({ settings, budgetBytes }) => [settings.name, budgetBytes]));
}

/** What the queue needs to know of sources. */
export function queueSources(
  sources: readonly Pick<SourceConfig, 'settings' | 'lanes' | 'budgetBytes'>[],
): { readonly name: string; readonly lanes: number; readonly budgetBytes: number }[] {
  return sources.map(({ settings, lanes, budgetBytes }) => ({ name: settings.name, lanes, budgetBytes }));
}

/** Names of those that the configuration itself pauses; a source without a write key here is not known to be. */
export function pausedSources(sources: readonly SourceConfig[]): ReadonlySet<string> {
  const paused = sources.filter(({ delivery }) => delivery?.paused === true);
  return new Set(paused.map(({ settings }) => settings.name));
}
