import { ConnectorError, toError } from '../errors/connector-error.js';
import { Backoff } from '../lifecycle/backoff.js';
import type { Clock } from '../lifecycle/clock.js';
import type { QueueObserver } from './observer.js';

export interface Patience {
  readonly source: string;
  readonly clock: Clock;
  readonly observer: QueueObserver;
  /** Ends the waiting: then what was thrown last is thrown on. */
  readonly signal: AbortSignal;
}

/** Runs a step of a lane until Redis has taken it; errors that carry a decision pass. */
export async function patiently(step: () => Promise<void>, patience: Patience): Promise<void> {
  const { source, clock, observer, signal } = patience;
  const backoff = new Backoff({ initialMs: 50, maxMs: 5_000 });
  for (;;) {
    try {
      await step();
      break;
    } catch (error) {
      if (error instanceof ConnectorError || signal.aborted) throw error;
      observer.waiting?.('redis_unavailable', source, toError(error));
      await clock.sleep(backoff.nextMs(), signal);
      if (signal.aborted) throw error;
    }
  }
  if (backoff.failures > 0) observer.resumed?.('redis_unavailable', source);
}
