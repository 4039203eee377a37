import { ConnectorProcess } from './connector.js';
import { expectedOf, type PurchaseSpan } from './expected-purchases.js';
import { judge } from './judge.js';
import type { BenchReceiver, Taken } from './receiver.js';
import type { Site } from './site.js';
import { peakMiB } from './usage.js';

export interface Drained {
  /** From the arrival of the first request to that of the last. */
  readonly ms: number;
  /** Without those of the first request: what arrived within `ms`. */
  readonly events: number;
  readonly taken: Taken;
  readonly findings: readonly string[];
  /** Peak memory of the deliver processes, MiB. */
  readonly peaks: readonly number[];
}

export interface DrainOptions {
  readonly span: PurchaseSpan;
  readonly lanes: number;
  readonly processes?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Lets deliver processes empty Redis into the receiver, which has begun anew, and judges what arrived. */
export async function drain(site: Site, receiver: BenchReceiver, options: DrainOptions): Promise<Drained> {
  const { span, lanes, processes = 1 } = options;
  const expected = expectedOf(span);
  const delivering: ConnectorProcess[] = [];
  let peaks: readonly number[] = [];
  try {
    for (let number = 0; number < processes; number += 1) {
      const env = { LANES: String(lanes), ...options.env };
      delivering.push(
        ConnectorProcess.start(site, {
          role: 'deliver',
          slotName: 'none',
          segmentHost: receiver.url,
          env,
        }),
      );
    }
    await receiver.received(expected.count, Promise.race(delivering.map(({ failed }) => failed)));
    peaks = delivering.map(({ pid }) => peakMiB(pid));
    for (const each of delivering) await each.stop();
  } finally {
    for (const each of delivering) await each[Symbol.asyncDispose]();
  }
  const taken = await receiver.take();
  const first = taken.requests[0];
  const last = taken.requests.at(-1);
  return {
    ms: (last?.atMs ?? 0) - (first?.atMs ?? 0),
    events: taken.messageIds.length - (first?.events ?? 0),
    taken,
    findings: judge(taken.messageIds, expected),
    peaks,
  };
}
