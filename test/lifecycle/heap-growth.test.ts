import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** Holds some 64 MiB and makes garbage of objects that live just long enough to get old; prints the largest heap, in MiB. */
const PROGRAM = `
import { getHeapStatistics } from 'node:v8';
const given = process.argv[1];
if (given !== '') (await import(given)).boundHeapGrowth();
const rows = (count) => Array.from({ length: count }, (_, n) => ({ id: String(n), text: 'x' + n, next: [n] }));
const held = rows(400_000);
let most = 0;
const recent = [];
for (let round = 0; round < 400; round += 1) {
  recent.push(rows(10_000));
  if (recent.length > 8) recent.shift();
  most = Math.max(most, getHeapStatistics().used_heap_size);
}
console.log(Math.round(most / 1_048_576), held.length);
`;

function mostMiB(module: string): number {
  const flags = ['--import', 'tsx', '--input-type=module', '--eval', PROGRAM, module];
  return Number.parseInt(execFileSync(process.execPath, flags, { encoding: 'utf8' }), 10);
}

test('a heap that is bound in its growth stays well below one that is not', () => {
  const bound = mostMiB(new URL('../../src/lifecycle/heap-growth.ts', import.meta.url).href);
  expect(bound).toBeLessThan(0.8 * mostMiB(''));
});
