import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { freeze } from '../support/frozen.js';
import { readiness } from '../support/probed.js';
import { SHORT } from '../support/short-form.js';
import { system, type RunningProcess, type System } from '../support/system.js';
import { PASS, startTcpProxy } from '../support/tcp-proxy.js';

/** As documented: a ping every 2 s, and red after 10 s without an answer. */
const REDIS_MS = 12_000;
/** As documented, whatever limit the server sets. */
const POSTGRES_MS = 30_000;
/** What a busy machine adds. */
const SLACK_MS = 3_000;

/** A connector as it is run: no limit but its own. */
async function ready(brand: System, env: Readonly<Record<string, string>> = {}): Promise<RunningProcess> {
  const connector = brand.run('all', env);
  await connector.logged('capture is streaming');
  await brand.business(1);
  await brand.verdict();
  await turnsGreen(connector);
  return connector;
}

async function turnsGreen(connector: RunningProcess): Promise<void> {
  await eventually(async () => (await readiness(connector)).status === 200, 'ready');
}

/** Resolves with how long it took. */
async function turnsRed(connector: RunningProcess, reason: RegExp, withinMs: number): Promise<number> {
  const fromMs = Date.now();
  let last: unknown = null;
  await eventually(
    async () => {
      const seen = await readiness(connector);
      last = seen;
      return seen.status === 503 && seen.reasons.some((text) => reason.test(text));
    },
    () => `not ready because ${String(reason)}: ${JSON.stringify(last)}`,
    withinMs + SLACK_MS,
  );
  return Date.now() - fromMs;
}

test.skipIf(SHORT).concurrent(
  'with the limits of production /readyz is red 10 s after the last answer of a frozen Redis, and not before',
  async () => {
    await using brand = await system({ seed: 63, guests: 20 });
    const connector = await ready(brand);
    {
      await using frozen = await freeze(brand.redis);
      const tookMs = await turnsRed(connector, /^redis does not answer, for 1\d s$/, REDIS_MS);
      // Its last answer was at most two seconds old, and a little on a busy machine.
      expect(tookMs).toBeGreaterThan(10_000 - 2_000 - SLACK_MS);
      await frozen.thaw();
    }
    await turnsGreen(connector);
    expect((await brand.verdict()).findings, connector.log()).toEqual([]);
    expect(await connector.end('SIGTERM')).toBe(0);
  },
  90_000,
);

test.skipIf(SHORT).concurrent.each([
  ['1min', 64],
  ['0', 65],
] as const)(
  'with the limits of production and wal_sender_timeout %s /readyz is red within 30 s of a half-open connection to PostgreSQL',
  async (timeout, seed) => {
    await using brand = await system({ seed, guests: 20 });
    await brand.db.sql(`ALTER DATABASE ${brand.db.name} SET wal_sender_timeout = '${timeout}'`);
    await using way = await startTcpProxy(Number(new URL(brand.db.url).port));
    const connector = await ready(brand, { DATABASE_URL: way.through(brand.db.url) });
    await connector.logged('"statusIntervalMs":10000,"silenceLimitMs":60000');
    way.set({ tag: 'hold' });
    await turnsRed(connector, /^postgres does not answer on the replication connection/, POSTGRES_MS);
    way.set(PASS);
    await turnsGreen(connector);
    await brand.business(1);
    expect((await brand.verdict()).findings, connector.log()).toEqual([]);
    expect(await connector.end('SIGTERM')).toBe(0);
  },
  120_000,
);
