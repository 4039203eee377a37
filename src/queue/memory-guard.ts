import type { Clock } from '../lifecycle/clock.js';
import type { RedisClient } from './redis.js';

export interface MemoryUse {
  readonly usedBytes: number;
  /** 0: no limit. */
  readonly maxBytes: number;
}

/** The two numbers that matter of `INFO memory`. */
export function parseMemoryInfo(info: string): MemoryUse {
  const number = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return { usedBytes: number('used_memory'), maxBytes: number('maxmemory') };
}

/**
 * At `noeviction`, a Redis that is full refuses every write, BullMQ's completing of jobs among them: the queue can then
 * neither grow nor drain. So adding stops well before.
 */
export const MEMORY_LIMIT_RATIO = 0.7;

export function isTooFull(use: MemoryUse, ratio: number = MEMORY_LIMIT_RATIO): boolean {
  return use.maxBytes > 0 && use.usedBytes >= use.maxBytes * ratio;
}

export interface MemoryGuardOptions {
  readonly client: RedisClient;
  readonly clock: Clock;
  /** Default 500. */
  readonly intervalMs?: number;
  readonly onChange: (full: boolean, use: MemoryUse) => void;
}

/** Looks at Redis' memory from time to time; `full` is what it saw last. An unanswered look changes nothing. */
export class MemoryGuard {
  readonly #options: MemoryGuardOptions;
  #full = false;

  constructor(options: MemoryGuardOptions) {
    this.#options = options;
  }

  get full(): boolean {
    return this.#full;
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look();
      await this.#options.clock.sleep(this.#options.intervalMs ?? 500, signal);
    }
  }

  async look(): Promise<void> {
    let info: string;
    try {
      info = await this.#options.client.info('memory');
    } catch {
      // Redis is away (whoever adds notices and waits) or INFO is not allowed here: nothing new is known.
      return;
    }
    const use = parseMemoryInfo(info);
    const full = isTooFull(use);
    if (full === this.#full) return;
    this.#full = full;
    this.#options.onChange(full, use);
  }
}
