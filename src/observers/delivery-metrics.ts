import type { DeliveryObserver } from '../delivery/observer.js';
import type { Outcome } from '../delivery/outcome.js';
import type { Metrics } from '../observability/metrics.js';
import { isSideLane } from '../queue/side-lanes.js';

/** Delivery's observations as metrics. */
export function deliveryMetrics(metrics: Metrics): DeliveryObserver {
  return {
    attempted: ({ source, outcome, roundTripMs }) => {
      metrics.requests.inc({ source, status: statusOf(outcome) });
      metrics.requestSeconds.observe({ source }, roundTripMs / 1000);
    },
    delivered: ({ source, lane, calls, queuedAtMs, deliveredAtMs }) => {
      // A replay waits its turn on purpose; the histogram is about live events.
      if (!isSideLane(lane)) {
        metrics.queuedToDelivered.observe({ source }, Math.max(0, deliveredAtMs - queuedAtMs) / 1000);
      }
      for (const { name } of calls) metrics.events.inc({ source, event: name, outcome: 'delivered' });
    },
    suppressed: (source, calls) => {
      for (const { name } of calls) metrics.events.inc({ source, event: name, outcome: 'suppressed' });
    },
    deadLettered: (source, event, reason) => {
      metrics.events.inc({ source, event, outcome: 'dead_lettered' });
      metrics.deadLetters.inc({ source, reason });
    },
    limited: (source, waitedMs) => metrics.rateLimitWait.inc({ source }, waitedMs / 1000),
    stopped: (source) => metrics.sourceStopped.set({ source }, 1),
    resumed: (source) => metrics.sourceStopped.set({ source }, 0),
    held: (source, held) => metrics.sourcePaused.set({ source }, held ? 1 : 0),
    closed: (source) => metrics.sourceStopped.set({ source }, 0),
    connectionError: () => metrics.reconnects.inc({ to: 'redis' }),
  };
}

function statusOf(outcome: Outcome): string {
  return 'status' in outcome && outcome.status !== null ? String(outcome.status) : outcome.tag;
}
