import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from '../../src/errors/nearest.js';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['slot', 'solt', 1],
    ['a', 'a', 0],
  ])('%s, %s: %i', (a, b, expected) => {
    expect(editDistance(a, b)).toBe(expected);
    expect(editDistance(b, a)).toBe(expected);
  });
});

describe('nearest', () => {
  const commands = ['setup', 'check', 'run', 'demo'];
  it.each([
    ['chekc', 'check'],
    ['RUN', 'run'],
    ['rum', 'run'],
    ['stetup', 'setup'],
  ])('%s → %s', (word, expected) => {
    expect(nearest(word, commands)).toBe(expected);
  });

  it('suggests nothing when nothing is near', () => {
    expect(nearest('install', commands)).toBeNull();
    expect(nearest('', commands)).toBeNull();
  });
});
