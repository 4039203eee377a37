import type pg from 'pg';
import { asked } from '../asked.js';
import { hit, missed, type Fault, type Strike } from '../fault.js';

const OBJECT_IN_USE = '55006';
/** Nothing where it has gone: an attempt whose answer was lost did it. */
const DROP = 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1';

/** The walsender of a process that has gone may hold the slot until it notices. */
async function untilDropped({ site, sleep }: Strike): Promise<void> {
  for (;;) {
    try {
      await asked(site.pool, DROP, [site.slotName]);
      return;
    } catch (thrown) {
      if ((thrown as pg.DatabaseError).code !== OBJECT_IN_USE) throw thrown;
      await sleep(300);
    }
  }
}

export const SLOT_FAULTS: readonly Fault[] = [
  {
    name: 'slot-dropped',
    area: 'slot',
    weight: 0.7,
    isLong: true,
    strike: async (strike) => {
      const { site, random, sleep } = strike;
      const ms = random.int(0, 4_000);
      await site.operator.recover(async () => {
        await untilDropped(strike);
        await sleep(ms);
      });
      // What is filled from the tables may have been sent before: see the operator's recoveries.
      return hit(`gone for ${ms} ms, and recovered`, { interruptsCapture: true });
    },
  },
  {
    name: 'replay-slot-dropped',
    area: 'slot',
    weight: 0.3,
    strike: async ({ site }) => {
      const name = `${site.slotName}_replay`;
      const { rowCount } = await asked(site.pool, `${DROP} AND active_pid IS NULL`, [name]);
      return rowCount === 0 ? missed('it was not there, or in use') : hit(name, { interruptsCapture: true });
    },
  },
];
