import { ConnectorError, toError } from '../errors/connector-error.js';
import { Backoff } from '../lifecycle/backoff.js';
import type { CapturePositions } from './observer.js';
import { CaptureSession } from './session.js';
import type { CapturedSource, SessionOptions } from './session-options.js';

export interface CaptureOptions extends Omit<SessionOptions, 'onStreaming' | 'sources'> {
  /** As they are configured at first. */
  readonly sources: readonly CapturedSource[];
}

/**
 * Captures for as long as it is wanted: one session after the other, each beginning anew from the slot. What an attempt
 * ends with decides: a lost connection is tried again with backoff; a slot held by another process is waited for (that
 * is a stand-by); anything that needs an operator ends capture with the advice.
 */
export class Capture {
  readonly #options: CaptureOptions;
  #session: CaptureSession | null = null;
  #sources: readonly CapturedSource[];

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.#sources = options.sources;
  }

  /**
   * The sources are configured otherwise from now on. Resolves when the stream is taken so, or will be from its beginning;
   * also when the session in which that was to be ends.
   */
  async reconfigure(sources: readonly CapturedSource[]): Promise<void> {
    this.#sources = sources;
    const session = this.#session;
    const { logger } = this.#options;
    try {
      await session?.reconfigure();
    } catch (error) {
      logger.info(
        { err: error },
        'capture was interrupted while its sources changed; the next attempt begins with them',
      );
    }
  }

  /** Null while no session holds the slot. */
  get positions(): CapturePositions | null {
    return this.#session?.positions ?? null;
  }

  /**
   * Resolves when `stop` has aborted and all that was taken is queued and confirmed.
   * @param force ends the draining early.
   * @throws ConnectorError whose action is to stop
   */
  async run(stop: AbortSignal, force: AbortSignal): Promise<void> {
    const { observer, logger, clock } = this.#options;
    const backoff = new Backoff({ initialMs: 200, maxMs: 10_000 });
    observer.state?.({ tag: 'starting' });
    while (!stop.aborted) {
      const session = new CaptureSession({
        ...this.#options,
        sources: () => this.#sources,
        onStreaming: () => {
          backoff.reset();
          observer.state?.({ tag: 'streaming' });
        },
      });
      this.#session = session;
      try {
        await session.run(stop, force);
      } catch (thrown) {
        const error = toError(thrown);
        if (stop.aborted || !isWorthAnotherTry(error)) {
          observer.state?.({
            tag: 'failed',
            code: error instanceof ConnectorError ? error.code : 'UNEXPECTED',
          });
          throw error;
        }
        const delayMs = backoff.nextMs();
        if (isHeldElsewhere(error)) {
          observer.state?.({ tag: 'standing-by' });
          logger[backoff.failures <= 1 ? 'info' : 'debug'](
            { code: error.code, ...error.facts },
            'another process captures; standing by',
          );
        } else {
          observer.state?.({ tag: 'reconnecting', code: error.code });
          observer.reconnecting?.();
          logger[backoff.logLevel](
            { code: error.code, err: error, delayMs },
            'capture was interrupted; trying again',
          );
        }
        // A stand-by looks often: taking over quickly is what it is for.
        await clock.sleep(isHeldElsewhere(error) ? Math.min(delayMs, 1_000) : delayMs, stop);
      }
    }
    observer.state?.({ tag: 'stopped' });
  }
}

function isWorthAnotherTry(error: Error): error is ConnectorError {
  return error instanceof ConnectorError && (error.action === 'retry' || isHeldElsewhere(error));
}

/** The slot is the lease; a lane taken over means that another process got it while this one was cut off. */
function isHeldElsewhere(error: ConnectorError): boolean {
  return error.code === 'SLOT_ACTIVE' || error.code === 'LANE_TAKEN';
}
