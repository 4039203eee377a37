/**
 * `FAULT_TESTS=short`, as CI runs them: of tests that are alike one in three, and none of those that take minutes to say what
 * others say in seconds. `npm run test:faults` runs all of them.
 */
export const SHORT = process.env['FAULT_TESTS'] === 'short';

/** Which of every three, 0 to 2; CI takes it from the commit, so that three in a row run all. Default: the second. */
const SAMPLE = Number(process.env['FAULT_SAMPLE'] ?? '1');

/** All of them; in the short form one of every three, and of fewer the last instead of none. */
export function sampled<T>(all: readonly T[]): readonly T[] {
  if (!SHORT) return all;
  const offset = Math.min(SAMPLE, all.length - 1);
  return all.filter((_each, index) => index % 3 === offset);
}
