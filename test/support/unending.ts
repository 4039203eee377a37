import type { System } from './system.js';

/** Business for as long as a test needs it: what was over before a process had come up would leave no backlog. */
export interface Business {
  /** Resolves when all of it is committed. */
  end(): Promise<void>;
}

export function unending(brand: System): Business {
  let over = false;
  const running = (async () => {
    do await brand.business(1);
    while (!over);
  })();
  running.catch(() => undefined);
  return {
    end: async () => {
      over = true;
      await running;
    },
  };
}
