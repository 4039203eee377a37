import type { ErrorCode } from '../errors/codes.js';
import { toError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import type { DeliveryObserver } from './observer.js';

export interface StandstillOptions {
  readonly source: string;
  readonly lane: number;
  readonly observer: DeliveryObserver;
  readonly clock: Clock;
  /** How long the lane waits before it looks again, and how often it is told of anew. */
  readonly probeIntervalMs: number;
  /** Ends the waiting. */
  readonly closing: AbortSignal;
  /** Takes jobs, or not. */
  readonly worker: { pause(doNotWaitActive: boolean): Promise<void>; resume(): void | Promise<void> };
}

/** A hole is mended by capture within seconds, so a lane that waits for that looks again soon. */
const HOLE_PROBE_MS = 1_000;
/** A worker that looked for so long without meeting the job again does not stand still: somebody else has dealt with it. */
const QUIET_MS = 3_000;

/**
 * A lane that may not go on.
 *
 * going ──begin──▶ paused ──probe interval──▶ looking ──begin──▶ paused again
 *                                               └──a job is sent, or nothing was met──▶ going
 */
export class Standstill {
  readonly #options: StandstillOptions;
  #code: ErrorCode | null = null;
  #toldAtMs = 0;
  #begun = 0;

  constructor(options: StandstillOptions) {
    this.#options = options;
  }

  async begin(code: ErrorCode, detail: string): Promise<void> {
    const { source, lane, observer, clock, probeIntervalMs, worker } = this.#options;
    const nowMs = clock.now();
    if (this.#code !== code || nowMs - this.#toldAtMs >= probeIntervalMs) {
      observer.stopped?.(source, lane, code, detail);
      this.#toldAtMs = nowMs;
    }
    this.#code = code;
    this.#begun += 1;
    // Without waiting for this very job.
    await worker.pause(true);
    const pauseMs = code === 'QUEUE_HOLE' ? Math.min(HOLE_PROBE_MS, probeIntervalMs) : probeIntervalMs;
    this.#lookAfter(pauseMs, this.#begun).catch((error: unknown) =>
      observer.laneError?.(source, lane, toError(error)),
    );
  }

  /** The lane goes on. */
  end(): void {
    if (this.#code === null) return;
    this.#code = null;
    this.#options.observer.resumed?.(this.#options.source, this.#options.lane);
  }

  async #lookAfter(pauseMs: number, begun: number): Promise<void> {
    const { clock, closing, worker } = this.#options;
    await clock.sleep(pauseMs, closing);
    if (closing.aborted) return;
    await worker.resume();
    await clock.sleep(QUIET_MS, closing);
    if (!closing.aborted && begun === this.#begun) this.end();
  }
}
