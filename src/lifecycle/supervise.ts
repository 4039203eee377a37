import { toError } from '../errors/connector-error.js';
import { EXIT, type ExitCode } from '../errors/exit-codes.js';
import type { Logger } from '../observability/logger.js';
import type { Clock } from './clock.js';
import { nextStage, RUNNING, type DrainEnd, type ShutdownInput, type Stage } from './shutdown.js';

/** Something that runs until it is stopped or fails. */
export interface Service {
  start(): Promise<void>;
  /** Drains; also while `start` is under way. */
  stop(): Promise<DrainEnd>;
  /** Resolves with what ended it; stays pending while all is well. */
  readonly failed: Promise<Error>;
}

export interface SuperviseOptions {
  /** Aborts at the first signal: drain. */
  readonly signal: AbortSignal;
  /** Aborts at the second: end now. */
  readonly force: AbortSignal;
  /** Draining is cut short after this. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Ending {
  readonly exitCode: ExitCode;
  /** What stopped the service, null when it was asked to. */
  readonly failure: Error | null;
}

/** Runs a service until a signal or its failure, drains it, and says how it ended. */
export async function supervise(service: Service, options: SuperviseOptions): Promise<Ending> {
  const { logger, graceMs, clock } = options;
  let failure: Error | null = null;
  let stage = RUNNING;
  const move = (input: ShutdownInput): Stage => (stage = nextStage(stage, input));
  const over = new AbortController();

  const failed = Promise.race([service.failed, failureOf(service.start())]).then((error) => {
    failure ??= error;
    return 'failed' as const;
  });
  move(await Promise.race([failed, aborted(options.signal, over.signal).then(() => 'signal' as const)]));
  if (failure === null) {
    logger.info(
      { graceMs },
      'draining; a second signal ends the process at once, and the next start resumes',
    );
  }

  const drained = service.stop().catch((error: unknown) => {
    logger.error({ err: error }, 'draining failed');
    return 'drain-failed' as const;
  });
  const ended = move(
    await Promise.race([
      drained,
      aborted(options.force, over.signal).then(() => 'signal' as const),
      clock.sleep(graceMs, over.signal).then(() => 'grace-over' as const),
    ]),
  );
  over.abort();
  const exitCode = ended.tag === 'ended' ? ended.exitCode : EXIT.CUT_SHORT;
  if (exitCode === EXIT.CUT_SHORT) logger.warn('ended before everything was drained; the next start resumes');
  return { exitCode, failure };
}

/** Pending after a start that succeeded. */
function failureOf(start: Promise<void>): Promise<Error> {
  return new Promise((resolve) => {
    start.catch((error: unknown) => resolve(toError(error)));
  });
}

/** Resolves when `signal` aborts; no listener stays behind once `over` has aborted. */
function aborted(signal: AbortSignal, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true, signal: over });
  });
}
