/** `FUZZ_RUNS=20` makes every property test run twenty times as many cases. */
const FACTOR = Number(process.env['FUZZ_RUNS'] ?? 1);

/** How many cases a property test runs. */
export function runs(base: number): { readonly numRuns: number } {
  return { numRuns: Math.max(1, Math.round(base * FACTOR)) };
}

/** A time limit that grows with the cases; the configured one of every test does, too. */
export function fuzzTimeoutMs(baseMs: number): number {
  return baseMs * Math.max(1, FACTOR);
}
