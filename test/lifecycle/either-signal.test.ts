import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { EitherSignal } from '../../src/lifecycle/either-signal.js';

test('it aborts with the first of its sources and with that one’s reason', () => {
  for (const which of [0, 1]) {
    const sources = [new AbortController(), new AbortController()];
    using either = new EitherSignal(...sources.map(({ signal }) => signal));
    expect(either.signal.aborted).toBe(false);
    const reason = new Error('first');
    sources[which]?.abort(reason);
    sources[1 - which]?.abort(new Error('second'));
    expect(either.signal.reason).toBe(reason);
  }
});

test('made of a signal that has aborted, it has aborted', () => {
  const reason = new Error('before');
  using either = new EitherSignal(new AbortController().signal, AbortSignal.abort(reason));
  expect(either.signal.reason).toBe(reason);
});

test('disposed of, it leaves nothing in its sources', () => {
  const source = new AbortController();
  for (let round = 0; round < 100; round += 1) {
    using either = new EitherSignal(source.signal, new AbortController().signal);
    expect(either.signal.aborted).toBe(false);
  }
  expect(getEventListeners(source.signal, 'abort')).toEqual([]);
  source.abort();
});
