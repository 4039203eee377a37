import type { Clock } from '../lifecycle/clock.js';
import type { Logger } from '../observability/logger.js';

/** Does `act` again and again; one that fails is tried again the next time. */
export async function every(
  ms: number,
  signal: AbortSignal,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  act: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await act();
    } catch (error) {
      logger.debug({ err: error }, 'not this time');
    }
    await clock.sleep(ms, signal);
  }
}

/** False when the signal aborts first; what is left behind then fails unheard. */
export async function within(signal: AbortSignal, step: Promise<unknown>): Promise<boolean> {
  step.catch(() => undefined);
  const aborted = new Promise<false>((resolve) => {
    if (signal.aborted) resolve(false);
    else signal.addEventListener('abort', () => resolve(false), { once: true });
  });
  return Promise.race([aborted, step.then(() => true)]);
}
