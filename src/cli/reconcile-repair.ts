import type { Knex } from 'knex';
import { fill } from '../backfill/fill.js';
import { holdBackfillLock } from '../backfill/lock.js';
import { openRun } from '../backfill/run-store.js';
import { present, type Config, type SourceConfig } from '../config/config.js';
import { ConnectorError } from '../errors/connector-error.js';
import { systemClock } from '../lifecycle/clock.js';
import { timeText } from '../replay/position.js';
import type { RepairWindow } from '../reconcile/repair-windows.js';
import type { Mapping } from '../mapping/mapping.js';
import { restoreSuppressions } from '../replay/suppressions-restored.js';
import type { ConfiguredList } from '../suppression/configured-list.js';
import { openBackfillLane } from './backfill-lane.js';
import type { CommandContext } from './context.js';
import { commandLogger } from './replay.js';
import { listedOption } from './suppression.js';

export interface RepairOptions {
  readonly context: CommandContext;
  readonly config: Config;
  readonly source: SourceConfig;
  readonly knex: Knex;
  readonly mapping: Mapping;
  readonly list: ConfiguredList | null;
  readonly windows: readonly RepairWindow[];
  /** What may have been delivered may be sent again, though Segment has forgotten its id. */
  readonly confirmed: boolean;
  readonly quiet: boolean;
}

/** How long Segment remembers a message id at least. */
const REMEMBERED_MS = 24 * 3_600_000;
/** A repair is small, and what it reads is read beside the stream. */
const ROWS_PER_SECOND = 5_000;

/**
 * Sends what is missing, and nothing else of its minutes, through the backfill lane. False: the signal ended it; running it
 * again goes on.
 * @throws ConnectorError RECONCILE_REFUSED, BACKFILL_RUNNING, DATABASE_…
 */
export async function repair(options: RepairOptions): Promise<boolean> {
  const { context, config, knex, mapping, list, windows, confirmed, quiet } = options;
  const source = { ...options.source.settings, enabledFromUs: 0 };
  const risky = windows.some(
    ({ maySendAgain, fromMs }) => maySendAgain && fromMs < systemClock.now() - REMEMBERED_MS,
  );
  if (risky && !confirmed) {
    throw new ConnectorError(
      'RECONCILE_REFUSED',
      'of a minute more than 24 hours ago only the number of the missing calls can be told; sending them all would double the others, for Segment remembers message ids for 24 hours only; add --yes if that is meant',
    );
  }
  const say = (text: string): void => void (quiet ? undefined : context.out.write(`${text}\n`));
  await using _lock = await holdBackfillLock(present(config.postgres, 'database'), source.name);
  for (const { events, fromMs, toMs, messageIds } of windows) {
    if (context.signal.aborted) return false;
    const [since, until] = [timeText(fromMs * 1_000), timeText(toMs * 1_000)];
    say(`Repair   ${messageIds.size} of ${events.join(', ')}, rows from ${since} to ${until}`);
    const request = { events, custom: [], identify: false, since, until, merchantId: null };
    await using lane = openBackfillLane({
      config,
      source: options.source,
      logger: commandLogger(context, config),
      list,
      withLiveLanes: false,
      onObstacle: (text) => (text === null ? undefined : say(`         ${text}`)),
    });
    const span = { sinceUs: fromMs * 1_000, untilUs: toMs * 1_000, streamedFromUs: null };
    const run = await openRun({ knex, source: source.name, request, gapId: null, span, unconfirmed: null });
    const filled = await fill(
      {
        knex,
        mapping,
        clock: systemClock,
        source,
        request,
        run,
        lane,
        only: messageIds,
        ...listedOption(list),
        rowsPerSecond: ROWS_PER_SECOND,
        graceMs: config.shutdownGraceMs,
        observer: {},
        prepare: async (sink) => void (await restoreSuppressions(knex, sink)),
      },
      context.signal,
    );
    if (filled.tag !== 'delivered') return false;
  }
  return true;
}
