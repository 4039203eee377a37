import { createEventSink } from './event-sink.js';
import type { EventSinkOptions, QueueSink } from './queue-sink.js';
import type { SideLane } from './side-lanes.js';

export interface SideSinkOptions extends Omit<EventSinkOptions, 'sources' | 'sideLane'> {
  readonly lane: SideLane;
  /** Names of the sources that are offered to. */
  readonly sources: readonly string[];
  /** Compressed bytes the lane may have waiting before `offer` waits: live events need Redis more. Default 32 MiB. */
  readonly queueBudgetBytes?: number;
  /** Default 4 MiB. */
  readonly bufferBytes?: number;
}

const SIDE_BUDGET_BYTES = 32 * 1024 ** 2;
const SIDE_BUFFER_BYTES = 4 * 1024 ** 2;

/**
 * A sink that queues all it is offered into one side lane of each source. The same guarantee as the live lanes', but no
 * mark skips anything: what a run sends is the run's own affair, its positions may lie anywhere. One sink at a time:
 * whoever starts later takes the lane, and the earlier fails with LANE_TAKEN.
 */
export function createSideSink(options: SideSinkOptions): QueueSink {
  const { lane, sources, ...rest } = options;
  return createEventSink({
    queueBudgetBytes: SIDE_BUDGET_BYTES,
    bufferBytes: SIDE_BUFFER_BYTES,
    ...rest,
    sources: sources.map((name) => ({ name, lanes: 1 })),
    sideLane: lane,
  });
}
