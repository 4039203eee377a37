import { eventually } from './eventually.js';
import { systemClock, type Clock } from '../../src/lifecycle/clock.js';

/** A clock for one sleeper, who sleeps until the test says otherwise: what is done in between is done in time, on any machine. */
export class SteppedClock implements Clock {
  #wake: (() => void) | null = null;
  #passedMs = 0;

  now(): number {
    return systemClock.now() + this.#passedMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    await new Promise<void>((resolve) => {
      this.#wake = () => {
        this.#passedMs += ms;
        resolve();
      };
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#wake = null;
  }

  /** Resolves when the sleeper has been woken, and sleeps again. */
  async step(): Promise<void> {
    await eventually(() => this.#wake !== null, 'somebody asleep');
    this.#wake?.();
    this.#wake = null;
    await eventually(() => this.#wake !== null, 'asleep again');
  }
}
