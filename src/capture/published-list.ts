import type { Clock } from '../lifecycle/clock.js';
import { failpoint } from '../lifecycle/failpoint.js';
import type { Logger } from '../observability/logger.js';
import type { QueueSink } from '../queue/queue-sink.js';
import { GuestSet } from '../suppression/guest-set.js';
import type { ListedGuests } from '../suppression/listed-guests.js';

export interface PublishedListOptions {
  /** Null: no list is configured, and one that Redis holds from before is taken back. */
  readonly listed: ListedGuests | null;
  readonly sink: QueueSink;
  readonly clock: Clock;
  readonly logger: Logger;
}

const LOOK_EVERY_MS = 2_000;
const UNKNOWN_LOOK_EVERY_MS = 250;

/**
 * Keeps Redis knowing who is on the suppression list, for processes that deliver. Only the holder of the slot does: a stand-by
 * with a file of its own must not take its list for the one that holds.
 */
export class PublishedList {
  readonly #options: PublishedListOptions;

  constructor(options: PublishedListOptions) {
    this.#options = options;
  }

  /** Before anything is queued: waits until the list was read, and until Redis holds it. */
  async begin(signal: AbortSignal): Promise<void> {
    const { listed, clock } = this.#options;
    while (listed?.guests === null && !signal.aborted) await clock.sleep(UNKNOWN_LOOK_EVERY_MS, signal);
    if (!signal.aborted) await this.#publish();
  }

  /** Publishes what changes, and what Redis lost, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#options.clock.sleep(LOOK_EVERY_MS, signal);
      if (signal.aborted) return;
      await this.#publish();
    }
  }

  async #publish(): Promise<void> {
    const { listed, sink, logger } = this.#options;
    const guests = listed?.guests ?? GuestSet.NONE;
    if (!(await sink.publishListed(guests))) return;
    failpoint('list-published');
    logger.info({ guests: guests.size }, 'redis holds the suppression list');
  }
}
