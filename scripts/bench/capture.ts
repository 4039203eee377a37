import { CALLS_A_PURCHASE, expectedOf } from './expected-purchases.js';
import { judge } from './judge.js';
import type { FigureResult, Measure } from './measure.js';
import { queuedJobs } from './queued-jobs.js';
import { receiveInTurns } from './receiving.js';
import { roundNumbers, scaled, type Setting } from './setting.js';
import { Site } from './site.js';

const COMMITS = 100_000;
const ACCOUNTS = 50_000;

/** Purchases wait in the WAL, a commit each: how fast are their events in Redis, beside merely receiving the same WAL? */
export async function measureCapture(setting: Setting): Promise<FigureResult> {
  const commits = scaled(setting, COMMITS, 2_000);
  const accounts = scaled(setting, ACCOUNTS, 1_000);
  await using site = await Site.open(setting, { accounts });
  const slots = roundNumbers(setting).map((round) => `capture_${round}`);
  for (const slot of slots) await site.setUpSlot(slot);
  setting.say(`${commits} purchases are written`);
  const span = { from: 0, to: commits, accounts };
  const written = await site.purchase(span);
  const findings: string[] = [];
  let jsonBytes = 0;
  const times = await receiveInTurns(site, slots, written, async () => {
    const ids: string[] = [];
    jsonBytes = 0;
    for await (const calls of queuedJobs(site.redis, 'default', 0)) {
      for (const { messageId, json } of calls) {
        ids.push(messageId);
        jsonBytes += Buffer.byteLength(json);
      }
    }
    findings.push(...judge(ids, expectedOf(span)));
  });
  const rate = (ms: number): number => (commits / ms) * 1_000;
  const measure: Measure = {
    what: 'from WAL to Redis',
    unit: 'commits/s',
    values: times.connector.map(rate),
    baseline: null,
    goal: null,
  };
  const measures: Measure[] = [
    { ...measure, baseline: { name: 'bare library', values: times.library.map(rate) } },
  ];
  if (times.recvlogical.length > 0) {
    measures.unshift({
      ...measure,
      baseline: { name: 'pg_recvlogical', values: times.recvlogical.map(rate) },
      goal: { of: 'ratio', bound: 'least', limit: 1.5 },
    });
  }
  const cpu = times.cpuSeconds.map((seconds) => (seconds * 1_000_000) / commits);
  measures.push({ what: 'CPU of capture', unit: 'µs a commit', values: cpu, baseline: null, goal: null });
  measures.push({
    what: 'peak memory of capture',
    unit: 'MiB',
    values: times.peaks,
    baseline: null,
    goal: null,
  });
  const events = commits * CALLS_A_PURCHASE;
  return {
    measures,
    findings,
    notes: [
      ...times.notes,
      `${commits} commits, ${events} events of ${Math.round(jsonBytes / events)} bytes`,
    ],
  };
}
