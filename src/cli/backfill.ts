import { backfill } from '../backfill/backfill.js';
import { BACKFILL_APPLICATION, holdBackfillLock } from '../backfill/lock.js';
import { fill } from '../backfill/fill.js';
import { readMovedRows } from '../backfill/page-reader.js';
import type { BackfillRequest } from '../backfill/request.js';
import { requireOffered, resolveSpan } from '../backfill/resolve.js';
import { giveUpRuns, openRun } from '../backfill/run-store.js';
import { customTelling, type CustomTelling } from '../backfill/custom-feeds.js';
import { present } from '../config/config.js';
import { parseConfig } from '../config/parse.js';
import type { EventSettings } from '../config/source.js';
import { ConnectorError } from '../errors/connector-error.js';
import { EXIT, type ExitCode } from '../errors/exit-codes.js';
import { didYouMean } from '../errors/nearest.js';
import { slugOf } from '../events/custom-event.js';
import { EVENT_NAMES } from '../events/event.js';
import { systemClock } from '../lifecycle/clock.js';
import { openMapping } from '../mapping/open-mapping.js';
import { openKnex } from '../postgres/connection.js';
import { restoreSuppressions } from '../replay/suppressions-restored.js';
import { CALL_NAMES } from './arguments.js';
import { openBackfillLane } from './backfill-lane.js';
import { BackfillScreen } from './backfill-screen.js';
import type { CommandContext } from './context.js';
import { commandLogger } from './replay.js';
import { sourceAsked } from './source.js';
import { commandList, listedOption } from './suppression.js';
import { styleFor } from './style.js';

export interface BackfillCommandOptions {
  /** Names as parsed, or `all`; with `identify` among them, or with the flag, profiles are sent. */
  readonly event?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly merchant?: string;
  readonly source?: string;
  readonly identify: boolean;
  readonly updatedRows: boolean;
  readonly dryRun: boolean;
  readonly restart: boolean;
  readonly rowsPerSecond: number;
  readonly yes: boolean;
}

/** As an event's name: all that the source sends. */
const ALL_EVENTS = 'all';

/** Reads from the tables what the WAL no longer holds, and sends it. */
export async function backfillCommand(
  context: CommandContext,
  options: BackfillCommandOptions,
): Promise<ExitCode> {
  const config = parseConfig(context.env, { command: options.dryRun ? 'preview' : 'run' });
  const asked = sourceAsked(config, options.source, 'BACKFILL_REFUSED');
  const database = present(config.postgres, 'database');
  const logger = commandLogger(context, config);
  await using list = await commandList(config, logger);
  const knex = openKnex({ ...database, poolSize: 8, applicationName: BACKFILL_APPLICATION });
  const screen = new BackfillScreen(context.out, styleFor(context.out, context.env), systemClock);
  const { signal } = context;
  try {
    const mapping = await openMapping(knex, config.mapping);
    const request = requestOf(options, asked.settings, await customTelling(knex, mapping));
    requireOffered(request, asked.settings);
    const { span, source, wasSentBefore } = await resolveSpan(knex, {
      request,
      source: asked.settings,
      slotName: config.capture.slotName,
    });
    const names = [...request.events, ...request.custom, ...(request.identify ? ['profiles'] : [])];
    const moved = await readMovedRows(knex, mapping, request);
    const { rowsPerSecond } = options;
    const common = {
      knex,
      mapping,
      clock: systemClock,
      source,
      request,
      rowsPerSecond,
      ...listedOption(list),
    };
    if (options.dryRun) {
      screen.plan(names, span, source.name);
      screen.moved(moved, request.updatedRows);
      const save = async (): Promise<void> => undefined;
      const counting = { ...common, span, sink: null, save, observer: screen.observer };
      const { done, status } = await backfill(counting, signal);
      screen.counted(status);
      return done ? EXIT.OK : EXIT.CUT_SHORT;
    }
    await using _lock = await holdBackfillLock(database, source.name);
    if (options.restart) await giveUpRuns(knex, source.name, request);
    const run = await openRun({
      knex,
      source: source.name,
      request,
      gapId: null,
      span,
      unconfirmed: options.yes ? null : wasSentBefore,
    });
    screen.plan(names, run.span, source.name);
    screen.moved(moved, request.updatedRows);
    if (run.isResumed) screen.resuming(run);
    await using lane = openBackfillLane({
      config,
      source: asked,
      logger,
      list,
      withLiveLanes: false,
      onObstacle: (text) => screen.obstacle(text),
    });
    const graceMs = config.shutdownGraceMs;
    const filled = await fill(
      {
        ...common,
        run,
        lane,
        graceMs,
        observer: screen.observer,
        prepare: async (sink) => void (await restoreSuppressions(knex, sink)),
      },
      signal,
    );
    screen.filled(filled);
    return filled.tag === 'delivered' ? EXIT.OK : EXIT.CUT_SHORT;
  } finally {
    await knex.destroy();
  }
}

/** @throws ConnectorError BACKFILL_REFUSED for what is no event, and for what the tables cannot tell of */
function requestOf(
  options: BackfillCommandOptions,
  source: EventSettings,
  { told, untold }: CustomTelling,
): BackfillRequest {
  const { event = [], since = null, until = null, merchant = null } = options;
  const taken = told.filter((name) => source.customEvents?.has(name) !== false);
  const custom = event.includes(ALL_EVENTS) ? taken : [];
  const known = [...told, ...untold.map(({ name }) => name)];
  for (const text of event) {
    if (text === ALL_EVENTS || CALL_NAMES.some((name) => name === text)) continue;
    const name = known.find((each) => slugOf(each) === slugOf(text));
    if (name === undefined) {
      const names = [...CALL_NAMES, ...known];
      throw new ConnectorError(
        'BACKFILL_REFUSED',
        `${JSON.stringify(text)} is no event.${didYouMean(text, names)}`,
      );
    }
    const why = untold.find((each) => each.name === name)?.why;
    if (why !== undefined) {
      throw new ConnectorError('BACKFILL_REFUSED', `${name} cannot be read from the tables: ${why}`);
    }
    custom.push(name);
  }
  return {
    events: EVENT_NAMES.filter(
      (name) => event.includes(name) || (event.includes(ALL_EVENTS) && source.events.has(name)),
    ),
    custom: [...new Set(custom)],
    identify: options.identify || event.includes('identify'),
    since,
    until,
    merchantId: merchant,
    ...(options.updatedRows ? { updatedRows: true } : {}),
  };
}
