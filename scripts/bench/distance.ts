import { fillBacklog } from './backlog.js';
import { drain } from './draining.js';
import type { FigureResult, Measure } from './measure.js';
import { BenchReceiver } from './receiver.js';
import { roundNumbers, scaled, type Setting } from './setting.js';
import { Site } from './site.js';

const EVENTS = 60_000;
const ACCOUNTS = 5_000;
const ROUND_TRIP_MS = 80;
const LANES = [1, 4] as const;

/**
 * The same where each answer takes 80 ms. A lane sends its next request when the last was answered, so no lane can take less than
 * a round trip for each of its jobs.
 */
export async function measureDistance(setting: Setting): Promise<FigureResult> {
  const events = scaled(setting, EVENTS, 4_000);
  await using site = await Site.open(setting, { accounts: ACCOUNTS });
  await using receiver = await BenchReceiver.start();
  const findings: string[] = [];
  const measures: Measure[] = [];
  for (const [turn, lanes] of LANES.entries()) {
    const span = { from: (turn * events) / 2, to: ((turn + 1) * events) / 2, accounts: ACCOUNTS };
    const backlog = await fillBacklog(site, { span, lanes });
    const values: number[] = [];
    const limits: number[] = [];
    const longest = Math.max(...(await jobCounts(site, lanes)));
    for (const round of roundNumbers(setting)) {
      await backlog.restore();
      await receiver.begin({ delayMs: ROUND_TRIP_MS });
      const drained = await drain(site, receiver, { span, lanes });
      findings.push(...drained.findings);
      values.push((drained.events / drained.ms) * 1_000);
      // From the first arrival to the last lie the round trips of all jobs of the longest lane but its last.
      limits.push((drained.events / ((longest - 1) * ROUND_TRIP_MS)) * 1_000);
      setting.say(`round ${round + 1} with lanes: ${lanes}`);
    }
    measures.push({
      what: lanes === 1 ? 'one lane' : `${lanes} lanes`,
      unit: 'events/s',
      values,
      baseline: { name: 'a job a round trip', values: limits },
      goal: { of: 'ratio', bound: 'least', limit: 0.95 },
    });
  }
  return { measures, findings, notes: [`${events} events, ${ROUND_TRIP_MS} ms to each answer`] };
}

async function jobCounts(site: Site, lanes: number): Promise<number[]> {
  const keys = Array.from({ length: lanes }, (_, lane) => `paytronix:segment/default/${lane}:wait`);
  return Promise.all(keys.map(async (key) => site.redis.llen(key)));
}
