import type { Clock } from '../lifecycle/clock.js';
import { GuestSet } from '../suppression/guest-set.js';
import type { ListedGuests } from '../suppression/listed-guests.js';
import type { PublishedGuests } from './listed-guests.js';
import type { RedisClient } from './redis.js';
import { suppressedAmong } from './suppressions.js';

export interface SuppressionCheckOptions {
  readonly client: RedisClient;
  readonly prefix: string;
  readonly source: string;
  /** Shared by the sources of a process. */
  readonly published: PublishedGuests;
  /** What this process reads of the suppression list itself, beside what Redis says. Default: nothing. */
  readonly listed?: ListedGuests;
  /** The list is more than this process can read. Default false. */
  readonly needsPublished?: boolean;
}

const LOOK_EVERY_MS = 500;

/** Of whom nothing may be sent: deleted guests, and those on the list as capture published it or as this process reads it. */
export class SuppressionCheck {
  readonly #options: SuppressionCheckOptions;

  constructor(options: SuppressionCheckOptions) {
    this.#options = options;
  }

  /** Which of these guests are suppressed. One round trip, but for a list that is new. */
  async among(guestIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (guestIds.length === 0) return new Set();
    const { client, prefix, source, published, listed } = this.#options;
    const [deleted, version] = await Promise.all([
      suppressedAmong(client, prefix, guestIds),
      published.version(source),
    ]);
    const own = listed?.guests ?? GuestSet.NONE;
    const ofCapture = version === own.version ? own : await published.guests(source, version);
    return new Set(guestIds.filter((id) => deleted.has(id) || own.has(id) || ofCapture.has(id)));
  }

  /**
   * Resolves once this process knows the list it was told of, from its own reading or from Redis; or the signal aborts.
   * @param onWaiting called when that takes longer than one look
   */
  async untilKnown(clock: Clock, signal: AbortSignal, onWaiting: () => void): Promise<void> {
    const { listed, needsPublished = false, published, source } = this.#options;
    for (let looks = 0; (needsPublished || listed?.guests === null) && !signal.aborted; looks += 1) {
      if ((await published.version(source)) !== null) return;
      if (looks === 1) onWaiting();
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  }
}
