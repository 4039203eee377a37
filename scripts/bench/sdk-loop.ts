/**
 * Sends the calls of ready-made bodies by Segment's SDK at its best safe setting: as many calls a batch as its requests hold without
 * being refused for their size, and the next batch only when the last was answered, for order.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Analytics } from '@segment/analytics-node';
import { nowMs, programArguments, tellTimes } from './program.js';

/** Of 2.7 kB: some 430 kB of the 500 kB that Segment takes. */
const CALLS_A_BATCH = 150;

const { file, url, writeKey, events } = programArguments<'file' | 'url' | 'writeKey' | 'events'>();
type Call = Parameters<Analytics['track']>[0] & { type: string };
const calls: Call[] = [];
for await (const line of createInterface({ input: createReadStream(file) })) {
  if (calls.length >= Number(events)) break;
  calls.push(...(JSON.parse(line) as { batch: Call[] }).batch);
}
calls.length = Math.min(calls.length, Number(events));
const analytics = new Analytics({
  writeKey,
  host: url,
  path: '/v1/batch',
  flushAt: CALLS_A_BATCH,
  flushInterval: 30_000,
});
const failures: unknown[] = [];
analytics.on('error', (error) => failures.push(error));
const startedMs = nowMs();
for (let at = 0; at < calls.length; at += CALLS_A_BATCH) {
  for (const { type: _, ...call } of calls.slice(at, at + CALLS_A_BATCH)) analytics.track(call);
  await analytics.flush();
}
const endedMs = nowMs();
if (failures.length > 0) throw new Error(`the SDK failed ${failures.length} times`);
tellTimes({ startedMs, endedMs });
