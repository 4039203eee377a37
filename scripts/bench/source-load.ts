import { readFile } from 'node:fs/promises';
import { parseLsn } from '../../src/postgres/lsn.js';
import { ConnectorProcess } from './connector.js';
import { CALLS_A_PURCHASE, expectedOf } from './expected-purchases.js';
import { judge } from './judge.js';
import type { FigureResult } from './measure.js';
import { queuedIds } from './queued-jobs.js';
import { scaled, type Setting } from './setting.js';
import { Site } from './site.js';
import { until } from './until.js';

const ACCOUNTS = 20_000;
/** As the server logs them: `<application>|LOG:  statement: SELECT …` or `execute <name>: …`. */
const SELECTS = /^paytronix-segment[^|]*\|LOG: +(?:statement|execute [^:]*):\s*(?:SELECT|WITH)/gim;

/** What is asked of the database for a thousand events: of accounts never seen, and then of the same once more. One round. */
export async function measureSourceLoad(setting: Setting): Promise<FigureResult> {
  const accounts = scaled(setting, ACCOUNTS, 2_000);
  await using site = await Site.open(setting, { accounts });
  await site.setUpSlot('load');
  await site.pool.query(`ALTER DATABASE ${site.databaseName} SET log_statement = 'all'`);
  const spans = [
    { from: 0, to: accounts, accounts },
    { from: accounts, to: 2 * accounts, accounts },
  ];
  await using connector = await ConnectorProcess.start(site, { role: 'capture', slotName: 'load' });
  await connector.logged('capture is streaming');
  const perThousand: number[] = [];
  for (const span of spans) {
    const before = await selects(site);
    const { endLsn } = await site.purchase(span);
    const end = Number(parseLsn(endLsn));
    const isThere = async (): Promise<boolean> =>
      (await connector.metric('paytronix_segment_floor_position_bytes')) >= end;
    await until(isThere, 'all in Redis', { everyMs: 100, failed: connector.failed });
    perThousand.push(((await selects(site)) - before) / ((accounts * CALLS_A_PURCHASE) / 1_000));
  }
  await connector.stop();
  const [cold, warm] = perThousand;
  const findings = judge(
    await queuedIds(site.redis, 'default', 1),
    expectedOf({ from: 0, to: 2 * accounts, accounts }),
  );
  const common = { unit: 'SELECTs', baseline: null } as const;
  return {
    measures: [
      {
        ...common,
        what: 'per 1,000 events, cold',
        values: [cold ?? Number.NaN],
        goal: { of: 'value', bound: 'most', limit: 10 },
      },
      {
        ...common,
        what: 'per 1,000 events, warm',
        values: [warm ?? Number.NaN],
        goal: { of: 'value', bound: 'most', limit: 1 },
      },
    ],
    findings,
    notes: [`${accounts} accounts, as fast as they commit; the checks that run by the clock are counted too`],
  };
}

async function selects(site: Site): Promise<number> {
  return (await readFile(site.serverLog, 'utf8')).match(SELECTS)?.length ?? 0;
}
