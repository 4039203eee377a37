import { EVENT_NAMES } from '../events/event.js';
import type { SourceConfig } from './config.js';
import { readOptions, type Environment, type Problem, type ReadOptions } from './environment.js';
import { SOURCE_OPTION_NAMES, type OptionValues } from './options.js';
import { sourceKeyOf, type GivenSource } from './settings-file.js';
import type { ContactTrait, DeliverySettings, EventSettings, OAuthSettings } from './source.js';

export interface ResolveSourcesOptions extends ReadOptions {
  /** Every option as the environment and the top of the file have it: what a source does not set for itself. */
  readonly env: Environment;
  readonly given: readonly GivenSource[];
  /** Whether events will be delivered, so that every source needs its write key. */
  readonly needsKeys: boolean;
}

/** The sources of a file, each over what holds for all. Problems name the line of the source they are about. */
export function resolveSources(options: ResolveSourcesOptions, problems: Problem[]): readonly SourceConfig[] {
  const { env, given, needsKeys } = options;
  const sources: SourceConfig[] = [];
  for (const source of given) {
    const found: Problem[] = [];
    const own = new Map<string, string | null>([...source.options].map(([name, { text }]) => [name, text]));
    const { values, problems: wrong } = readOptions(withOwn(env, own), options);
    // What is not the source's own was reported with the rest.
    found.push(...wrong.filter(({ variable }) => own.has(variable)));
    const name = source.name ?? 'unnamed';
    const resolved = sourceConfig(name, values, found);
    if (needsKeys && values.SEGMENT_WRITE_KEY === null && !own.has('SEGMENT_WRITE_KEY')) {
      found.push({
        variable: 'SEGMENT_WRITE_KEY',
        says: 'is not set; it names the Segment source (file:/path may name a file instead).',
      });
    }
    problems.push(...found.map((problem) => placed(problem, source)));
    sources.push(resolved);
  }
  problems.push(...overlaps(sources, given), ...unevenGroups(sources, given));
  return shared(sources, given);
}

/** A value of the source stands instead of either way to give it. */
function withOwn(env: Environment, own: ReadonlyMap<string, string | null>): Environment {
  const merged: Record<string, string | undefined> = { ...env };
  for (const [name, text] of own) {
    merged[name] = text ?? undefined;
    delete merged[`${name}_FILE`];
  }
  return merged;
}

function placed({ variable, says }: Problem, source: GivenSource): Problem {
  const option = SOURCE_OPTION_NAMES.find((name) => name === variable);
  if (option === undefined) return { variable: `${source.at} ${variable}`, says };
  return { variable: `${source.options.get(option)?.at ?? source.at} ${sourceKeyOf(option)}`, says };
}

/** Two sources with one write key that take the same merchant would send everything twice. */
function overlaps(sources: readonly SourceConfig[], given: readonly GivenSource[]): Problem[] {
  const problems: Problem[] = [];
  for (const [index, { settings, delivery }] of sources.entries()) {
    const other = sources
      .slice(0, index)
      .find(
        (earlier) =>
          delivery !== null &&
          earlier.delivery?.writeKey === delivery.writeKey &&
          takeTheSame(earlier.settings, settings),
      );
    if (other === undefined) continue;
    problems.push({
      variable: `${given[index]?.at ?? ''} ${settings.name}`,
      says: `has the write key of ${other.settings.name} and takes the same merchant, so everything would be sent twice; give one of them another merchant_id, or other events.`,
    });
  }
  return problems;
}

/** A bucket has one rate. */
function unevenGroups(sources: readonly SourceConfig[], given: readonly GivenSource[]): Problem[] {
  const problems: Problem[] = [];
  const rates = new Map<string, { readonly name: string; readonly rate: number }>();
  for (const [index, { settings, delivery }] of sources.entries()) {
    const group = delivery?.rateLimitGroup ?? null;
    if (delivery === null || group === null) continue;
    const known = rates.get(group);
    if (known === undefined) rates.set(group, { name: settings.name, rate: delivery.rateLimitPerSecond });
    else if (known.rate !== delivery.rateLimitPerSecond) {
      problems.push({
        variable: `${given[index]?.options.get('RATE_LIMIT_PER_SECOND')?.at ?? given[index]?.at ?? ''} rate_limit_per_second`,
        says: `is ${delivery.rateLimitPerSecond}, and ${known.rate} for ${known.name} of the same rate_limit_group ${group}; a group shares one limit.`,
      });
    }
  }
  return problems;
}

function takeTheSame(a: EventSettings, b: EventSettings): boolean {
  const { merchantIds: of } = b;
  const merchant = a.merchantIds === null || of === null || [...a.merchantIds].some((id) => of.has(id));
  const custom = b.customEvents ?? new Set<string>();
  return (
    merchant &&
    ((a.identify && b.identify) ||
      [...a.events].some((event) => b.events.has(event)) ||
      [...(a.customEvents ?? [])].some((event) => custom.has(event)))
  );
}

/** One source from the values of its options. */
export function sourceConfig(name: string, values: OptionValues, problems: Problem[]): SourceConfig {
  return {
    settings: eventSettings(name, values, problems),
    lanes: values.LANES,
    budgetBytes: values.QUEUE_BUDGET,
    delivery: deliverySettings(name, values, problems),
  };
}

/** A source has less than this only where it says so. */
const LEAST_SHARE_BYTES = 1024 ** 2;

/** What is left of the common budget is shared by the sources that have none of their own. */
function shared(sources: readonly SourceConfig[], given: readonly GivenSource[]): readonly SourceConfig[] {
  const isOwn = (index: number): boolean => given[index]?.options.has('QUEUE_BUDGET') === true;
  const sharing = sources.filter((_source, index) => !isOwn(index)).length;
  const own = sources.reduce((sum, { budgetBytes }, index) => sum + (isOwn(index) ? budgetBytes : 0), 0);
  return sources.map((source, index) => {
    if (isOwn(index)) return source;
    const share = Math.floor((source.budgetBytes - own) / sharing);
    return { ...source, budgetBytes: Math.max(share, Math.min(LEAST_SHARE_BYTES, source.budgetBytes)) };
  });
}

/** Null: every merchant. */
export function merchantIdsOf({ MERCHANT_ID: ids }: OptionValues): ReadonlySet<string> | null {
  return ids === null || ids.size === 0 ? null : ids;
}

function eventSettings(name: string, values: OptionValues, problems: Problem[]): EventSettings {
  const reported = problems.some(({ variable }) => variable.startsWith('CARD_NUMBER_HASH_KEY'));
  if (values.CARD_NUMBER === 'MASKED' && values.USER_ID === 'printed_card_number') {
    problems.push({
      variable: 'USER_ID',
      says: 'is printed_card_number, but CARD_NUMBER=MASKED leaves six digits of it, which many guests share; use HASHED, or another USER_ID.',
    });
  }
  if (
    values.CARD_NUMBER === 'FULL' &&
    values.USER_ID === 'printed_card_number' &&
    values.PRIVACY?.has('printed_card_number') === true
  ) {
    problems.push({
      variable: 'USER_ID',
      says: 'is printed_card_number, which is sent whole as the userId, but PRIVACY hides that property; use CARD_NUMBER=HASHED, or another USER_ID.',
    });
  }
  if (values.CARD_NUMBER === 'HASHED' && values.CARD_NUMBER_HASH_KEY === null && !reported) {
    problems.push({ variable: 'CARD_NUMBER_HASH_KEY', says: 'is not set; CARD_NUMBER=HASHED needs it.' });
  }
  const hashes = [...(values.PRIVACY?.values() ?? [])].some(({ tag }) => tag === 'hash');
  const unreadable = problems.some(({ variable }) => variable.startsWith('PRIVACY_HASH_KEY'));
  if (hashes && values.PRIVACY_HASH_KEY === null && !unreadable) {
    problems.push({ variable: 'PRIVACY_HASH_KEY', says: 'is not set; PRIVACY with =hash needs it.' });
  }
  return {
    name,
    merchantIds: merchantIdsOf(values),
    events: new Set([...values.EVENTS].filter(isCatalogued)),
    customEvents: new Set([...values.EVENTS].filter((event) => !isCatalogued(event))),
    identify: values.IDENTIFY,
    traits: values.TRAITS ?? new Set<ContactTrait>(),
    userId: { strategy: values.USER_ID, prefix: values.USER_ID_PREFIX ?? '' },
    cardNumber: {
      mode: values.CARD_NUMBER,
      hashKey: values.CARD_NUMBER === 'HASHED' ? values.CARD_NUMBER_HASH_KEY : null,
    },
    privacy: values.PRIVACY === null ? null : { rules: values.PRIVACY, hashKey: values.PRIVACY_HASH_KEY },
    emitVoids: values.EMIT_VOIDS,
    wallets: values.WALLETS,
    surveyAnswers: values.SURVEY_ANSWERS,
    enabledFromUs: values.ENABLED_FROM ?? 0,
  };
}

function isCatalogued(event: string): boolean {
  return EVENT_NAMES.some((name) => name === event);
}

function deliverySettings(name: string, values: OptionValues, problems: Problem[]): DeliverySettings | null {
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
    rateLimitGroup: values.RATE_LIMIT_GROUP,
    lanes: values.LANES,
    requestTimeoutMs: values.REQUEST_TIMEOUT,
    paused: values.PAUSED,
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
