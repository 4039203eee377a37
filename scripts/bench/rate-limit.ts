import { fillBacklog } from './backlog.js';
import { drain } from './draining.js';
import type { FigureResult } from './measure.js';
import { BenchReceiver } from './receiver.js';
import { scaled, type Setting } from './setting.js';
import { Site } from './site.js';
import { busiestSecond } from './statistics.js';

const EVENTS = 60_000;
const ACCOUNTS = 5_000;
const LIMIT = 1_000;
const PROCESSES = 3;
const LANES = 3;
/** The receiver refuses beyond this, as Segment would. */
const TOLERANCE = 1.1;

/** A backlog and three deliver processes that share one limit: is it used to the full and never passed? One round: it takes its time. */
export async function measureRateLimit(setting: Setting): Promise<FigureResult> {
  const events = scaled(setting, EVENTS, 4_000);
  await using site = await Site.open(setting, { accounts: ACCOUNTS });
  await using receiver = await BenchReceiver.start();
  const span = { from: 0, to: events / 2, accounts: ACCOUNTS };
  await fillBacklog(site, { span, lanes: LANES, restorable: false });
  await receiver.begin({ most: LIMIT * TOLERANCE });
  const env = { RATE_LIMIT_PER_SECOND: String(LIMIT) };
  const drained = await drain(site, receiver, { span, lanes: LANES, processes: PROCESSES, env });
  const { limited, requests } = drained.taken;
  const common = { unit: 'events/s', baseline: { name: 'the limit', values: [LIMIT] } } as const;
  return {
    measures: [
      {
        ...common,
        what: 'mean',
        values: [(drained.events / drained.ms) * 1_000],
        goal: { of: 'ratio', bound: 'least', limit: 0.99 },
      },
      {
        ...common,
        what: 'busiest second',
        values: [busiestSecond(requests)],
        goal: { of: 'ratio', bound: 'most', limit: TOLERANCE },
      },
      {
        what: 'answers 429',
        unit: 'requests',
        values: [limited],
        baseline: null,
        goal: { of: 'value', bound: 'most', limit: 0 },
      },
    ],
    findings: drained.findings,
    notes: [`${events} events, ${PROCESSES} processes, ${LANES} lanes; one round`],
  };
}
