import type { ErrorCode } from '../errors/codes.js';
import type { Clock } from '../lifecycle/clock.js';
import { EitherSignal } from '../lifecycle/either-signal.js';
import type { DeliveryObserver } from './observer.js';

export interface SourceGateOptions {
  readonly source: string;
  readonly clock: Clock;
  readonly observer: DeliveryObserver;
  /** Between two probes of a stopped source. */
  readonly probeIntervalMs: number;
}

/**
 * Whether a source's lanes may send.
 *
 * open ──stop──▶ stopped ──probe interval──▶ one lane probes with its head job ──delivered──▶ open, or stopped again.
 */
export class SourceGate {
  readonly #options: SourceGateOptions;
  #stopped: { readonly code: ErrorCode; readonly detail: string } | null = null;
  #nextProbeAtMs = 0;
  #prober: object | null = null;
  #changed = new AbortController();

  constructor(options: SourceGateOptions) {
    this.#options = options;
  }

  get stopped(): { readonly code: ErrorCode; readonly detail: string } | null {
    return this.#stopped;
  }

  /** Waits while the source stands still. True: the caller is the one that probes. */
  async pass(lane: object, signal: AbortSignal): Promise<boolean> {
    while (this.#stopped !== null && !signal.aborted) {
      if (this.#prober === lane) return true;
      const waitMs = this.#nextProbeAtMs - this.#options.clock.now();
      if (this.#prober === null && waitMs <= 0) {
        this.#prober = lane;
        return true;
      }
      using until = new EitherSignal(signal, this.#changed.signal);
      await this.#options.clock.sleep(Math.max(waitMs, 10), until.signal);
    }
    return false;
  }

  stop(code: ErrorCode, detail: string): void {
    this.#stopped = { code, detail };
    this.#nextProbeAtMs = this.#options.clock.now() + this.#options.probeIntervalMs;
    this.#prober = null;
    this.#options.observer.stopped?.(this.#options.source, null, code, detail);
  }

  /** Segment took something: whatever stopped the source is over. */
  open(): void {
    if (this.#stopped === null) return;
    this.#stopped = null;
    this.#prober = null;
    this.#options.observer.resumed?.(this.#options.source, null);
    this.#changed.abort();
    this.#changed = new AbortController();
  }

  /** A lane that ends leaves the probing to the others. */
  leave(lane: object): void {
    if (this.#prober === lane) this.#prober = null;
  }
}
