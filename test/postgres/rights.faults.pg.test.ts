import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { leastRole } from '../support/least-role.js';
import { system } from '../support/system.js';

const SLOW = 120_000;

interface Right {
  readonly right: string;
  readonly takeAway: (role: string) => string;
  readonly giveBack: (role: string) => string;
  readonly code: string;
}

const RIGHTS: readonly Right[] = [
  {
    right: 'to read a table',
    takeAway: (role) => `REVOKE SELECT ON loyalty.card_template FROM ${role}`,
    giveBack: (role) => `GRANT SELECT ON loyalty.card_template TO ${role}`,
    code: 'DATABASE_RIGHTS',
  },
  {
    right: 'to replicate',
    takeAway: (role) => `ALTER ROLE ${role} NOREPLICATION`,
    giveBack: (role) => `ALTER ROLE ${role} REPLICATION`,
    code: 'REPLICATION_RIGHTS',
  },
  {
    right: 'to log in',
    takeAway: (role) => `ALTER ROLE ${role} NOLOGIN`,
    giveBack: (role) => `ALTER ROLE ${role} LOGIN`,
    code: 'DATABASE_AUTH',
  },
];

test(
  'a right that is taken away stops capture with its name; given back, nothing is missing',
  async () => {
    await using brand = await system({ guests: 30, seed: 81 });
    await using role = await leastRole(brand);
    const env = { DATABASE_URL: role.url };
    for (const { right, takeAway, giveBack, code } of RIGHTS) {
      await brand.db.sql(takeAway(role.name));
      const without = brand.run('all', env);
      await brand.business(1);
      await eventually(
        () => without.child.exitCode !== null,
        () => without.log(),
      );
      expect(without.child.exitCode, `${right}: ${without.log()}`).toBe(70);
      expect(without.log(), right).toContain(`"code":"${code}"`);
      await brand.db.sql(giveBack(role.name));
    }
    const after = brand.run('all', env);
    await after.logged('capture is streaming');
    expect((await brand.verdict()).findings, after.log()).toEqual([]);
    expect(await after.end('SIGTERM')).toBe(0);
  },
  SLOW,
);
