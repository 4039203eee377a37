import { readFile } from 'node:fs/promises';
import { ConnectorProcess } from './connector.js';
import { CALLS_A_PURCHASE, expectedOf } from './expected-purchases.js';
import { judge } from './judge.js';
import type { FigureResult } from './measure.js';
import { holdsTransaction, queuedIds } from './queued-jobs.js';
import { scaled, type Setting } from './setting.js';
import { Site } from './site.js';
import { until } from './until.js';

const ACCOUNTS = 20_000;
/** A statement as the server logs it, with all its lines: `<application>|LOG:  statement: …` or `execute <name>: …`. */
const STATEMENT = /^(paytronix-segment[^|]*)\|LOG: +(?:statement|execute [^:]*):\s*(.*(?:\n\t.*)*)/gm;
const SELECT = /^(?:SELECT|WITH)\b/i;
/** Tables of the loyalty database: what is looked up for events. */
const LOOK_UP = /\bFROM (?:loyalty|txn|survey)\./i;

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
  await using connector = ConnectorProcess.start(site, { role: 'capture', slotName: 'load' });
  await connector.logged('capture is streaming');
  const perThousand: number[] = [];
  const started = { ...(await selects(site)), atMs: performance.now() };
  for (const span of spans) {
    const before = await selects(site);
    const { lastTransaction } = await site.purchase(span);
    const isThere = async (): Promise<boolean> => holdsTransaction(site.redis, 'default', 0, lastTransaction);
    await until(isThere, 'all in Redis', { everyMs: 100, failed: connector.failed });
    const { lookUps } = await selects(site);
    perThousand.push((lookUps - before.lookUps) / ((accounts * CALLS_A_PURCHASE) / 1_000));
  }
  const seconds = (performance.now() - started.atMs) / 1_000;
  const clocked = ((await selects(site)).others - started.others) / seconds;
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
        what: 'look-ups per 1,000 events, cold',
        values: [cold ?? Number.NaN],
        goal: { of: 'value', bound: 'most', limit: 10 },
      },
      {
        ...common,
        what: 'look-ups per 1,000 events, warm',
        values: [warm ?? Number.NaN],
        goal: { of: 'value', bound: 'most', limit: 1 },
      },
      { ...common, what: 'by the clock, a second', values: [clocked], goal: null },
    ],
    findings,
    notes: [`${accounts} accounts, as fast as they commit; what runs by the clock does not grow with events`],
  };
}

interface Selects {
  /** Of the loyalty tables. */
  readonly lookUps: number;
  /** Of slots, checkpoints and the like, which run by the clock. */
  readonly others: number;
}

async function selects(site: Site): Promise<Selects> {
  const statements = (await readFile(site.serverLog, 'utf8')).matchAll(STATEMENT);
  const texts = [...statements].map(([, , text]) => text ?? '').filter((text) => SELECT.test(text));
  const lookUps = texts.filter((text) => LOOK_UP.test(text)).length;
  return { lookUps, others: texts.length - lookUps };
}
