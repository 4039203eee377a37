import { expect, test } from 'vitest';
import { slotOf } from '../support/captured.js';
import { eventually } from '../support/eventually.js';
import { freeze } from '../support/frozen.js';
import { readiness } from '../support/probed.js';
import { SHORT } from '../support/short-form.js';
import { system, type System } from '../support/system.js';
import { unending } from '../support/unending.js';

const FROZEN_SECONDS = 10;

async function senderPid(brand: System): Promise<number | null> {
  const { rows } = await brand.db.sql<{ pid: number | null }>(
    'SELECT active_pid AS pid FROM pg_replication_slots WHERE slot_name = $1',
    [slotOf(brand.db)],
  );
  return rows[0]?.pid ?? null;
}

const TIMEOUTS = [
  ['1s', 333, 91],
  ['0', 10_000, 92],
] as const;

// Beside everything else that the short form runs with, a process may well be without the processor for a second.
test.each(TIMEOUTS.filter(([timeout]) => !SHORT || timeout === '0'))(
  'with wal_sender_timeout %s a Redis that is frozen for ten seconds under load costs no connection, and nothing is lost',
  async (timeout, statusIntervalMs, seed) => {
    // What was held up is little work: on a busy machine a backlog alone can take the second within which the server wants a word.
    await using brand = await system({ seed, guests: 50, ratePerSecond: 40 });
    await brand.db.sql(`ALTER DATABASE ${brand.db.name} SET wal_sender_timeout = '${timeout}'`);
    const connector = brand.run('all');
    await connector.logged('capture is streaming');
    await connector.logged(`"statusIntervalMs":${statusIntervalMs}`);
    const pid = await senderPid(brand);
    expect(pid).not.toBeNull();
    const business = unending(brand);
    await eventually(() => brand.arrivals.calls.length > 50, 'calls');
    {
      await using frozen = await freeze(brand.redis);
      // Counted from the last answer of Redis, so it was frozen for longer than this says.
      const stalled = (reason: string): boolean =>
        Number(/^redis does not answer, for (\d+) s/.exec(reason)?.[1]) >= FROZEN_SECONDS;
      await eventually(
        async () => (await readiness(connector)).reasons.some(stalled),
        () => `Redis silent for ${FROZEN_SECONDS} s: ${connector.log()}`,
      );
      expect(await senderPid(brand), connector.log()).toBe(pid);
      await frozen.thaw();
    }
    await business.end();
    expect((await brand.verdict()).findings, connector.log()).toEqual([]);
    expect(await senderPid(brand), connector.log()).toBe(pid);
    expect(await connector.end('SIGTERM')).toBe(0);
  },
  90_000,
);
