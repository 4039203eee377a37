import type { Transaction } from '../changes/transaction.js';
import type { Logger } from '../observability/logger.js';
import type { LaneSnapshot, QueueSink } from '../queue/event-sink.js';
import { heal, isQueueLoss, knownDelivered, type Healed, type HealingOptions } from '../replay/healing.js';
import type { Books } from './books.js';
import type { TransactionSettled } from './derivation.js';
import type { SourcePlaces } from './source-places.js';

export interface MakingWholeOptions extends Omit<HealingOptions, 'sink' | 'derive' | 'delivered' | 'done'> {
  readonly sink: QueueSink;
  readonly derive: (transactions: readonly Transaction[], settled: TransactionSettled) => Promise<void>;
  readonly places: SourcePlaces;
  readonly books: Books;
  readonly logger: Logger;
  readonly onHealing: () => void;
}

/**
 * Makes sure that Redis holds what was queued, before anything new is: where it does not, it is healed first.
 * @returns what was healed; `whole` when nothing was missing, null when it was stopped before the end
 * @throws ConnectorError CAPTURE_GAP and what `heal` throws
 */
export async function makeWhole(options: MakingWholeOptions): Promise<Healed | 'whole' | null> {
  const { checkpoint, sink, places, books, logger, live } = options;
  places.begin(sink);
  try {
    await sink.compareWithCheckpoint(checkpoint.lanes as LaneSnapshot);
    return 'whole';
  } catch (error) {
    if (!isQueueLoss(error)) throw error;
    logger.warn({ err: error }, 'redis does not hold what it had confirmed');
  }
  options.onHealing();
  const from = await places.beginHealing(sink);
  return heal({
    ...options,
    delivered: from?.floor ?? live,
    done: () => books.write(checkpoint, knownDelivered(checkpoint)),
  });
}
