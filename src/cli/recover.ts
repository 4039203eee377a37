import { BACKFILL_APPLICATION, holdBackfillLock } from '../backfill/lock.js';
import { recover } from '../backfill/recover.js';
import { present, type SourceConfig } from '../config/config.js';
import { parseConfig } from '../config/parse.js';
import { EXIT, type ExitCode } from '../errors/exit-codes.js';
import { systemClock } from '../lifecycle/clock.js';
import { openMapping } from '../mapping/open-mapping.js';
import { openKnex, type DatabaseOptions } from '../postgres/connection.js';
import type { Gap } from '../postgres/gap-store.js';
import { timeText } from '../replay/position.js';
import { openBackfillLane } from './backfill-lane.js';
import { BackfillScreen } from './backfill-screen.js';
import type { CommandContext } from './context.js';
import { commandLogger } from './replay.js';
import { reportLine } from './setup.js';
import { commandList, listedOption } from './suppression.js';
import { styleFor } from './style.js';

export interface RecoverCommandOptions {
  /** Microseconds. */
  readonly margin: number;
  readonly rowsPerSecond: number;
}

/** Makes the slot anew where it is lost, and fills what was missed from the tables. */
export async function recoverCommand(
  context: CommandContext,
  options: RecoverCommandOptions,
): Promise<ExitCode> {
  const config = parseConfig(context.env, { command: 'run' });
  const database = present(config.postgres, 'database');
  const { capture, sources } = config;
  const logger = commandLogger(context, config);
  const style = styleFor(context.out, context.env);
  await using list = await commandList(config, logger);
  const knex = openKnex({ ...database, poolSize: 8, applicationName: BACKFILL_APPLICATION });
  let screen = new BackfillScreen(context.out, style, systemClock);
  const gaps = new Set<string>();
  try {
    await using _locks = await holdLocks(database, sources);
    const done = await recover(
      {
        knex,
        mapping: await openMapping(knex, config.mapping),
        database,
        slotName: capture.slotName,
        publicationName: capture.publicationName,
        sources: sources.map((source) => ({
          settings: source.settings,
          openLane: () =>
            openBackfillLane({
              config,
              source,
              logger,
              list,
              withLiveLanes: true,
              onObstacle: (text) => screen.obstacle(text),
            }),
        })),
        marginUs: options.margin,
        rowsPerSecond: options.rowsPerSecond,
        ...listedOption(list),
        clock: systemClock,
        graceMs: config.shutdownGraceMs,
        reporter: {
          step: (report) => screen.say(reportLine(report, style)),
          gaps: (open, span, { source, events }) => {
            for (const { id } of open) gaps.add(id);
            screen = new BackfillScreen(context.out, style, systemClock);
            for (const gap of open) screen.say(`Gap ${gap.id}: ${describe(gap)}`);
            screen.plan(events, span, source.name);
          },
          resuming: (run) => screen.resuming(run),
          waitingForLive: (jobs) => screen.waitingForLive(jobs),
          filled: (filled) => screen.filled(filled),
          closed: (open) => {
            for (const { id } of open) screen.say(style.green(`Gap ${id} is closed.`));
          },
          untold: (events) => {
            for (const { name, why } of events) {
              screen.say(style.yellow(`${name} cannot be read from the tables: ${why}.`));
            }
          },
          moved: (rows) => screen.moved(rows),
          observer: {
            page: (status) => screen.observer.page?.(status),
            scanned: (rows) => screen.observer.scanned?.(rows),
            beginningAgain: () => screen.observer.beginningAgain?.(),
            draining: (jobs) => screen.observer.draining?.(jobs),
            waiting: (error, delayMs) => screen.observer.waiting?.(error, delayMs),
          },
        },
      },
      context.signal,
    );
    if (!done) return EXIT.CUT_SHORT;
    screen.say(
      gaps.size === 0
        ? 'Nothing to recover: no gap is open.'
        : 'Done. The connector can run: paytronix-segment run',
    );
    return EXIT.OK;
  } finally {
    await knex.destroy();
  }
}

/** Of every source, so that nothing else fills one meanwhile. */
async function holdLocks(
  database: DatabaseOptions,
  sources: readonly SourceConfig[],
): Promise<AsyncDisposable> {
  const held: AsyncDisposable[] = [];
  const release = async (): Promise<void> => {
    for (const lock of held.toReversed()) await lock[Symbol.asyncDispose]();
  };
  try {
    for (const { settings } of sources) held.push(await holdBackfillLock(database, settings.name));
  } catch (error) {
    await release();
    throw error;
  }
  return { [Symbol.asyncDispose]: release };
}

function describe({ reason, fromTimeUs, toTimeUs }: Gap): string {
  const from = fromTimeUs === null ? 'an unknown time' : timeText(fromTimeUs);
  const to = toTimeUs === null ? 'an unknown time' : timeText(toTimeUs);
  return reason.includes(': from ') ? reason : `${reason}: from ${from} to ${to}`;
}
