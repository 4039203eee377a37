import { ConnectorError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import type { LaneProducer } from './lane-producer.js';
import type { MemoryGuard } from './memory-guard.js';
import type { QueueObserver, QueueWait } from './observer.js';

export interface AdmissionOptions {
  readonly source: string;
  readonly lanes: readonly LaneProducer[];
  readonly guard: () => MemoryGuard | null;
  readonly queueBudgetBytes: number;
  readonly pollMs: number;
  readonly clock: Clock;
  readonly observer: QueueObserver;
  readonly signal: AbortSignal;
}

/** Holds a source's lanes back while Redis is nearly full or the source has enough waiting. */
export class Admission {
  readonly #options: AdmissionOptions;
  #waitingFor: QueueWait | null = null;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Resolves when the lane may add a job, or when the signal aborts. @throws ConnectorError as the lane's `check` does */
  async mayAdd(lane: LaneProducer): Promise<void> {
    const { signal, clock, pollMs } = this.#options;
    while (!signal.aborted) {
      this.#turnTo(this.#whyNot());
      if (this.#waitingFor === null) return;
      await clock.sleep(pollMs, signal);
      try {
        await lane.check();
      } catch (error) {
        if (error instanceof ConnectorError) throw error;
        // Redis is away: nothing is known to have been delivered meanwhile.
      }
    }
  }

  #turnTo(why: QueueWait | null): void {
    const { observer, source } = this.#options;
    if (why === this.#waitingFor) return;
    if (this.#waitingFor !== null) observer.resumed?.(this.#waitingFor, source);
    if (why !== null) observer.waiting?.(why, source, null);
    this.#waitingFor = why;
  }

  #whyNot(): QueueWait | null {
    const { guard, lanes, queueBudgetBytes } = this.#options;
    if (guard()?.full === true) return 'redis_memory';
    const waiting = lanes.reduce((sum, lane) => sum + lane.bytesWaiting, 0);
    return waiting > queueBudgetBytes ? 'queue_budget' : null;
  }
}
