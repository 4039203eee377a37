import { ConnectorError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import type { LaneProducer } from './lane-producer.js';

export interface LaneWatchOptions {
  readonly lanes: () => Iterable<LaneProducer>;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onLost: (error: ConnectorError) => void;
}

/** Redis can be emptied without a disconnect, and while nothing is being queued nobody else would notice. */
export async function watchLanes(options: LaneWatchOptions): Promise<void> {
  const { clock, intervalMs, signal } = options;
  while (!signal.aborted) {
    await clock.sleep(intervalMs, signal);
    if (!signal.aborted) await checkLanes(options);
  }
}

/** Compares every lane with what Redis has confirmed. Never rejects. */
export async function checkLanes({ lanes, onLost }: LaneWatchOptions): Promise<void> {
  for (const lane of lanes()) {
    try {
      await lane.check();
    } catch (error) {
      if (error instanceof ConnectorError) onLost(error);
      // Away again: the next connection is checked anew.
    }
  }
}
