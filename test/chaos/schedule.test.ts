import { expect, test } from 'vitest';
import { seededRandom } from '../../src/demo/simulator/random.js';
import { FAULTS, TRACKS } from './catalogue.js';
import type { Fault } from './fault.js';
import { mayBeDoubled, memoryFindings } from './judge.js';
import { schedule } from './schedule.js';

function first(count: number, faults: readonly Fault[], seed: number): string[] {
  const steps: string[] = [];
  for (const { fault, pauseMs, random } of schedule(faults, seededRandom(seed))) {
    steps.push(`${fault.name} after ${pauseMs} ms, ${random.int(0, 1_000_000)}`);
    if (steps.length === count) break;
  }
  return steps;
}

test('the seed alone decides what strikes when, and what each strike decides', () => {
  for (const faults of Object.values(TRACKS)) {
    expect(first(50, faults, 7)).toEqual(first(50, faults, 7));
    expect(first(50, faults, 7)).not.toEqual(first(50, faults, 8));
  }
});

test('every fault has a name of its own, and comes in its turn', () => {
  const names = FAULTS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const faults of Object.values(TRACKS)) {
    const struck = new Set(first(2_000, faults, 1).map((step) => step.split(' ')[0]));
    expect(struck).toEqual(new Set(faults.map(({ name }) => name)));
  }
});

test('a track without faults strikes nothing', () => {
  expect([...schedule([], seededRandom(1))]).toEqual([]);
});

test('what may be doubled is what the faults explain', () => {
  expect(mayBeDoubled([{ doubles: 'none', backlog: 0 }])).toBe(0);
  expect(
    mayBeDoubled([
      { doubles: 'request', backlog: 0 },
      { doubles: 'backlog', backlog: 70 },
      { doubles: 'margin', backlog: 5 },
    ]),
  ).toBe(475);
});

test('a process that grows is found, one that has warmed up is not', () => {
  const mib = 1_048_576;
  const growing = Array.from({ length: 30 }, (_, n) => (80 + 8 * n) * mib);
  const steady = Array.from({ length: 30 }, (_, n) => Math.min(150, 60 + 20 * n) * mib);
  expect(memoryFindings([{ member: 'a', bytes: growing }]).findings).toHaveLength(1);
  expect(memoryFindings([{ member: 'b', bytes: steady }]).findings).toEqual([]);
  const stepping = Array.from(
    { length: 30 },
    (_, n) => (n < 10 ? 150 : 150 + 40 * Math.floor((n - 10) / 5)) * mib,
  );
  expect(memoryFindings([{ member: 'd', bytes: stepping }]).findings).toHaveLength(1);
  expect(memoryFindings([{ member: 'e', bytes: [100 * mib, 330 * mib] }]).findings).toEqual([
    'e held 330 MiB: 100 330',
  ]);
});
