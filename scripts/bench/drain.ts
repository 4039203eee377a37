import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillBacklog } from './backlog.js';
import { WRITE_KEY } from './connector.js';
import { drain } from './draining.js';
import type { FigureResult, Measure } from './measure.js';
import { runProgram } from './program.js';
import { writeBodies } from './ready-bodies.js';
import { BenchReceiver } from './receiver.js';
import { roundNumbers, scaled, type Setting } from './setting.js';
import { Site } from './site.js';

const EVENTS = 200_000;
const ACCOUNTS = 5_000;
/** The SDK is slow enough that a part of the events tells its rate. */
const SDK_SHARE = 0.1;
const LANES = [1, 4] as const;

interface Rates {
  readonly lanes: number;
  /** Events a second, one a round; loop and SDK were measured between the rounds of these lanes. */
  readonly connector: number[];
  readonly loop: number[];
  readonly sdk: number[];
}

/** Events wait in Redis: how fast do they leave, to a receiver that answers at once? */
export async function measureDrain(setting: Setting): Promise<FigureResult> {
  const events = scaled(setting, EVENTS, 4_000);
  const sdkEvents = Math.round(events * SDK_SHARE);
  await using site = await Site.open(setting, { accounts: ACCOUNTS });
  await using receiver = await BenchReceiver.start();
  const file = join(tmpdir(), `bench-bodies-${process.pid}`);
  const target = { file, url: receiver.url, writeKey: WRITE_KEY };
  const program = async (name: string, count: number): Promise<number> => {
    await receiver.begin();
    const times = await runProgram(name, { ...target, events: String(count) });
    return (count / (times.endedMs - times.startedMs)) * 1_000;
  };
  const findings: string[] = [];
  const all: Rates[] = [];
  try {
    for (const [turn, lanes] of LANES.entries()) {
      const span = { from: (turn * events) / 2, to: ((turn + 1) * events) / 2, accounts: ACCOUNTS };
      const backlog = await fillBacklog(site, { span, lanes });
      if (turn === 0) await writeBodies(site, file);
      const rates: Rates = { lanes, connector: [], loop: [], sdk: [] };
      all.push(rates);
      for (const round of roundNumbers(setting)) {
        rates.sdk.push(await program('sdk-loop', sdkEvents));
        rates.loop.push(await program('post-loop', events));
        await backlog.restore();
        await receiver.begin();
        const drained = await drain(site, receiver, { span, lanes });
        findings.push(...drained.findings);
        rates.connector.push((drained.events / drained.ms) * 1_000);
        setting.say(`round ${round + 1} with lanes: ${lanes}`);
      }
    }
  } finally {
    await rm(file, { force: true });
  }
  const notes = [`${events} events of which the SDK sent ${sdkEvents}; each lane is one request at a time`];
  return { measures: all.flatMap(measuresOf), findings, notes };
}

function measuresOf({ lanes, connector, loop, sdk }: Rates): Measure[] {
  const measure = {
    what: lanes === 1 ? 'one lane' : `${lanes} lanes`,
    unit: 'events/s',
    values: connector,
  };
  return [
    {
      ...measure,
      baseline: { name: 'posting ready bodies', values: loop },
      goal: { of: 'ratio', bound: 'least', limit: lanes === 1 ? 0.3 : 0.4 },
    },
    {
      ...measure,
      baseline: { name: 'analytics-node', values: sdk },
      goal: { of: 'ratio', bound: 'least', limit: 10 },
    },
  ];
}
