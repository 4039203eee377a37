import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { leastRole, type Role } from '../support/least-role.js';
import { sampled } from '../support/short-form.js';
import { slotOf } from '../support/captured.js';
import { system, type System } from '../support/system.js';
import { unending } from '../support/unending.js';

interface Right {
  readonly right: string;
  readonly seed: number;
  readonly takeAway: (brand: System, role: Role) => Promise<unknown>;
  readonly giveBack: (role: string) => string;
  readonly code: string;
}

/** Attributes of a role count where a connection begins: it is ended as an administrator would who wants it out. */
async function endConnections(brand: System, role: Role): Promise<void> {
  await brand.db.sql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
    role.name,
  ]);
}

const RIGHTS: readonly Right[] = [
  {
    right: 'to read the tables it looks up in',
    seed: 83,
    takeAway: async (brand, { name }) =>
      brand.db.sql(`REVOKE SELECT ON ALL TABLES IN SCHEMA loyalty, txn FROM ${name}`),
    giveBack: (role) => `GRANT SELECT ON ALL TABLES IN SCHEMA loyalty, txn TO ${role}`,
    code: 'DATABASE_RIGHTS',
  },
  {
    right: 'to write its checkpoint',
    seed: 84,
    takeAway: async (brand, { name }) =>
      brand.db.sql(`REVOKE UPDATE ON segment_connector.checkpoint FROM ${name}`),
    giveBack: (role) => `GRANT UPDATE ON segment_connector.checkpoint TO ${role}`,
    code: 'DATABASE_RIGHTS',
  },
  {
    right: 'to replicate',
    seed: 85,
    takeAway: async (brand, role) => {
      await brand.db.sql(`ALTER ROLE ${role.name} NOREPLICATION`);
      await endConnections(brand, role);
    },
    giveBack: (role) => `ALTER ROLE ${role} REPLICATION`,
    code: 'REPLICATION_RIGHTS',
  },
  {
    right: 'to log in',
    seed: 86,
    takeAway: async (brand, role) => {
      await brand.db.sql(`ALTER ROLE ${role.name} NOLOGIN`);
      await endConnections(brand, role);
    },
    giveBack: (role) => `ALTER ROLE ${role} LOGIN`,
    code: 'DATABASE_AUTH',
  },
];

async function confirmed(brand: System): Promise<string> {
  const { rows } = await brand.db.sql<{ lsn: string }>(
    'SELECT confirmed_flush_lsn::text AS lsn FROM pg_replication_slots WHERE slot_name = $1',
    [slotOf(brand.db)],
  );
  return rows[0]?.lsn ?? '';
}

test.each(sampled(RIGHTS).map((each) => [each.right, each.code, each] as const))(
  'the right %s, taken away while capture streams under load, stops it with %s; given back, nothing is missing',
  async (_right, code, { seed, takeAway, giveBack }) => {
    await using brand = await system({ guests: 60, seed });
    await using role = await leastRole(brand);
    const env = { DATABASE_URL: role.url };
    const connector = brand.run('all', env);
    await connector.logged('capture is streaming');
    const business = unending(brand);
    await eventually(() => brand.arrivals.calls.length > 50, 'calls');
    await takeAway(brand, role);
    await eventually(
      () => connector.child.exitCode !== null,
      () => connector.log(),
    );
    expect(connector.child.exitCode, connector.log()).toBe(70);
    expect(connector.log()).toContain(`"code":"${code}"`);
    const stoppedAt = await confirmed(brand);
    await business.end();
    expect(await confirmed(brand)).toBe(stoppedAt);
    await brand.db.sql(giveBack(role.name));
    const after = brand.run('all', env);
    await after.logged('capture is streaming');
    expect((await brand.verdict()).findings, after.log()).toEqual([]);
    expect(await after.end('SIGTERM')).toBe(0);
  },
  90_000,
);
