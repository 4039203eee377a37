import { describe, expect, it } from 'vitest';
import { isReached, type Measure } from '../../scripts/bench/measure.js';
import { tableLines } from '../../scripts/bench/table.js';

const rate: Measure = {
  what: 'events in Redis',
  unit: 'events/s',
  values: [30_000, 31_000, 29_000],
  baseline: { name: 'pg_recvlogical', values: [10_000, 10_000, 10_000] },
  goal: { of: 'ratio', bound: 'least', limit: 1.5 },
};
const latency: Measure = {
  what: 'p50',
  unit: 'ms',
  values: [15.25],
  baseline: null,
  goal: { of: 'value', bound: 'most', limit: 15 },
};

describe('isReached', () => {
  it('bounds the ratio or the value, from either side', () => {
    expect(isReached(rate)).toBe(true);
    expect(isReached({ ...rate, goal: { of: 'ratio', bound: 'least', limit: 3.5 } })).toBe(false);
    expect(isReached(latency)).toBe(false);
    expect(isReached({ ...latency, values: [15] })).toBe(true);
  });

  it('is not said without a goal, and a ratio without a baseline is not reached', () => {
    expect(isReached({ ...latency, goal: null })).toBeNull();
    expect(isReached({ ...rate, baseline: null })).toBe(false);
  });
});

describe('tableLines', () => {
  it('shows median, spread, baseline, ratio and goal, then what is wrong', () => {
    const result = { measures: [rate, latency], findings: ['2 of 8 are missing'], notes: ['short'] };
    expect(tableLines(new Map([['capture', result]]))).toEqual([
      'figure                    measured                         baseline of the same run               ratio  goal',
      'capture: events in Redis  30,000 (29,000–31,000) events/s  pg_recvlogical 10,000 (10,000–10,000)  3 ×    ≥ 1.5 ×  reached',
      'capture: p50              15.3 ms                          –                                      –      ≤ 15 ms  not reached',
      '',
      'WRONG capture: 2 of 8 are missing',
      'capture: short',
    ]);
  });
});
