import { fillBacklog } from './backlog.js';
import { drain } from './draining.js';
import type { FigureResult } from './measure.js';
import { queuedJobs } from './queued-jobs.js';
import { BenchReceiver } from './receiver.js';
import { scaled, type Setting } from './setting.js';
import { Site } from './site.js';

const EVENTS = 1_000_000;
const ACCOUNTS = 50_000;

/** A million events in Redis: what do they take there, and what do the processes take that queued and that send them? One round. */
export async function measureMemory(setting: Setting): Promise<FigureResult> {
  const events = scaled(setting, EVENTS, 10_000);
  const accounts = scaled(setting, ACCOUNTS, 1_000);
  await using site = await Site.open(setting, { accounts });
  await using receiver = await BenchReceiver.start();
  await site.redis.flushall();
  const empty = await usedBytes(site);
  const span = { from: 0, to: events / 2, accounts };
  const backlog = await fillBacklog(site, { span, restorable: false });
  const used = (await usedBytes(site)) - empty;
  let jsonBytes = 0;
  for await (const calls of queuedJobs(site.redis, 'default', 0)) {
    for (const { json } of calls) jsonBytes += Buffer.byteLength(json);
  }
  await receiver.begin();
  const drained = await drain(site, receiver, { span, lanes: 1 });
  const memory = { unit: 'MiB', baseline: null, goal: { of: 'value', bound: 'most', limit: 250 } } as const;
  return {
    measures: [
      {
        what: 'Redis an event',
        unit: 'bytes',
        values: [used / events],
        baseline: { name: 'its JSON', values: [jsonBytes / events] },
        goal: { of: 'value', bound: 'most', limit: 300 },
      },
      { ...memory, what: 'peak of capture', values: [backlog.capturePeakMiB] },
      { ...memory, what: 'peak of deliver', values: drained.peaks },
    ],
    findings: drained.findings,
    notes: [`${events} events; one round`],
  };
}

async function usedBytes(site: Site): Promise<number> {
  const [, bytes] = /^used_memory:(\d+)/m.exec(await site.redis.info('memory')) ?? [];
  return Number(bytes);
}
