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
  /** Default false. */
  readonly paused?: boolean;
}

/** Whoever waits is woken by the change. */
const PAUSED_LOOK_MS = 60_000;

/**
 * Whether a source's lanes may send.
 *
 * open ──stop──▶ stopped ──probe interval──▶ one lane probes with its head job ──delivered──▶ open, or stopped again.
 * Whatever it is, while an operator has paused the source nothing is sent.
 */
export class SourceGate {
  readonly #options: SourceGateOptions;
  #stopped: { readonly code: ErrorCode; readonly detail: string } | null = null;
  #nextProbeAtMs = 0;
  #prober: object | null = null;
  #changed = new AbortController();
  #paused: boolean;

  constructor(options: SourceGateOptions) {
    this.#options = options;
    this.#paused = options.paused ?? false;
  }

  get paused(): boolean {
    return this.#paused;
  }

  setPaused(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    this.#wake();
  }

  get stopped(): { readonly code: ErrorCode; readonly detail: string } | null {
    return this.#stopped;
  }

  /** Waits while the source stands still. True: the caller is the one that probes. */
  async pass(lane: object, signal: AbortSignal): Promise<boolean> {
    while ((this.#paused || this.#stopped !== null) && !signal.aborted) {
      const { clock } = this.#options;
      using until = new EitherSignal(signal, this.#changed.signal);
      if (this.#paused) {
        await clock.sleep(PAUSED_LOOK_MS, until.signal);
        continue;
      }
      if (this.#prober === lane) return true;
      const waitMs = this.#nextProbeAtMs - clock.now();
      if (this.#prober === null && waitMs <= 0) {
        this.#prober = lane;
        return true;
      }
      await clock.sleep(Math.max(waitMs, 10), until.signal);
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
    this.#wake();
  }

  #wake(): void {
    this.#changed.abort();
    this.#changed = new AbortController();
  }

  /** A lane that ends leaves the probing to the others. */
  leave(lane: object): void {
    if (this.#prober === lane) this.#prober = null;
  }
}
