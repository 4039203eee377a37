import { hugeCommitSql, IMPORTS_A_PURCHASE } from './brand.sql.js';
import { expectedOf, FIRST_TRANSACTION } from './expected-purchases.js';
import { judge } from './judge.js';
import type { FigureResult, Measure } from './measure.js';
import { queuedIds } from './queued-jobs.js';
import { receiveInTurns } from './receiving.js';
import { roundNumbers, scaled, type Setting } from './setting.js';
import { Site } from './site.js';

const ROWS = 1_000_000;
const ACCOUNTS = 1_000;

/** One transaction of a million ledger rows, most of an import, which sends nothing, and some of purchases. */
export async function measureHugeCommit(setting: Setting): Promise<FigureResult> {
  const rows = scaled(setting, ROWS, 10_000);
  await using site = await Site.open(setting, { accounts: ACCOUNTS });
  const slots = roundNumbers(setting).map((round) => `huge_${round}`);
  for (const slot of slots) await site.setUpSlot(slot);
  setting.say(`a transaction of ${rows} rows is written`);
  await site.pool.query(hugeCommitSql({ rows, accounts: ACCOUNTS }));
  const purchases = Math.ceil(rows / 2 / IMPORTS_A_PURCHASE);
  const written = {
    endLsn: await site.walEnd(),
    lastTransaction: String(FIRST_TRANSACTION + purchases - 1),
  };
  const findings: string[] = [];
  const times = await receiveInTurns(site, slots, written, async () => {
    const expected = expectedOf({ from: 0, to: purchases, accounts: ACCOUNTS });
    findings.push(...judge(await queuedIds(site.redis, 'default', 1), expected));
  });
  const rate = (ms: number): number => (rows / ms) * 1_000;
  const values = times.connector.map(rate);
  const measure: Measure = { what: 'from WAL to Redis', unit: 'rows/s', values, baseline: null, goal: null };
  const measures: Measure[] = [
    { ...measure, baseline: { name: 'bare library', values: times.library.map(rate) } },
    {
      what: 'peak memory of capture',
      unit: 'MiB',
      values: times.peaks,
      baseline: null,
      goal: { of: 'value', bound: 'most', limit: 300 },
    },
  ];
  if (times.recvlogical.length > 0) {
    measures.unshift({
      ...measure,
      baseline: { name: 'pg_recvlogical', values: times.recvlogical.map(rate) },
      goal: { of: 'ratio', bound: 'least', limit: 1 },
    });
  }
  return { measures, findings, notes: [...times.notes, `${rows} rows, ${purchases} of them purchases`] };
}
