/** The step's result, or null as soon as the signal aborts; a step left behind fails unheard. */
export async function untilAborted<T>(signal: AbortSignal, step: Promise<T>): Promise<T | null> {
  let listener: (() => void) | null = null;
  const aborted = new Promise<null>((resolve) => {
    listener = () => resolve(null);
    signal.addEventListener('abort', listener);
    if (signal.aborted) resolve(null);
  });
  step.catch(() => undefined);
  try {
    return await Promise.race([aborted, step]);
  } finally {
    if (listener !== null) signal.removeEventListener('abort', listener);
  }
}
