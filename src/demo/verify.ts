import type { ExpectedCall, ExpectedName, ExpectedWallet } from './oracle.js';
import type { ReceivedCall, ReceivedWallet } from './received-call.js';

/** In the order of a table: the nine events as they are sent within a commit, then Segment's identify call. */
export const CALL_NAMES: readonly ExpectedName[] = [
  'Loyalty Registration',
  'Web Registration',
  'Check-In',
  'Identify Customer',
  'POS Activity',
  'Add/Redeem',
  'Recharge Value',
  'Referral',
  'Survey Completion',
  'identify',
];

/** Counts are of message ids, but for `again`, which counts deliveries. */
export interface Tally {
  readonly expected: number;
  readonly received: number;
  readonly missing: number;
  readonly extra: number;
  /** Deliveries beyond the rows that imply them: at-least-once delivery, which Segment drops by message id. */
  readonly again: number;
  /** Other balances, time, account or user than the tables give. */
  readonly wrong: number;
  /** First arrivals before one of the same account that was committed, or ranks, earlier. */
  readonly outOfOrder: number;
  /** Milliseconds from the commit of the first row that implies the call to its first receipt; null without any. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface Finding {
  readonly kind: 'missing' | 'extra' | 'wrong' | 'out of order';
  readonly name: string;
  readonly messageId: string;
  /** What differs; empty where the kind says it. */
  readonly detail: string;
}

export interface Verdict {
  readonly byName: ReadonlyMap<string, Tally>;
  readonly total: Tally;
  readonly findings: readonly Finding[];
  /** Nothing missing, extra, wrong or out of order. Deliveries beyond the rows are allowed. */
  readonly ok: boolean;
}

export interface VerifyOptions {
  /** The user id of a registered guest's call. Default: the account id, as the connector's default strategy. */
  readonly userIdOf?: (call: ExpectedCall) => string | null;
}

interface Arrival {
  readonly call: ReceivedCall;
  /** Place in the order of first arrivals. */
  readonly place: number;
  deliveries: number;
}

/**
 * Compares what the committed rows imply, in the order `expectedCalls` gives, with what arrived, in arrival order. Of a
 * call that may rightly be missing nothing is expected, but what arrives of it must be right.
 */
export function verify(
  expected: readonly ExpectedCall[],
  received: readonly ReceivedCall[],
  options: VerifyOptions = {},
): Verdict {
  const arrivals = firstArrivals(received);
  const ids = new Set(expected.map(({ messageId }) => messageId));
  const findings: Finding[] = [];
  const counters = new Map<string, Counter>(CALL_NAMES.map((name) => [name, new Counter()]));
  const counterOf = (name: string): Counter => {
    const known = counters.get(name);
    if (known !== undefined) return known;
    const made = new Counter();
    counters.set(name, made);
    return made;
  };
  const userIdOf = options.userIdOf ?? ((call: ExpectedCall) => call.accountId);

  for (const call of expected) {
    const counter = counterOf(call.name);
    const arrival = arrivals.get(call.messageId);
    if (arrival === undefined) {
      if (!call.certain) continue;
      counter.expected += 1;
      counter.missing += 1;
      findings.push({ kind: 'missing', name: call.name, messageId: call.messageId, detail: '' });
      continue;
    }
    counter.expected += 1;
    counter.received += 1;
    counter.again += Math.max(0, arrival.deliveries - call.rows);
    if (call.commitKnown && call.commitAtMs !== null)
      counter.latencies.push(arrival.call.arrivedAtMs - call.commitAtMs);
    const detail = differences(call, arrival.call, userIdOf(call));
    if (detail.length === 0) continue;
    counter.wrong += 1;
    findings.push({ kind: 'wrong', name: call.name, messageId: call.messageId, detail: detail.join('; ') });
  }
  for (const [messageId, { call, deliveries }] of arrivals) {
    if (ids.has(messageId)) continue;
    const counter = counterOf(call.name);
    counter.received += 1;
    counter.extra += 1;
    counter.again += deliveries - 1;
    findings.push({ kind: 'extra', name: call.name, messageId, detail: '' });
  }
  for (const { call, overtaken } of overtaking(expected, arrivals)) {
    counterOf(call.name).outOfOrder += 1;
    findings.push({
      kind: 'out of order',
      name: call.name,
      messageId: call.messageId,
      detail: `account ${call.accountKey}: came before ${overtaken}`,
    });
  }
  const total = Counter.sum([...counters.values()]);
  return {
    byName: new Map([...counters].map(([name, counter]) => [name, counter.tally()])),
    total: total.tally(),
    findings,
    ok: findings.length === 0,
  };
}

function firstArrivals(received: readonly ReceivedCall[]): Map<string, Arrival> {
  const arrivals = new Map<string, Arrival>();
  for (const call of received) {
    const known = arrivals.get(call.messageId);
    if (known === undefined) arrivals.set(call.messageId, { call, place: arrivals.size, deliveries: 1 });
    else known.deliveries += 1;
  }
  return arrivals;
}

/** Calls that arrived before one of the same account expected earlier, with the id of that one. */
function overtaking(
  expected: readonly ExpectedCall[],
  arrivals: ReadonlyMap<string, Arrival>,
): { readonly call: ExpectedCall; readonly overtaken: string }[] {
  const late: { call: ExpectedCall; overtaken: string }[] = [];
  const furthest = new Map<string, { place: number; messageId: string }>();
  for (const call of expected) {
    const { accountKey, messageId, commitKnown } = call;
    const place = arrivals.get(messageId)?.place;
    if (place === undefined || !commitKnown) continue;
    const before = furthest.get(accountKey);
    if (before !== undefined && place < before.place) late.push({ call, overtaken: before.messageId });
    else furthest.set(accountKey, { place, messageId });
  }
  return late;
}

function differences(expected: ExpectedCall, received: ReceivedCall, userId: string | null): string[] {
  const found: string[] = [];
  if (received.name !== expected.name) found.push(`name ${received.name}`);
  if (received.accountId !== expected.accountId) found.push(`account ${received.accountId ?? 'none'}`);
  const expectedUser = expected.registered ? userId : null;
  if (expected.certain && received.userId !== expectedUser) {
    found.push(expectedUser === null ? 'has a userId' : 'has not the userId of its guest');
  }
  if (expected.timestampMs !== null && received.timestampMs !== expected.timestampMs) {
    found.push(`timestamp off by ${(received.timestampMs ?? Number.NaN) - expected.timestampMs} ms`);
  }
  if (received.clockSuspect !== expected.clockSuspect) found.push(`clock_suspect ${received.clockSuspect}`);
  if (expected.wallets !== null) found.push(...walletDifferences(expected.wallets, received.wallets ?? []));
  return found;
}

function walletDifferences(
  expected: readonly ExpectedWallet[],
  received: readonly ReceivedWallet[],
): string[] {
  const found: string[] = [];
  const codes = new Set(received.map(({ walletCode }) => walletCode));
  const present = expected.filter(({ walletCode, mayBeAbsent }) => !mayBeAbsent || codes.has(walletCode));
  const order = present.map(({ walletCode }) => walletCode).join();
  if (order !== received.map(({ walletCode }) => walletCode).join()) return [`wallets not ${order}`];
  for (const [index, { walletCode, balance }] of present.entries()) {
    const seen = received[index]?.balance ?? null;
    if (seen !== Number(balance)) found.push(`wallet ${walletCode} is ${seen ?? 'null'}, not ${balance}`);
  }
  return found;
}

class Counter {
  expected = 0;
  received = 0;
  missing = 0;
  extra = 0;
  again = 0;
  wrong = 0;
  outOfOrder = 0;
  readonly latencies: number[] = [];

  static sum(counters: readonly Counter[]): Counter {
    const total = new Counter();
    for (const counter of counters) {
      total.expected += counter.expected;
      total.received += counter.received;
      total.missing += counter.missing;
      total.extra += counter.extra;
      total.again += counter.again;
      total.wrong += counter.wrong;
      total.outOfOrder += counter.outOfOrder;
      for (const latency of counter.latencies) total.latencies.push(latency);
    }
    return total;
  }

  tally(): Tally {
    const sorted = this.latencies.toSorted((a, b) => a - b);
    const { expected, received, missing, extra, again, wrong, outOfOrder } = this;
    return {
      expected,
      received,
      missing,
      extra,
      again,
      wrong,
      outOfOrder,
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
    };
  }
}

/** Nearest rank. */
function percentile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}
