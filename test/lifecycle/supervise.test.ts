import { describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../src/lifecycle/clock.js';
import { supervise, type Service } from '../../src/lifecycle/supervise.js';
import { silentLogger } from '../../src/observability/logger.js';

const never = new Promise<never>(() => undefined);

function service(overrides: Partial<Service> = {}): Service & { stops: number } {
  return {
    stops: 0,
    start: () => Promise.resolve(),
    stop() {
      this.stops += 1;
      return Promise.resolve('drained');
    },
    failed: never,
    ...overrides,
  } as Service & { stops: number };
}

function options(given: { signal?: AbortSignal; force?: AbortSignal; clock?: Clock } = {}) {
  const idle = new AbortController().signal;
  return { signal: idle, force: idle, graceMs: 60_000, clock: systemClock, logger: silentLogger, ...given };
}

describe('supervise', () => {
  it('drains at the first signal and ends with 0', async () => {
    const signal = new AbortController();
    const running = service();
    const ending = supervise(running, options({ signal: signal.signal }));
    signal.abort();
    expect(await ending).toEqual({ exitCode: 0, failure: null });
    expect(running.stops).toBe(1);
  });

  it('drains although the start is still under way: a stand-by waits for the slot there', async () => {
    const running = service({ start: () => never });
    expect(await supervise(running, options({ signal: AbortSignal.abort() }))).toEqual({
      exitCode: 0,
      failure: null,
    });
    expect(running.stops).toBe(1);
  });

  it('ends at once with 75 at the second signal', async () => {
    const running = service({ stop: () => never });
    const given = options({ signal: AbortSignal.abort(), force: AbortSignal.abort() });
    expect(await supervise(running, given)).toEqual({ exitCode: 75, failure: null });
  });

  it('ends with 75 when the grace is over', async () => {
    const running = service({ stop: () => never });
    const slept: number[] = [];
    const clock: Clock = { now: () => 0, sleep: (ms) => Promise.resolve(void slept.push(ms)) };
    expect((await supervise(running, options({ signal: AbortSignal.abort(), clock }))).exitCode).toBe(75);
    expect(slept).toEqual([60_000]);
  });

  it.each([
    ['its start fails', service({ start: () => Promise.reject(new Error('gone')) })],
    ['it fails while running', service({ failed: Promise.resolve(new Error('gone')) })],
  ])('drains and ends with 70 and the failure when %s', async (_, running) => {
    const ending = await supervise(running, options());
    expect(ending.exitCode).toBe(70);
    expect(ending.failure?.message).toBe('gone');
    expect(running.stops).toBe(1);
  });

  it('ends with 75 when something in hand had to be let go of', async () => {
    const running = service({ stop: () => Promise.resolve('cut-short') });
    expect((await supervise(running, options({ signal: AbortSignal.abort() }))).exitCode).toBe(75);
  });

  it('ends with 1 when draining fails', async () => {
    const running = service({ stop: () => Promise.reject(new Error('no')) });
    expect((await supervise(running, options({ signal: AbortSignal.abort() }))).exitCode).toBe(1);
  });
});
