import { defineConfig } from 'vitest/config';
import { fuzzTimeoutMs } from './test/support/fuzz-runs.js';

const shared = {
  pool: 'forks' as const,
  // Far above what a test takes: a machine three times slower must fail nothing.
  testTimeout: fuzzTimeoutMs(60_000),
  hookTimeout: 120_000,
  teardownTimeout: 20_000,
};

/**
 * Three projects. The pure tests start at once: only tests named after a server they need wait for the shared PostgreSQL
 * cluster. `faults` are the long ones, in which processes are killed and servers lose their data under load:
 * `npm run test:faults`.
 */
export default defineConfig({
  test: {
    // Servers and tests share the machine: more workers than two cores only makes waits longer.
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: 'pure',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.pg.test.ts', 'test/**/*.redis.test.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'servers',
          include: ['test/**/*.pg.test.ts', 'test/**/*.redis.test.ts'],
          exclude: ['test/**/*.faults.pg.test.ts'],
          globalSetup: ['test/global-setup.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'faults',
          include: ['test/**/*.faults.pg.test.ts'],
          globalSetup: ['test/global-setup.ts'],
        },
      },
    ],
  },
});
