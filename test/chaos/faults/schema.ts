import type { Fault, Strike } from '../fault.js';
import { toError } from '../../../src/errors/connector-error.js';

/** Waits for no lock longer than that: the business must not stand behind it. */
const LOCK_TIMEOUT = `SET LOCAL lock_timeout = '2s'`;
const TABLES = [
  'loyalty.account',
  'loyalty.card',
  'txn.transaction',
  'txn.recharge',
  'loyalty.account_wallet',
];

function change(name: string, statements: (strike: Strike) => readonly string[]): Fault {
  return {
    name,
    area: 'schema',
    weight: 1,
    doubles: 'none',
    strike: async (strike) => {
      const { site, random, sleep } = strike;
      const todo = statements(strike);
      for (const [index, statement] of todo.entries()) {
        try {
          // Several statements in one string are one transaction.
          await site.pool.query(`${LOCK_TIMEOUT}; ${statement}`);
        } catch (thrown) {
          const error = toError(thrown) as NodeJS.ErrnoException;
          return `step ${index + 1} of ${todo.length} not taken: ${error.code ?? error.message}`;
        }
        await sleep(random.int(50, 800));
      }
      return todo[0] ?? '';
    },
  };
}

let columns = 0;

export const SCHEMA_FAULTS: readonly Fault[] = [
  change('column', ({ random }) => {
    const table = random.pick(TABLES);
    columns += 1;
    const column = `chaos_${columns}`;
    // Widening rewrites no row: a rewrite gives every row a new xmin, and the oracle tells commits apart by it.
    return [
      `ALTER TABLE ${table} ADD COLUMN ${column} varchar(20) DEFAULT 'x'`,
      `ALTER TABLE ${table} RENAME COLUMN ${column} TO ${column}_renamed`,
      `ALTER TABLE ${table} ALTER COLUMN ${column}_renamed TYPE varchar(40)`,
      `ALTER TABLE ${table} DROP COLUMN ${column}_renamed`,
    ];
  }),
  change('partition', () => {
    columns += 1;
    const name = `txn.chaos_transaction_${columns}`;
    const [from, to] = [`2099-01-01`, `2099-02-01`];
    return [
      `CREATE TABLE ${name} PARTITION OF txn.transaction FOR VALUES FROM ('${from}') TO ('${to}')`,
      `ALTER TABLE txn.transaction DETACH PARTITION ${name}`,
      `DROP TABLE ${name}`,
    ];
  }),
];
