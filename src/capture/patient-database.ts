import { ConnectorError } from '../errors/connector-error.js';
import { Backoff } from '../lifecycle/backoff.js';
import type { Clock } from '../lifecycle/clock.js';
import type { Logger } from '../observability/logger.js';

export interface PatientDatabaseOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the waiting: the step's own failure is then thrown. */
  readonly signal: AbortSignal;
}

/** Runs a step that needs the database until it succeeds: the stream waits meanwhile, and the WAL with it. */
export function patientDatabase(options: PatientDatabaseOptions): <T>(step: () => Promise<T>) => Promise<T> {
  const { clock, logger, signal } = options;
  return async (step) => {
    const backoff = new Backoff({ maxMs: 5_000 });
    for (;;) {
      try {
        return await step();
      } catch (error) {
        const retry = error instanceof ConnectorError && error.action === 'retry';
        if (!retry || signal.aborted) throw error;
        const delayMs = backoff.nextMs();
        logger[backoff.logLevel]({ code: error.code, delayMs }, 'waiting for the database');
        await clock.sleep(delayMs, signal);
      }
    }
  };
}
