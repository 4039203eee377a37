import { freeze } from '../../support/frozen.js';
import type { PostgresServer, ShutdownMode } from '../../../src/demo/postgres-server.js';
import { asked } from '../asked.js';
import { hit, missed, type Fault } from '../fault.js';

/** Checkpoint, and the connector letting go, on a machine that does much else. */
const SHUTDOWN_LIMIT_MS = 90_000;

export const POSTGRES_FAULTS: readonly Fault[] = [
  ...(['fast', 'immediate'] as const).map((mode): Fault => ({
    name: `postgres-${mode}`,
    area: 'postgres',
    weight: 2,
    strike: async ({ site, random, sleep }) => {
      const ms = random.int(0, 2_000);
      await haltWithin(site.server, mode, SHUTDOWN_LIMIT_MS);
      await sleep(ms);
      await site.server.start();
      return hit(`down for ${ms} ms`, { interruptsCapture: true });
    },
  })),
  {
    name: 'postgres-freeze',
    area: 'postgres',
    weight: 2,
    strike: async ({ site, random, sleep }) => {
      const ms = random.int(500, 9_000);
      const frozen = await freeze(site.server);
      await sleep(ms);
      await frozen.thaw();
      return hit(`for ${ms} ms`, { interruptsCapture: true });
    },
  },
  {
    name: 'terminate',
    area: 'postgres',
    weight: 3,
    strike: async ({ site }) => {
      const { rowCount } = await asked(
        site.pool,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'paytronix%'`,
      );
      const did = `${rowCount ?? 0} connections of the connector`;
      return rowCount === 0 ? missed(did) : hit(did, { interruptsCapture: true });
    },
  },
];

/** A connector that keeps its database from shutting down is a finding, not a run that never ends. */
async function haltWithin(server: PostgresServer, mode: ShutdownMode, limitMs: number): Promise<void> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    void server.halt('immediate');
  }, limitMs);
  await server.halt(mode);
  clearTimeout(timer);
  if (isLate) throw new Error(`the server did not shut down within ${limitMs} ms`);
}
