import type { Config, SourceConfig } from '../config/config.js';
import { didYouMean } from '../errors/nearest.js';
import { ConnectorError } from '../errors/connector-error.js';

export type SourceRefusal = 'REPLAY_REFUSED' | 'BACKFILL_REFUSED' | 'RECONCILE_REFUSED' | 'PAUSE_REFUSED';

/** The source that `--source` names, else all of them. @throws ConnectorError as `sourceAsked` */
export function sourcesAsked(
  config: Config,
  asked: string | undefined,
  refusal: SourceRefusal,
): readonly SourceConfig[] {
  return asked === undefined ? config.sources : [sourceAsked(config, asked, refusal)];
}

/**
 * The source a command is about: the one that `--source` names, else the only one there is.
 * @throws ConnectorError with the command's code when it is not configured, or several are and none was named
 */
export function sourceAsked(
  { sources }: Config,
  asked: string | undefined,
  refusal: SourceRefusal,
): SourceConfig {
  const [first, ...others] = sources;
  const names = sources.map(({ settings }) => settings.name);
  if (asked === undefined) {
    if (others.length === 0) return first;
    throw new ConnectorError(
      refusal,
      `several sources are configured; name one with --source: ${names.join(', ')}`,
    );
  }
  const found = sources.find(({ settings }) => settings.name === asked);
  if (found !== undefined) return found;
  const configured = names.length === 1 ? `the source is ${names.join()}` : `sources: ${names.join(', ')}`;
  throw new ConnectorError(
    refusal,
    `--source ${asked} is not configured; ${configured}.${didYouMean(asked, names)}`,
  );
}
