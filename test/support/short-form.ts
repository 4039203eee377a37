/**
 * `FAULT_TESTS=short`, as CI runs them: of tests that are alike one in three, and none of those that take minutes to say what
 * others say in seconds. `npm run test:faults` runs all of them.
 */
export const SHORT = process.env['FAULT_TESTS'] === 'short';

/** All of them; in the short form the second of every three. */
export function sampled<T>(all: readonly T[]): readonly T[] {
  return SHORT ? all.filter((_each, index) => index % 3 === 1) : all;
}
