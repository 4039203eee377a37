import { setImmediate as turn } from 'node:timers/promises';
import { systemClock, type Clock } from '../../src/lifecycle/clock.js';

/**
 * A clock on which waiting takes no time: whoever sleeps has slept at the next turn, and it is that much later. Hours of
 * backoff pass in as many steps as the backoff has. `calm` makes it run as any other, from where it stands.
 */
export class HurriedClock implements Clock {
  #aheadMs = 0;
  #hurried = true;

  now(): number {
    return systemClock.now() + this.#aheadMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#hurried) return systemClock.sleep(ms, signal);
    if (signal?.aborted !== true) this.#aheadMs += ms;
    await turn();
  }

  calm(): void {
    this.#hurried = false;
  }
}
