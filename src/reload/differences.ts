import { isDeepStrictEqual } from 'node:util';
import type { Config, SourceConfig } from '../config/config.js';
import { COLUMN_OF_TRAIT } from '../config/source.js';

/** What is another in a configuration that was read again. */
export interface Differences {
  /** Names of sources, each sorted as in the file. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Beside their shares of the queue's budget, which are others with each that comes or goes. */
  readonly changed: readonly string[];
  /** Nothing of the sources is another, not even a share. */
  readonly isSame: boolean;
  /** Settings that take effect with a restart only, as they are called. */
  readonly needRestart: readonly string[];
  /** What can take effect now: the sources as they are to be, and all else as it was. */
  readonly config: Config;
}

/** What `run` holds for as long as it runs, by the names of the options. */
const LASTING: readonly (readonly [name: string, of: (config: Config) => unknown])[] = [
  ['database_url', ({ postgres }) => postgres?.url],
  ['database_tls_…', ({ postgres }) => postgres?.tls],
  ['redis_url', ({ redis }) => redis?.url],
  ['redis_tls_…', ({ redis }) => redis?.tls],
  ['queue_prefix', ({ queue }) => queue.prefix],
  ['slot_name', ({ capture }) => capture.slotName],
  ['publication_name', ({ capture }) => capture.publicationName],
  // What sources ask for beside it is theirs.
  ['mapping', ({ mapping }) => ({ ...mapping, asked: null })],
  ['suppression_file, suppression_table', ({ suppression }) => suppression],
  ['transaction_memory', ({ capture }) => capture.transactionMemoryBytes],
  ['spill_dir', ({ capture }) => capture.spillDir],
  ['cache_accounts', ({ capture }) => capture.cacheAccounts],
  ['replay_retention', ({ capture }) => capture.replayRetentionMs],
  ['replay_max_wal', ({ capture }) => capture.replayMaxWalBytes],
  ['http_host', ({ http }) => http.host],
  ['http_port', ({ http }) => http.port],
  ['log_level', ({ logLevel }) => logLevel],
  ['shutdown_grace', ({ shutdownGraceMs }) => shutdownGraceMs],
];

export function differences(before: Config, after: Config): Differences {
  const needRestart = LASTING.filter(([, of]) => !isDeepStrictEqual(of(before), of(after))).map(
    ([name]) => name,
  );
  const held = new Map(before.sources.map((source) => [source.settings.name, source]));
  const wanted = after.sources.map((source) => {
    const now = held.get(source.settings.name);
    const possible = withTraits(source, before.mapping.asked);
    if (possible !== source) needRestart.push(`traits of ${source.settings.name}`);
    if (now === undefined || now.lanes === possible.lanes) return possible;
    needRestart.push(`lanes of ${source.settings.name}`);
    return withLanes(possible, now.lanes);
  });
  const names = new Set(wanted.map(({ settings }) => settings.name));
  const [first, ...others] = wanted;
  return {
    added: [...names].filter((name) => !held.has(name)),
    removed: [...held.keys()].filter((name) => !names.has(name)),
    changed: wanted
      .filter((source) => {
        const now = held.get(source.settings.name);
        return (
          now !== undefined && !isDeepStrictEqual({ ...now, budgetBytes: 0 }, { ...source, budgetBytes: 0 })
        );
      })
      .map(({ settings }) => settings.name),
    isSame: isDeepStrictEqual(before.sources, wanted),
    needRestart,
    config: first === undefined ? before : { ...before, sources: [first, ...others] },
  };
}

/** Jobs that are queued lie in so many lanes: another number is taken at a start, and only when nothing is queued. */
function withLanes(source: SourceConfig, lanes: number): SourceConfig {
  const { delivery } = source;
  return { ...source, lanes, delivery: delivery === null ? null : { ...delivery, lanes } };
}

/** What nobody asked for so far is not read, and would be sent as null. */
function withTraits(source: SourceConfig, asked: Config['mapping']['asked']): SourceConfig {
  const { settings } = source;
  const traits = new Set([...settings.traits].filter((trait) => asked.has(COLUMN_OF_TRAIT[trait])));
  return traits.size === settings.traits.size ? source : { ...source, settings: { ...settings, traits } };
}
