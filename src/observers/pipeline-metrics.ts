import type { CaptureObserver, CapturePositions } from '../capture/observer.js';
import type { QueueObserver } from '../queue/observer.js';
import type { Metrics } from '../observability/metrics.js';

/** Capture's observations as metrics. */
export function captureMetrics(metrics: Metrics): CaptureObserver {
  return {
    state: ({ tag }) => {
      // A session that ended waits for nothing any more; the next one says anew what it waits for.
      if (tag !== 'streaming') metrics.captureWaiting.reset();
    },
    received: ({ commitTimeUs, receivedAtMs, rowCount, byteLength }) => {
      metrics.transactions.inc();
      metrics.rows.inc(rowCount);
      metrics.receivedBytes.inc(byteLength);
      // Two clocks: a server ahead of this machine must not give a negative lag.
      metrics.commitToReceived.observe(Math.max(0, receivedAtMs - commitTimeUs / 1000) / 1000);
    },
    spilled: (bytes) => metrics.spilledBytes.inc(bytes),
    backpressure: (paused) => metrics.captureWaiting.set({ for: 'derivation' }, paused ? 1 : 0),
    derived: (source, event, outcome) => metrics.events.inc({ source, event, outcome }),
    unrouted: () => metrics.unroutedMerchants.inc(),
    noAccount: (source, event) => metrics.unknownAccounts.inc({ source, event }),
    unknownWord: (record, column) => metrics.unknownCodes.inc({ record, column }),
    parked: (source, parked) => metrics.sourceParked.set({ source }, parked ? 1 : 0),
    fellBehind: (source) => metrics.sourceGaps.inc({ source }),
    lookup: (table) => metrics.lookups.inc({ table }),
    reconnecting: () => metrics.reconnects.inc({ to: 'postgres' }),
    healed: () => metrics.healings.inc(),
    delivered: (floor) => metrics.deliveredPosition.set(Number(floor)),
    replaySlot: ({ slot, windowMs, heldBackBy }) => {
      metrics.replaySlotPosition.set(Number(slot?.confirmedFlushLsn ?? 0));
      metrics.replaySlotRetainedBytes.set(Number(slot?.retainedBytes ?? 0));
      metrics.replaySlotWindow.set(windowMs / 1000);
      metrics.replaySlotHeldBack.set((heldBackBy?.openForMs ?? 0) / 1000);
    },
    replaySlotDropped: (reason) => metrics.replaySlotDropped.inc({ reason }),
    slot: (slot) => {
      metrics.setWalStatus(slot?.walStatus ?? 'none');
      metrics.slotActive.set(slot?.active === true ? 1 : 0);
      if (slot?.safeWalBytes != null) metrics.slotSafeWalBytes.set(Number(slot.safeWalBytes));
      if (slot?.retainedBytes != null) metrics.slotRetainedBytes.set(Number(slot.retainedBytes));
    },
  };
}

export function setPositions(metrics: Metrics, positions: CapturePositions | null, nowMs: number): void {
  if (positions === null) return;
  metrics.floorPosition.set(Number(positions.floor));
  metrics.receivedPosition.set(Number(positions.received));
  const oldest = positions.oldestOpen;
  metrics.oldestOpenEntryAge.set(oldest === null ? 0 : Math.max(0, nowMs - oldest.sinceMs) / 1000);
}

/** The queue's observations as metrics. */
export function queueMetrics(metrics: Metrics): QueueObserver {
  return {
    queued: ({ source, receivedAtMs, queuedAtMs }) => {
      metrics.receivedToQueued.observe({ source }, Math.max(0, queuedAtMs - receivedAtMs) / 1000);
    },
    suppressed: (source, calls) => {
      for (const { name } of calls) metrics.events.inc({ source, event: name, outcome: 'suppressed' });
    },
    deadLettered: (source, event, reason) => {
      metrics.events.inc({ source, event, outcome: 'dead_lettered' });
      metrics.deadLetters.inc({ source, reason });
    },
    waiting: (why) => metrics.captureWaiting.set({ for: why }, 1),
    resumed: (why) => metrics.captureWaiting.set({ for: why }, 0),
    memory: (_use, full) => metrics.captureWaiting.set({ for: 'redis_memory' }, full ? 1 : 0),
    connectionError: () => metrics.reconnects.inc({ to: 'redis' }),
  };
}
