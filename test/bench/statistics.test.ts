import { describe, expect, it } from 'vitest';
import { busiestSecond, median, percentile, ratio } from '../../scripts/bench/statistics.js';

describe('median and percentile', () => {
  it('take the values in order of size, whatever order they come in', () => {
    expect(median([9, 1, 10])).toBe(9);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(percentile([30, 10, 20], 0)).toBe(10);
    expect(percentile([30, 10, 20], 100)).toBe(30);
    expect(percentile([0, 100], 99)).toBe(99);
  });

  it('have no answer without values', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe('ratio', () => {
  it('compares each round with its neighbour, so that a slow minute of the machine cancels', () => {
    expect(ratio([20, 10, 22], [10, 5, 11])).toBe(2);
    // The medians alone would say 20 to 10.
    expect(ratio([20, 10, 30], [10, 10, 10])).toBe(2);
    expect(ratio([10, 20, 90], [10, 10, 30])).toBe(2);
  });

  it('compares medians when one of them had fewer rounds', () => {
    expect(ratio([10, 20, 30], [5])).toBe(4);
  });
});

describe('busiestSecond', () => {
  it('slides: it is not bound to seconds of the clock', () => {
    const requests = [
      { atMs: 900, events: 100 },
      { atMs: 1_100, events: 100 },
      { atMs: 1_899, events: 50 },
      { atMs: 1_900, events: 25 },
      { atMs: 5_000, events: 60 },
    ];
    // From 900 to 1,899; at 1,900 the first is a second ago.
    expect(busiestSecond(requests)).toBe(250);
    expect(busiestSecond([])).toBe(0);
  });
});
