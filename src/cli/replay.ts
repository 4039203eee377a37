import { replaySlotName } from '../postgres/slot.js';
import { openDerivation } from '../capture/open-derivation.js';
import { present, type Config, type SourceConfig } from '../config/config.js';
import { parseConfig } from '../config/parse.js';
import { createDelivery } from '../delivery/delivery.js';
import { didYouMean } from '../errors/nearest.js';
import { slugOf } from '../events/custom-event.js';
import { CALL_NAMES } from './arguments.js';
import { EXIT, type ExitCode } from '../errors/exit-codes.js';
import { systemClock } from '../lifecycle/clock.js';
import { combine } from '../observers/combine.js';
import { openMapping } from '../mapping/open-mapping.js';
import { createLogger, type Logger } from '../observability/logger.js';
import { deliveryLog, queueLog } from '../observers/pipeline-log.js';
import { openKnex } from '../postgres/connection.js';
import { REPLAY_LANE } from '../queue/side-lanes.js';
import { createSideSink } from '../queue/side-sink.js';
import type { PassContext } from '../replay/pass.js';
import { replay, type ReplayOptions, type ReplayOutcome } from '../replay/replay.js';
import type { ConfiguredList } from '../suppression/configured-list.js';
import type { CommandContext } from './context.js';
import { ReplayScreen } from './replay-screen.js';
import { sourceAsked } from './source.js';
import { commandList, listedOption } from './suppression.js';
import { styleFor } from './style.js';

export interface ReplayCommandOptions {
  readonly from?: string;
  readonly to?: string;
  readonly event?: readonly string[];
  readonly account?: readonly string[];
  readonly source?: string;
  readonly resend: boolean;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly resume: boolean;
  readonly restart: boolean;
}

/** Sends again what the WAL still holds, and shows how far it is. */
export async function replayCommand(
  context: CommandContext,
  options: ReplayCommandOptions,
): Promise<ExitCode> {
  const config = parseConfig(context.env, { command: options.dryRun ? 'preview' : 'run' });
  const source = sourceAsked(config, options.source, 'REPLAY_REFUSED');
  const events = eventsAsked(options.event ?? [], config);
  if (events.tag === 'unknown') {
    context.err.write(`error: option '--event <name...>': ${events.says}\n`);
    return EXIT.USAGE;
  }
  const logger = commandLogger(context, config);
  const database = present(config.postgres, 'database');
  await using list = await commandList(config, logger);
  const knex = openKnex({ ...database, poolSize: 8, applicationName: 'paytronix-segment-replay' });
  const pass = await passContext({ config, sources: [source], logger, knex, list });
  const screen = new ReplayScreen(context.out, styleFor(context.out, context.env), systemClock);
  const asked = {
    from: options.from ?? '',
    to: options.to ?? null,
    events: events.names,
    accounts: [...new Set(options.account)].toSorted(),
    resend: options.resend,
  };
  const lane = options.dryRun ? null : openLane(config, source, logger, list);
  try {
    const outcome = await replay({
      context: pass,
      mainSlotName: config.capture.slotName,
      source: source.settings.name,
      request: {
        arguments: options.from === undefined ? null : asked,
        dryRun: options.dryRun,
        confirmed: options.yes,
        resume: options.resume,
        restart: options.restart,
      },
      reporter: screen,
      lane,
      signal: context.signal,
      graceMs: config.shutdownGraceMs,
    });
    screen.outcome(outcome);
    return exitCodeFor(outcome);
  } finally {
    await knex.destroy();
  }
}

type EventsAsked =
  | { readonly tag: 'events'; readonly names: readonly string[] }
  | { readonly tag: 'unknown'; readonly says: string };

/** By their names, none: all. */
function eventsAsked(given: readonly string[], { mapping }: Config): EventsAsked {
  if (given.includes('all')) return { tag: 'events', names: [] };
  const known = [...CALL_NAMES, ...mapping.customEvents.map(({ name }) => name.value)];
  const names = new Set<string>();
  for (const text of given) {
    const name = known.find((each) => slugOf(each) === slugOf(text));
    if (name === undefined) {
      return { tag: 'unknown', says: `${JSON.stringify(text)} is no event.${didYouMean(text, known)}` };
    }
    names.add(name);
  }
  return { tag: 'events', names: [...names].toSorted() };
}

/** Everything a pass over the past needs, from the configuration. */
export async function passContext(options: {
  readonly config: Config;
  readonly sources: readonly SourceConfig[];
  readonly logger: Logger;
  readonly knex: PassContext['knex'];
  readonly list: ConfiguredList | null;
}): Promise<PassContext> {
  const { config, sources, logger, knex, list } = options;
  const { capture } = config;
  const mapping = await openMapping(knex, config.mapping);
  return {
    mapping,
    knex,
    database: present(config.postgres, 'database'),
    capture,
    slotName: replaySlotName(capture.slotName),
    openDerivation: async (pass) => {
      const derivation = await openDerivation({
        ...pass,
        ...listedOption(list),
        knex,
        mapping,
        sources: sources.map(({ settings }) => settings),
        cacheAccounts: capture.cacheAccounts,
      });
      return (transactions, settled) => derivation.derive(transactions, settled);
    },
    logger,
    clock: systemClock,
  };
}

/** Warnings and worse, beside what the command itself prints; everything with a LOG_LEVEL below `info`. */
export function commandLogger(context: CommandContext, config: Config): Logger {
  const level = config.logLevel === 'info' ? 'error' : config.logLevel;
  return createLogger(level, { write: (line) => void context.err.write(line) });
}

/** Share of the source's queue budget: what is replayed waits in the WAL rather than in Redis. */
const SIDE_BUDGET = 1 / 32;
const NO_REDIS = 'waiting for Redis';

function openLane(
  { redis, queue, shutdownGraceMs }: Config,
  source: SourceConfig,
  logger: Logger,
  list: ConfiguredList | null,
): NonNullable<ReplayOptions['lane']> {
  const server = present(redis, 'Redis');
  const { prefix } = queue;
  let obstacle: string | null = null;
  const say = (text: string | null): void => void (obstacle = text);
  const delivery = createDelivery({
    sources: [present(source.delivery, 'Segment source')],
    redis: server,
    prefix,
    ...listedOption(list),
    onlyLane: REPLAY_LANE,
    observer: combine(deliveryLog(logger), {
      stopped: (_source: string, _lane: number | null, code: string) => say(`stands still: ${code}`),
      resumed: () => say(null),
    }),
  });
  return {
    openSink: (observer) =>
      createSideSink({
        redis: server,
        prefix,
        ...listedOption(list),
        lane: REPLAY_LANE,
        sources: [source.settings.name],
        queueBudgetBytes: Math.ceil(source.budgetBytes * SIDE_BUDGET),
        observer: combine(queueLog(logger), observer, {
          waiting: (why: string) => say(why === 'redis_unavailable' ? NO_REDIS : `waiting: ${why}`),
          resumed: () => say(null),
        }),
      }),
    delivery: {
      start: () => delivery.start(),
      close: async () => void (await delivery.close({ graceMs: shutdownGraceMs })),
    },
    onAnswer: () => {
      if (obstacle === NO_REDIS) obstacle = null;
    },
    obstacle: () => obstacle,
  };
}

function exitCodeFor({ tag }: ReplayOutcome): ExitCode {
  return tag === 'interrupted' ? EXIT.CUT_SHORT : EXIT.OK;
}
