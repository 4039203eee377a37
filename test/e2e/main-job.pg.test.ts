import { expect, test } from 'vitest';
import { createConnector } from '../../src/app.js';
import { parseConfig } from '../../src/config/parse.js';
import { CALL_NAMES } from '../../src/demo/verify.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import { eventually } from '../support/eventually.js';
import { system } from '../support/system.js';

test.each(['batch', 'sdk'])(
  'every call that the tables imply arrives once, in order and with its balances, through the %s client',
  async (client) => {
    await using brand = await system({ seed: client === 'batch' ? 1 : 2 });
    const config = parseConfig({ ...brand.env, SEGMENT_CLIENT: client }, { command: 'run', role: 'all' });
    const connector = createConnector(config, { logger: silentLogger, role: 'all', clock: systemClock });
    try {
      await connector.start();
      await brand.business(6);
      const verdict = await brand.verdict();
      expect(verdict.findings).toEqual([]);
      expect(verdict.total.again).toBe(0);
      for (const name of CALL_NAMES) expect(verdict.byName.get(name)?.received, name).toBeGreaterThan(0);
      expect(brand.receiver.counts.dropped).toBe(0);
      await eventually(() => connector.health().ready, 'ready');
      const { host, port } = connector.address ?? { host: '', port: 0 };
      const metrics = await (await fetch(`http://${host}:${port}/metrics`)).text();
      expect(metrics).toMatch(
        /events_total\{source="default",event="POS Activity",outcome="delivered"\} [1-9]/,
      );
      expect(metrics).toMatch(/events_total\{source="default",event="Check-In",outcome="derived"\} [1-9]/);
      expect(metrics).toMatch(/slot_wal_status\{status="reserved"\} 1/);
    } finally {
      await connector.stop();
    }
  },
  90_000,
);
