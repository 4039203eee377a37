import type { Knex } from 'knex';

import type { Transaction } from '../changes/transaction.js';
import { ConnectorError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import { failpoint } from '../lifecycle/failpoint.js';
import type { Logger } from '../observability/logger.js';
import type { Checkpoint } from '../postgres/checkpoint-store.js';
import { clientConfig, type DatabaseOptions } from '../postgres/connection.js';
import { formatLsn, type Lsn } from '../postgres/lsn.js';
import { isInvalidated, readSlot, replaySlotName } from '../postgres/slot.js';
import type { LaneSnapshot, QueueSink } from '../queue/queue-sink.js';
import type { WalStreamOptions } from '../replication/wal-stream.js';
import { readCopy } from './copy-stream.js';
import { deliveredFromJson, type DeliveredState } from './delivered-state.js';
import { healingPlan, type HealingPlan } from './healing-plan.js';
import { acceptedQueueGaps, queueGapFound } from './queue-gap.js';

export interface HealingOptions {
  readonly knex: Knex;
  readonly database: DatabaseOptions;
  readonly slotName: string;
  readonly publicationName: string;
  readonly stream: Pick<WalStreamOptions, 'spillDir' | 'transactionMemoryBytes' | 'tables'>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly checkpoint: Checkpoint;
  /** Everything up to there is delivered, of every source that is to be offered to. */
  readonly delivered: Lsn;
  /** The live stream goes on from here. */
  readonly live: Lsn;
  readonly sink: QueueSink;
  /** Derives and offers into the live lanes. */
  readonly derive: (
    transactions: readonly Transaction[],
    settled: (transaction: Transaction) => void,
  ) => Promise<void>;
  /** Writes the checkpoint with the lanes as they are now: only then is the healing done. */
  readonly done: () => Promise<void>;
  readonly stop: AbortSignal;
}

export interface Healed {
  readonly from: Lsn;
  readonly to: Lsn;
  readonly transactions: number;
  readonly tookMs: number;
}

/** What the checkpoint knows to be delivered: at least what lies before the connector was turned on. */
export function knownDelivered(checkpoint: Checkpoint): DeliveredState {
  return (
    deliveredFromJson(checkpoint.delivered) ?? {
      floor: checkpoint.enabledFromLsn,
      commitTimeUs: checkpoint.enabledFromUs,
      lanes: {},
      sources: {},
    }
  );
}

/**
 * Fills a Redis that lost what was queued: the lanes begin anew, and every commit from the delivered position to where the
 * live stream goes on is derived again from a temporary copy of the replay slot, with the same message ids and in the
 * same order. Live capture waits meanwhile. A crash in between leaves lanes whose history no checkpoint knows, so the next
 * start heals again. Null: stopped before the end.
 * @throws ConnectorError CAPTURE_GAP when the window does not reach back to the delivered position
 */
export async function heal(options: HealingOptions): Promise<Healed | null> {
  const { checkpoint, live, sink, logger, clock, slotName } = options;
  const startedMs = clock.now();
  const plan = await planOf(options);
  if (plan.tag === 'gap') throw await queueGapFound(options.knex, { ...options, plan });
  await sink.renew(checkpoint.lanes as LaneSnapshot);
  failpoint('lanes-renewed');
  let transactions = 0;
  const from = plan.tag === 'stream' ? plan.from : live;
  logger.warn(
    { slot: slotName, from: formatLsn(from), to: formatLsn(live) },
    'redis lost what was queued; deriving again from the replay slot what was not delivered',
  );
  if (plan.tag === 'stream') {
    const commits = readCopy({
      stream: {
        connection: clientConfig(options.database),
        slotName: replaySlotName(slotName),
        publicationName: options.publicationName,
        ...options.stream,
        logger,
        clock,
      },
      from: plan.from,
      to: plan.to,
      signal: options.stop,
    });
    for await (const gulp of commits) {
      transactions += gulp.length;
      await options.derive(gulp, () => undefined);
    }
    if (options.stop.aborted) return null;
  }
  await sink.flush();
  failpoint('healing-queued');
  await options.done();
  const healed = { from, to: live, transactions, tookMs: clock.now() - startedMs };
  logger.info(
    { ...healed, from: formatLsn(from), to: formatLsn(live), slot: slotName },
    'redis is healed: all that was not delivered is queued again',
  );
  return healed;
}

async function planOf({ knex, slotName, delivered, live }: HealingOptions): Promise<HealingPlan> {
  const slot = await readSlot(knex, replaySlotName(slotName));
  return healingPlan({
    delivered,
    live,
    replay: slot === null || isInvalidated(slot) ? null : slot.confirmedFlushLsn,
    accepted: await acceptedQueueGaps(knex, slotName),
  });
}

/** Whether this is the loss that healing mends; everything else is for somebody else. */
export function isQueueLoss(error: unknown): boolean {
  return error instanceof ConnectorError && error.code === 'QUEUE_LOST';
}
