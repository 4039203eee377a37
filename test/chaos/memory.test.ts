import { expect, test } from 'vitest';
import { memoryFindings } from './memory.js';

const MIB = 1_048_576;
const series = (count: number, mebibytes: (n: number) => number): number[] =>
  Array.from({ length: count }, (_, n) => mebibytes(n) * MIB);

test('a process that grows is found by its name, one that has warmed up is not', () => {
  const growing = memoryFindings([{ member: 'a', bytes: series(30, (n) => 80 + 8 * n) }]);
  expect(growing.findings).toEqual([expect.stringMatching(/^a grew from 200 MiB to/)]);
  const steady = memoryFindings([{ member: 'b', bytes: series(30, (n) => Math.min(150, 60 + 20 * n)) }]);
  expect(steady).toMatchObject({ findings: [], longLives: 1 });
  const stepping = series(30, (n) => (n < 10 ? 150 : 150 + 40 * Math.floor((n - 10) / 5)));
  expect(memoryFindings([{ member: 'd', bytes: stepping }]).findings).toHaveLength(1);
});

test('a process that holds too much is found however short it lived', () => {
  expect(memoryFindings([{ member: 'e', bytes: [100 * MIB, 330 * MIB] }]).findings).toEqual([
    'e held 330 MiB: 100 330',
  ]);
});

test('lives too short to judge each are judged together', () => {
  const lives = (mebibytes: (n: number) => number) =>
    Array.from({ length: 6 }, () => ({ member: 'c', bytes: series(12, mebibytes) }));
  const growing = memoryFindings(lives((n) => 60 + 8 * n));
  expect(growing.findings).toEqual([expect.stringMatching(/^c grew by 96 MiB a minute/)]);
  // What is loaded at the start is no growth.
  expect(memoryFindings(lives((n) => Math.min(140, 50 + 30 * n)))).toMatchObject({
    shortLives: 6,
    findings: [],
  });
});
