import { ConnectorError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import type { LaneProducer } from './lane-producer.js';
import type { MemoryGuard } from './memory-guard.js';
import type { QueueObserver, QueueWait } from './observer.js';

export interface AdmissionOptions {
  readonly source: string;
  /** All of the source's. */
  readonly lanes: () => readonly LaneProducer[];
  readonly guard: () => MemoryGuard | null;
  /** The source has more waiting in Redis than it may. */
  readonly overBudget: () => boolean;
  /**
   * Asked when the source is over its budget: gives up what it has buffered, so that it holds nobody up, or does not because
   * there is nobody to be held up.
   */
  readonly park: () => void;
  /** Whether capture waits when this source's lanes do. */
  readonly holdsCapture: () => boolean;
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

  /**
   * Resolves when the lane may add a job, when it has none to add any more, or when the signal aborts.
   * @throws ConnectorError as the lane's `check` does
   */
  async mayAdd(lane: LaneProducer): Promise<void> {
    const { signal, clock, pollMs, park } = this.#options;
    while (!signal.aborted) {
      // What was delivered meanwhile is known only when it is asked for.
      if (this.#whyNot() === 'queue_budget') await this.#look(this.#options.lanes());
      if (this.#whyNot() === 'queue_budget') park();
      const why = lane.hasBuffered ? this.#whyNot() : null;
      this.#turnTo(this.#options.holdsCapture() ? why : null);
      if (why === null) return;
      await clock.sleep(pollMs, signal);
      await this.#look([lane]);
    }
  }

  async #look(lanes: readonly LaneProducer[]): Promise<void> {
    try {
      for (const lane of lanes) await lane.check();
    } catch (error) {
      if (error instanceof ConnectorError) throw error;
      // Redis is away: nothing is known to have been delivered meanwhile.
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
    const { guard, overBudget } = this.#options;
    if (guard()?.full === true) return 'redis_memory';
    return overBudget() ? 'queue_budget' : null;
  }
}
