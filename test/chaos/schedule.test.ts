import { expect, test } from 'vitest';
import { seededRandom } from '../../src/demo/simulator/random.js';
import { FAULTS, TRACKS } from './catalogue.js';
import type { Fault } from './fault.js';
import { schedule, type Step } from './schedule.js';

function first(count: number, faults: readonly Fault[], seed: number): Step[] {
  const steps: Step[] = [];
  for (const step of schedule(faults, seededRandom(seed))) {
    steps.push(step);
    if (steps.length === count) break;
  }
  return steps;
}

function told(count: number, faults: readonly Fault[], seed: number): string[] {
  return first(count, faults, seed).map(
    ({ fault, atMs, random }) => `${fault.name} at ${atMs} ms, ${random.int(0, 1_000_000)}`,
  );
}

test('the seed alone decides what strikes when, and what each strike decides', () => {
  for (const faults of Object.values(TRACKS)) {
    expect(told(50, faults, 7)).toEqual(told(50, faults, 7));
    expect(told(50, faults, 7)).not.toEqual(told(50, faults, 8));
  }
});

test('every fault has a name of its own, and strikes once before any strikes again', () => {
  const names = FAULTS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const faults of Object.values(TRACKS)) {
    for (const seed of [1, 2, 3]) {
      const round = first(faults.length, faults, seed).map(({ fault }) => fault.name);
      expect(new Set(round)).toEqual(new Set(faults.map(({ name }) => name)));
    }
  }
});

test('what brings everything to a standstill comes last of its round', () => {
  for (const faults of Object.values(TRACKS)) {
    const round = first(faults.length, faults, 5).map(({ fault }) => fault.isLong ?? false);
    expect(round).toEqual(round.toSorted((a, b) => Number(a) - Number(b)));
  }
});

test('strikes of a track follow each other', () => {
  for (const faults of Object.values(TRACKS)) {
    const times = first(100, faults, 3).map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  }
});

test('a track without faults strikes nothing', () => {
  expect([...schedule([], seededRandom(1))]).toEqual([]);
});
