import { setTimeout as delay } from 'node:timers/promises';

/** Resolves as soon as the condition holds. @throws when it does not within `withinMs`, naming what was waited for. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
  withinMs = 40_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    if (await condition()) return;
    if (Date.now() > deadline) {
      throw new Error(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
    }
    await delay(10);
  }
}
