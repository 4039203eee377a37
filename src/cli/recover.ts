import { BACKFILL_APPLICATION, holdBackfillLock } from '../backfill/lock.js';
import { recover } from '../backfill/recover.js';
import { present } from '../config/config.js';
import { parseConfig } from '../config/parse.js';
import { EXIT, type ExitCode } from '../errors/exit-codes.js';
import { systemClock } from '../lifecycle/clock.js';
import { openKnex } from '../postgres/connection.js';
import type { Gap } from '../postgres/gap-store.js';
import { timeText } from '../replay/position.js';
import { openBackfillLane } from './backfill-lane.js';
import { BackfillScreen } from './backfill-screen.js';
import type { CommandContext } from './context.js';
import { commandLogger } from './replay.js';
import { reportLine } from './setup.js';
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
  const { capture, source } = config;
  const logger = commandLogger(context, config);
  const style = styleFor(context.out, context.env);
  const knex = openKnex({ ...database, poolSize: 8, applicationName: BACKFILL_APPLICATION });
  let screen = new BackfillScreen(context.out, style, systemClock);
  let gaps = 0;
  try {
    await using _lock = await holdBackfillLock(database, source.name);
    const done = await recover(
      {
        knex,
        database,
        slotName: capture.slotName,
        publicationName: capture.publicationName,
        source,
        marginUs: options.margin,
        rowsPerSecond: options.rowsPerSecond,
        clock: systemClock,
        graceMs: config.shutdownGraceMs,
        openLane: () =>
          openBackfillLane({
            config,
            logger,
            withLiveLanes: true,
            onObstacle: (text) => screen.obstacle(text),
          }),
        reporter: {
          step: (report) => screen.say(reportLine(report, style)),
          gaps: (open, span) => {
            gaps += open.length;
            screen = new BackfillScreen(context.out, style, systemClock);
            for (const gap of open) screen.say(`Gap ${gap.id}: ${describe(gap)}`);
            screen.plan([...source.events], span, source.name);
          },
          resuming: (run) => screen.resuming(run),
          waitingForLive: (jobs) => screen.waitingForLive(jobs),
          filled: (open, filled) => {
            screen.filled(filled);
            if (filled.tag !== 'delivered') return;
            for (const { id } of open) screen.say(style.green(`Gap ${id} is closed.`));
          },
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
      gaps === 0
        ? 'Nothing to recover: no gap is open.'
        : 'Done. The connector can run: paytronix-segment run',
    );
    return EXIT.OK;
  } finally {
    await knex.destroy();
  }
}

function describe({ reason, fromTimeUs, toTimeUs }: Gap): string {
  const from = fromTimeUs === null ? 'an unknown time' : timeText(fromTimeUs);
  const to = toTimeUs === null ? 'an unknown time' : timeText(toTimeUs);
  return reason.includes(': from ') ? reason : `${reason}: from ${from} to ${to}`;
}
