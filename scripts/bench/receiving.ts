import { nowMs } from './program.js';
import { ConnectorProcess } from './connector.js';
import { holdsTransaction } from './queued-jobs.js';
import { findRecvlogical, receiveByLibrary, receiveByRecvlogical, type Stretch } from './recvlogical.js';
import type { Site, Written } from './site.js';
import { cpuSeconds, peakMiB } from './usage.js';
import { until } from './until.js';

/** Milliseconds that one stretch of WAL took, round by round. */
export interface ReceivingTimes {
  readonly connector: number[];
  /** Empty where there is no pg_recvlogical. */
  readonly recvlogical: number[];
  readonly library: number[];
  /** Most memory of the capture process, MiB. */
  readonly peaks: number[];
  /** CPU seconds of the capture process, from the start of streaming on: what a busy machine changes least. */
  readonly cpuSeconds: number[];
  readonly notes: readonly string[];
}

const MARK_LOOK_MS = 4;

/**
 * Reads what was written from each of these slots by all three, turn by turn: pg_recvlogical and the bare library from copies of
 * the slot, then the connector from the slot itself, until Redis holds the last call. Redis is emptied before each turn.
 */
export async function receiveInTurns(
  site: Site,
  slots: readonly string[],
  written: Written,
  onRound: () => Promise<void>,
): Promise<ReceivingTimes> {
  const program = await findRecvlogical();
  const times: ReceivingTimes = {
    connector: [],
    recvlogical: [],
    library: [],
    peaks: [],
    cpuSeconds: [],
    notes:
      program === null
        ? [
            'there is no pg_recvlogical here (Debian: apt-get install postgresql-15): that baseline was skipped',
          ]
        : [],
  };
  for (const slotName of slots) {
    if (program !== null) {
      times.recvlogical.push(
        await fromCopy(site, slotName, written, async (stretch) =>
          receiveByRecvlogical(program, site, stretch),
        ),
      );
    }
    times.library.push(
      await fromCopy(site, slotName, written, async (stretch) => receiveByLibrary(site, stretch)),
    );
    await site.redis.flushall();
    const { ms, peak, cpu } = await capture(site, slotName, written);
    times.connector.push(ms);
    times.peaks.push(peak);
    times.cpuSeconds.push(cpu);
    await onRound();
    await site.dropSlots(slotName);
  }
  return times;
}

async function fromCopy(
  site: Site,
  slotName: string,
  { endLsn }: Written,
  receive: (stretch: Stretch) => Promise<number>,
): Promise<number> {
  const copy = await site.copySlot(slotName);
  const ms = await receive({ slotName: copy, endLsn });
  await site.dropSlots(copy);
  return ms;
}

async function capture(
  site: Site,
  slotName: string,
  { lastTransaction }: Written,
): Promise<{ ms: number; peak: number; cpu: number }> {
  await using connector = ConnectorProcess.start(site, { role: 'capture', slotName });
  const startedMs = await connector.logged('replication stream started');
  const cpuBefore = cpuSeconds(connector.pid);
  await until(
    async () => holdsTransaction(site.redis, 'default', 0, lastTransaction),
    'the last call in Redis',
    {
      everyMs: MARK_LOOK_MS,
      failed: connector.failed,
    },
  );
  const ms = nowMs() - startedMs;
  const peak = peakMiB(connector.pid);
  const cpu = cpuSeconds(connector.pid) - cpuBefore;
  await connector.stop();
  return { ms, peak, cpu };
}
