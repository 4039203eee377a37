import { hit, missed, type Fault, type Outcome, type Strike } from '../fault.js';
import { toError } from '../../../src/errors/connector-error.js';
import { untilSettled } from './settled.js';
import { toleratedCode } from './tolerated.js';

/** Waits for no lock longer than that: the business must not stand behind it. */
const LOCK_TIMEOUT = `SET LOCAL lock_timeout = '2s'`;
/** Of both kinds: published with the columns that events use, and with all there are. */
const TABLES = [
  'loyalty.account',
  'loyalty.card',
  'txn.transaction',
  'txn.recharge',
  'loyalty.account_wallet',
  'survey.response',
  'loyalty.wallet_definition',
  'loyalty.referral',
];
const UNDEFINED_TABLE = '42P01';
const UNDEFINED_COLUMN = '42703';
/** ATTACH of what is attached already. */
const WRONG_OBJECT_TYPE = '42809';

/** A change of the schema, in steps that a struck server may cut short; what it leaves is taken away in any case. */
interface Change {
  readonly did: string;
  /** Several statements in one string are one transaction. */
  readonly steps: readonly string[];
  readonly undo: readonly { readonly statement: string; readonly done: readonly string[] }[];
}

function change(name: string, prepare: (strike: Strike) => Promise<Change>): Fault {
  return {
    name,
    area: 'schema',
    weight: 1,
    strike: async (strike) => {
      const findings: string[] = [];
      const told = (thrown: unknown): string => {
        const code = toleratedCode(thrown);
        const { message } = toError(thrown);
        if (code === null) findings.push(`${name} failed: ${message}`);
        return code ?? message;
      };
      let planned: Change;
      try {
        planned = await prepare(strike);
      } catch (thrown) {
        return missed(`not begun: ${told(thrown)}`, findings);
      }
      const outcome = await stepped(strike, planned, told);
      for (const undo of planned.undo) {
        const statement = `${LOCK_TIMEOUT}; ${undo.statement}`;
        try {
          await untilSettled(strike, { ...undo, statement });
        } catch (thrown) {
          told(thrown);
        }
      }
      return { ...outcome, findings };
    },
  };
}

async function stepped(
  { site, random, sleep }: Strike,
  { did, steps }: Change,
  told: (thrown: unknown) => string,
): Promise<Outcome> {
  for (const [index, step] of steps.entries()) {
    try {
      await site.pool.query(`${LOCK_TIMEOUT}; ${step}`);
    } catch (thrown) {
      return missed(`${did}: step ${index + 1} of ${steps.length} not taken: ${told(thrown)}`);
    }
    await sleep(random.int(50, 800));
  }
  return hit(did);
}

let made = 0;

/** A month of its own: what is left of one strike is not in the way of the next. */
function nextMonth(): { readonly no: number; readonly from: string; readonly to: string } {
  made += 1;
  const month = (at: number): string =>
    `${2099 + Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, '0')}-01 00:00:00+00`;
  return { no: made, from: month(made), to: month(made + 1) };
}

export const SCHEMA_FAULTS: readonly Fault[] = [
  change('column', async ({ random }) => {
    const table = random.pick(TABLES);
    made += 1;
    const column = `chaos_${made}`;
    const renamed = `${column}_renamed`;
    return {
      did: `${table}.${column} added, renamed, widened, dropped`,
      // Widening rewrites no row: a rewrite gives every row a new xmin, and the oracle tells commits apart by it.
      steps: [
        `ALTER TABLE ${table} ADD COLUMN ${column} varchar(20) DEFAULT 'x'`,
        `ALTER TABLE ${table} RENAME COLUMN ${column} TO ${renamed}`,
        `ALTER TABLE ${table} ALTER COLUMN ${renamed} TYPE varchar(40)`,
        `ALTER TABLE ${table} DROP COLUMN ${renamed}`,
      ],
      undo: [column, renamed].map((name) => ({
        statement: `ALTER TABLE ${table} DROP COLUMN IF EXISTS ${name}`,
        done: [UNDEFINED_COLUMN],
      })),
    };
  }),
  change('partition', async () => {
    const { no, from, to } = nextMonth();
    const name = `txn.chaos_transaction_${no}`;
    return {
      did: `${name} made, detached, dropped`,
      steps: [
        `CREATE TABLE ${name} PARTITION OF txn.transaction FOR VALUES FROM ('${from}') TO ('${to}')`,
        `ALTER TABLE txn.transaction DETACH PARTITION ${name}`,
      ],
      undo: [{ statement: `DROP TABLE IF EXISTS ${name}`, done: [UNDEFINED_TABLE] }],
    };
  }),
  // Its rows are streamed under the name of the whole table, and stay: attached again, the oracle reads them with the rest.
  change('partition-with-rows', async ({ site }) => {
    const { no, from, to } = nextMonth();
    const name = `txn.chaos_visits_${no}`;
    const range = `FOR VALUES FROM ('${from}') TO ('${to}')`;
    const patron = await site.patrons.enrol();
    return {
      did: `${name} made, written to, detached, attached again`,
      steps: [
        `CREATE TABLE ${name} PARTITION OF txn.transaction ${range}`,
        ...[1, 2].map((day) => patron.visitSql(`timestamptz '${from}' + interval '${day} days'`)),
        `ALTER TABLE txn.transaction DETACH PARTITION ${name}`,
      ],
      undo: [
        {
          // One that never came to be is nothing to undo.
          statement: `ALTER TABLE txn.transaction ATTACH PARTITION ${name} ${range}`,
          done: [UNDEFINED_TABLE, WRONG_OBJECT_TYPE],
        },
      ],
    };
  }),
];
