import type { Knex } from 'knex';
import { present, type Config, type SourceConfig } from '../config/config.js';
import { parseConfig } from '../config/parse.js';
import { ConnectorError } from '../errors/connector-error.js';
import { toldMessage } from '../errors/told.js';
import { EXIT, type ExitCode } from '../errors/exit-codes.js';
import { systemClock } from '../lifecycle/clock.js';
import type { Mapping } from '../mapping/mapping.js';
import { openMapping } from '../mapping/open-mapping.js';
import { openKnex } from '../postgres/connection.js';
import { PublishedGuests } from '../queue/listed-guests.js';
import { closeRedis, connectRedis } from '../queue/redis.js';
import { reconcile, type Reconciliation } from '../reconcile/reconcile.js';
import { repairWindows } from '../reconcile/repair-windows.js';
import { GuestSet } from '../suppression/guest-set.js';
import type { ConfiguredList } from '../suppression/configured-list.js';
import { reconciliationJson } from '../reconcile/summary.js';
import { parsePosition } from '../replay/position.js';
import type { CommandContext } from './context.js';
import { commandLogger } from './replay.js';
import { repair } from './reconcile-repair.js';
import { renderReconciliation } from './reconcile-screen.js';
import { describeError, exitCodeOf } from './report-error.js';
import { sourceAsked, sourcesAsked } from './source.js';
import { commandList } from './suppression.js';
import { styleFor } from './style.js';

export interface ReconcileCommandOptions {
  readonly since?: string;
  readonly until?: string;
  /** Names as parsed, `identify` among them. */
  readonly event?: readonly string[];
  readonly source?: string;
  readonly json: boolean;
  readonly repair: boolean;
  readonly yes: boolean;
}

/**
 * Compares what the tables say should have been sent with what was, and sends what is missing where that is asked for. Without a
 * source all of them are compared, one after the other; the exit code is the worst.
 */
export async function reconcileCommand(
  context: CommandContext,
  options: ReconcileCommandOptions,
): Promise<ExitCode> {
  const config = parseConfig(context.env, { command: 'run', role: options.repair ? 'all' : 'capture' });
  // What is sent is sent to a source that was named.
  const sources = options.repair
    ? [sourceAsked(config, options.source, 'RECONCILE_REFUSED')]
    : sourcesAsked(config, options.source, 'RECONCILE_REFUSED');
  await using list = await commandList(config, commandLogger(context, config));
  const knex = openKnex({
    ...present(config.postgres, 'database'),
    poolSize: 2,
    applicationName: 'paytronix-segment-reconcile',
    // A day of a large brand's ledger may take minutes before the first row comes.
    silenceLimitMs: 0,
  });
  try {
    const mapping = await openMapping(knex, config.mapping);
    const compared: Compared[] = [];
    for (const source of sources) {
      const each = await compareOne(
        context,
        { config, source, knex, mapping, list },
        options,
        sources.length > 1,
      );
      if (each === null) return EXIT.CUT_SHORT;
      compared.push(each);
      if (!options.json) context.out.write(`${compared.length > 1 ? '\n' : ''}${screenOf(context, each)}`);
    }
    if (options.json) context.out.write(jsonOf(compared));
    return compared
      .map(exitCodeFor)
      .reduce<ExitCode>((worst, code) => (code > worst ? code : worst), EXIT.OK);
  } finally {
    await knex.destroy();
  }
}

/** What was found of a source, or why nothing can be. */
type Compared =
  | { readonly tag: 'found'; readonly found: Reconciliation }
  | { readonly tag: 'refused'; readonly source: string; readonly error: ConnectorError };

/** Null: the signal ended a repair. */
async function compareOne(
  context: CommandContext,
  places: Places,
  options: ReconcileCommandOptions,
  isOneOfSeveral: boolean,
): Promise<Compared | null> {
  try {
    const found = await look(context, places, options);
    const windows = options.repair ? repairWindows(found.reports) : [];
    if (windows.length === 0) return { tag: 'found', found };
    if (!options.json) context.out.write(screenOf(context, { tag: 'found', found }));
    const repaired = await repair({
      context,
      ...places,
      windows,
      confirmed: options.yes,
      quiet: options.json,
    });
    return repaired ? { tag: 'found', found: await look(context, places, options) } : null;
  } catch (error) {
    // A source that has delivered nothing yet keeps no other from being compared.
    const isApart = error instanceof ConnectorError && error.code === 'TALLIES_MISSING';
    if (!isApart || !isOneOfSeveral) throw error;
    return { tag: 'refused', source: places.source.settings.name, error };
  }
}

function screenOf({ out, env }: CommandContext, compared: Compared): string {
  return compared.tag === 'found'
    ? renderReconciliation(compared.found, styleFor(out, env))
    : describeError(compared.error, { stack: false });
}

/** An object of one source, a list of several. */
function jsonOf(compared: readonly Compared[]): string {
  const texts = compared.map((each) =>
    each.tag === 'found'
      ? reconciliationJson(each.found)
      : `${JSON.stringify({ source: each.source, error: each.error.code }, null, 2)}\n`,
  );
  return texts.length === 1 ? (texts[0] ?? '') : `[\n${texts.map((text) => text.trimEnd()).join(',\n')}\n]\n`;
}

function exitCodeFor(compared: Compared): ExitCode {
  if (compared.tag === 'refused') return exitCodeOf(compared.error);
  return compared.found.equal ? EXIT.OK : EXIT.FAILED;
}

interface Places {
  readonly config: Config;
  readonly source: SourceConfig;
  readonly knex: Knex;
  readonly mapping: Mapping;
  readonly list: ConfiguredList | null;
}

async function look(
  context: CommandContext,
  places: Places,
  options: ReconcileCommandOptions,
): Promise<Reconciliation> {
  const { config, source, knex, mapping, list } = places;
  const nowMs = systemClock.now();
  const client = connectRedis({
    settings: present(config.redis, 'Redis'),
    // Waits for the connection; a Redis that is away is waited for.
    use: 'worker',
    name: 'paytronix-segment-reconcile',
    onError: (error) => void context.err.write(`redis: ${toldMessage(error)}\n`),
  });
  try {
    const published = new PublishedGuests(client, config.queue.prefix);
    const { name } = source.settings;
    const listed = GuestSet.union([
      await published.guests(name, await published.version(name)),
      list?.guests ?? GuestSet.NONE,
    ]);
    return await reconcile({
      knex,
      mapping,
      listed,
      client,
      prefix: config.queue.prefix,
      source: source.settings,
      lanes: source.lanes,
      slotName: config.capture.slotName,
      from: options.since === undefined ? null : Math.floor(minuteOf('--since', options.since, nowMs)),
      to: options.until === undefined ? null : Math.ceil(minuteOf('--until', options.until, nowMs)),
      names: options.event ?? null,
      clock: systemClock,
      signal: context.signal,
    });
  } finally {
    await closeRedis(client);
  }
}

function minuteOf(option: string, text: string, nowMs: number): number {
  const position = parsePosition(text);
  switch (position?.tag) {
    case 'time':
      return position.timeUs / 60_000_000;
    case 'ago':
      return (nowMs - position.agoUs / 1_000) / 60_000;
    case 'lsn':
    case undefined:
      throw new ConnectorError(
        'RECONCILE_REFUSED',
        `${option} ${JSON.stringify(text)} is no time; write it with its zone (2026-07-01T10:00:00Z) or how long ago (90s, 20m, 2h, 3d)`,
      );
    default: {
      const never: never = position;
      throw new RangeError(`no such position: ${JSON.stringify(never)}`);
    }
  }
}
