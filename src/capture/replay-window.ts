import type { Knex } from 'knex';
import { ConnectorError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import type { Logger } from '../observability/logger.js';
import type { DatabaseOptions } from '../postgres/connection.js';
import { replaySlotName } from '../postgres/slot.js';
import { formatLsn, type Lsn } from '../postgres/lsn.js';
import type { DeliveredWatch } from '../replay/delivered-watch.js';
import { ensureReplaySlot } from '../replay/replay-slot.js';
import { TrailingTask } from '../replay/trailing-task.js';
import type { TrailingLimits } from '../replay/trailing.js';
import type { CaptureObserver } from './observer.js';

export interface ReplaySettings {
  readonly retentionMs: number;
  readonly maxWalBytes: number;
  /** For tests. Default: see trailing.ts. */
  readonly limits?: Partial<TrailingLimits>;
  /** Default 5,000. */
  readonly intervalMs?: number;
}

interface WindowOptions {
  readonly knex: Knex;
  readonly database: DatabaseOptions;
  readonly slotName: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly observer: CaptureObserver;
  readonly replay: ReplaySettings;
}

/** Makes the replay slot where it is missing and can be made now. Capture does without it, but says so. */
export async function prepareReplaySlot(options: WindowOptions): Promise<void> {
  const { knex, database, slotName, logger } = options;
  const name = replaySlotName(slotName);
  try {
    const ensured = await ensureReplaySlot(knex, database, slotName);
    if (ensured.tag === 'impossible') {
      logger.debug({ slot: name, reason: ensured.reason }, 'the replay slot cannot be made now');
    } else if (ensured.tag === 'made') {
      const at = ensured.slot.confirmedFlushLsn;
      logger.info({ slot: name, at: at === null ? null : formatLsn(at) }, 'made the replay slot');
    }
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    logger.warn({ slot: name, code: error.code, err: error }, 'the replay slot could not be made');
  }
}

/** Keeps the replay slot trailing for as long as a session holds the main slot. */
export function trailingTask(
  options: WindowOptions,
  positions: {
    readonly delivered: DeliveredWatch;
    readonly passed: () => Lsn;
    readonly passing: (to: Lsn) => Promise<void>;
  },
): TrailingTask {
  const { knex, slotName, logger, clock, observer, replay } = options;
  return new TrailingTask({
    knex,
    slotName,
    ...replay,
    delivered: () => positions.delivered.onDisk,
    passed: positions.passed,
    passing: positions.passing,
    clock,
    logger,
    onReport: (report) => observer.replaySlot?.(report),
    onDropped: (reason, retainedBytes) => observer.replaySlotDropped?.(reason, retainedBytes),
  });
}
