import { defineConfig } from 'vitest/config';
import { fuzzTimeoutMs } from './test/support/fuzz-runs.js';

const shared = {
  pool: 'forks' as const,
  // Far above what a test takes: a machine three times slower must fail nothing.
  testTimeout: fuzzTimeoutMs(60_000),
  hookTimeout: 120_000,
  teardownTimeout: 20_000,
};

/** They measure the memory of the process they run in, which must hold nothing of other tests. */
const MEASURED = ['test/replication/spill.pg.test.ts'];

/**
 * Four projects. The pure tests start at once: only tests named after a server they need wait for the shared PostgreSQL
 * cluster. `faults` are the long ones, most of them with processes that are killed and servers that lose their data under load:
 * `npm run test:faults`.
 */
export default defineConfig({
  test: {
    // Tests with servers wait more than they work: three keep two cores busy (297 s with two workers, 190 s with three).
    maxWorkers: 3,
    projects: [
      {
        test: {
          ...shared,
          name: 'pure',
          // They keep no state to keep apart, and loading the modules anew for each file took half of their time.
          isolate: false,
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.pg.test.ts', 'test/**/*.redis.test.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'servers',
          // As above: 291 s with isolation, 235 s without.
          isolate: false,
          include: ['test/**/*.pg.test.ts', 'test/**/*.redis.test.ts'],
          exclude: ['test/**/*.faults.pg.test.ts', ...MEASURED],
          globalSetup: ['test/global-setup.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'measured',
          isolate: true,
          include: MEASURED,
          globalSetup: ['test/global-setup.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'faults',
          isolate: false,
          include: ['test/**/*.faults.pg.test.ts'],
          globalSetup: ['test/global-setup.ts'],
        },
      },
    ],
  },
});
