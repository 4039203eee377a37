import type pg from 'pg';
import { toError } from '../../../src/errors/connector-error.js';
import { hit, missed, type Fault, type Strike } from '../fault.js';
import { untilSettled } from './settled.js';
import { toleratedCode } from './tolerated.js';

type Work = (strike: Strike) => Promise<string>;

/** A shape of commit. That the server goes away under it is no failure: what is in the tables then is what counts. */
function shape(name: string, weight: number, work: Work): Fault {
  return {
    name,
    area: 'commit',
    weight,
    strike: async (strike) => {
      try {
        return hit(await work(strike));
      } catch (thrown) {
        const code = toleratedCode(thrown);
        const { message } = toError(thrown);
        return missed(`cut short: ${code ?? message}`, code === null ? [`${name} failed: ${message}`] : []);
      }
    },
  };
}

async function session<T>(strike: Strike, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await strike.site.pool.connect();
  let broken = true;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    broken = false;
    return result;
  } finally {
    client.release(broken);
  }
}

const UNDEFINED_OBJECT = '42704';

const LARGE_WITHIN_MS = 20_000;

export const COMMIT_FAULTS: readonly Fault[] = [
  shape('commit-late', 3, async (strike) => {
    const { site, random, sleep } = strike;
    const patron = await site.patrons.enrol();
    const ms = random.int(2_000, 15_000);
    await session(strike, async (client) => {
      await patron.purchase(client);
      await sleep(ms);
      await patron.purchase(client);
      await client.query('COMMIT');
    });
    return `two purchases, open for ${ms} ms`;
  }),
  shape('commit-back-to-back', 3, async (strike) => {
    const { site, random } = strike;
    const rounds = random.int(10, 40);
    const patrons = [await site.patrons.enrol(), await site.patrons.enrol()] as const;
    for (let round = 0; round < rounds; round += 1) {
      await session(strike, async (first) =>
        session(strike, async (second) => {
          await patrons[0].purchase(first);
          await patrons[1].purchase(second);
          await Promise.all([first.query('COMMIT'), second.query('COMMIT')]);
        }),
      );
    }
    return `${rounds} pairs`;
  }),
  shape('commit-savepoints', 2, async (strike) => {
    const patron = await strike.site.patrons.enrol();
    await session(strike, async (client) => {
      await patron.purchase(client);
      await client.query('SAVEPOINT a');
      await patron.purchase(client);
      await client.query('SAVEPOINT b');
      await patron.purchase(client);
      await client.query('ROLLBACK TO a');
      await patron.purchase(client);
      await client.query('COMMIT');
    });
    return 'four purchases, two taken back';
  }),
  shape('commit-rolled-back', 1, async (strike) => {
    const patron = await strike.site.patrons.enrol();
    await session(strike, async (client) => {
      await patron.purchase(client);
      await client.query('ROLLBACK');
    });
    return 'one purchase';
  }),
  shape('commit-prepared', 2, async (strike) => {
    const { site, random, sleep } = strike;
    const patron = await site.patrons.enrol();
    const name = `chaos-${patron.id}`;
    const ms = random.int(500, 10_000);
    const ending = random.chance(0.8) ? 'COMMIT' : 'ROLLBACK';
    // It outlives the server and holds its locks until somebody ends it, also one whose answer was lost.
    const end = async (how: string): Promise<void> =>
      untilSettled(strike, { statement: `${how} PREPARED '${name}'`, done: [UNDEFINED_OBJECT] });
    try {
      await session(strike, async (client) => {
        await patron.purchase(client);
        await client.query(`PREPARE TRANSACTION '${name}'`);
      });
    } catch (error) {
      await end('ROLLBACK');
      throw error;
    }
    await sleep(ms);
    await end(ending);
    return `${ending} after ${ms} ms`;
  }),
  shape('commit-clock-jump', 2, async (strike) => {
    const { site, random } = strike;
    const patron = await site.patrons.enrol();
    const jumps = [
      "now() + interval '3 days'",
      "now() - interval '29 days'",
      "now() - interval '400 days'",
      'NULL',
    ];
    for (const posAt of [random.pick(jumps), 'now()', random.pick(jumps)]) {
      await session(strike, async (client) => {
        await patron.purchase(client, posAt);
        await client.query('COMMIT');
      });
    }
    return 'three purchases';
  }),
  shape('commit-large', 1, async (strike) => {
    const { site, random } = strike;
    const patron = await site.patrons.enrol();
    const purchases = random.int(200, 900);
    // Open for no longer than `recover` has a margin for, however slow the machine.
    const untilMs = Date.now() + LARGE_WITHIN_MS;
    let made = 0;
    await session(strike, async (client) => {
      for (; made < purchases && Date.now() < untilMs; made += 1) await patron.purchase(client);
      await client.query('COMMIT');
    });
    return `${made} purchases in one commit`;
  }),
];
