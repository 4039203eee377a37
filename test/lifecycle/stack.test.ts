import { describe, expect, it } from 'vitest';
import { ReleaseStack } from '../../src/lifecycle/stack.js';

describe('ReleaseStack', () => {
  it('releases last acquired first, each after the one before it has finished', async () => {
    const order: string[] = [];
    const stack = new ReleaseStack();
    stack.defer('first', () => void order.push('first'));
    stack.defer('second', async () => {
      await Promise.resolve();
      order.push('second');
    });
    await stack.releaseAll();
    expect(order).toEqual(['second', 'first']);
  });

  it('runs every release whatever fails, reports each failure and throws the first', async () => {
    const order: string[] = [];
    const failures: string[] = [];
    const stack = new ReleaseStack({
      onFailure: (name, error) => failures.push(`${name}: ${error.message}`),
    });
    stack.defer('a', () => void order.push('a'));
    stack.defer('b', () => {
      throw new Error('b broke');
    });
    stack.defer('c', () => Promise.reject(new Error('c broke')));
    await expect(stack.releaseAll()).rejects.toThrow('c broke');
    expect(order).toEqual(['a']);
    expect(failures).toEqual(['c: c broke', 'b: b broke']);
  });

  it('shares one run between callers', async () => {
    let runs = 0;
    const stack = new ReleaseStack();
    stack.defer('once', () => void (runs += 1));
    await Promise.all([stack.releaseAll(), stack.releaseAll()]);
    expect(runs).toBe(1);
  });

  it('releases what was acquired while the shutdown began, and says so', async () => {
    let released = false;
    const stack = new ReleaseStack();
    const late = stack.acquire(
      'late',
      async () => {
        await stack.releaseAll();
        return 'x';
      },
      () => void (released = true),
    );
    await expect(late).rejects.toThrow('late was acquired after the shutdown had begun');
    expect(released).toBe(true);
  });
});
