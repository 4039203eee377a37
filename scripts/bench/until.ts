import { setTimeout as delay } from 'node:timers/promises';

/** Far more than any figure takes: what is waited for so long never comes. */
const WITHIN_MS = 300_000;

/** Looks again and again. @throws Error when the condition never holds, or what `failed` rejects with */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  { everyMs = 20, failed }: { readonly everyMs?: number; readonly failed?: Promise<never> } = {},
): Promise<void> {
  const deadline = performance.now() + WITHIN_MS;
  const look = async (): Promise<void> => {
    while (!(await condition())) {
      if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
      await delay(everyMs);
    }
  };
  await (failed === undefined ? look() : Promise.race([look(), failed]));
}
