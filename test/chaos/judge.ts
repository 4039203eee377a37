import { expectedCalls, type ExpectedCall } from '../../src/demo/oracle.js';
import { verify, type Verdict } from '../../src/demo/verify.js';
import type { Doubles } from './fault.js';
import { onRedis } from './faults/redis.js';
import type { Site } from './site.js';

const MIB = 1_048_576;
/** Nothing has arrived for so long: what is missing is missing. A refused source is tried again each minute only. */
const NO_PROGRESS_MS = 100_000;
const POLL_MS = 500;

/** What the tables imply, once all of it has arrived or nothing more comes. */
export async function settledExpectation(site: Site): Promise<readonly ExpectedCall[]> {
  const connection = await site.pool.connect();
  let expected: readonly ExpectedCall[];
  try {
    expected = await expectedCalls(connection, { since: site.since, walletsFromEnrolment: true });
  } finally {
    connection.release();
  }
  let seen = -1;
  let progressAtMs = Date.now();
  for (;;) {
    const arrived = site.arrivals.calls.length;
    if (arrived !== seen) {
      seen = arrived;
      progressAtMs = Date.now();
    }
    const refused = site.poison.refusedAlone;
    const due = expected.filter(({ messageId }) => !refused.has(messageId));
    if (site.arrivals.missingOf(due) === 0 || Date.now() - progressAtMs > NO_PROGRESS_MS) return expected;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * Missing, extra, wrong and out of order. A call that was refused alone may be missing; where it arrived all the same (a gap
 * was recovered after Segment had changed its mind) it had left its place in the order.
 */
export function judged(site: Site, expected: readonly ExpectedCall[]): Verdict {
  const arrived = new Set(site.arrivals.calls.map(({ messageId }) => messageId));
  const refused = site.poison.refusedAlone;
  const due = expected.flatMap((call) => {
    if (!refused.has(call.messageId)) return [call];
    // A till's repeat of a refused identification has the same id, and a time and balances of its own.
    const leftItsPlace = { commitKnown: false, certain: false, timestampMs: null, wallets: null };
    return arrived.has(call.messageId) ? [{ ...call, ...leftItsPlace }] : [];
  });
  return verify(due, site.arrivals.calls);
}

/** A request holds a tenth of the limit; two processes may have one in flight, and a second before they notice. */
const CALLS_OF_A_REQUEST = 100;
const REQUESTS_IN_DOUBT = 4;

/** The most raw duplicates that the faults explain. */
export function mayBeDoubled(
  struck: readonly { readonly doubles: Doubles; readonly backlog: number }[],
): number {
  return struck.reduce((sum, { doubles, backlog }) => {
    switch (doubles) {
      case 'none':
        return sum;
      case 'request':
        return sum + REQUESTS_IN_DOUBT * CALLS_OF_A_REQUEST;
      case 'backlog':
      case 'margin':
        return sum + backlog;
      default:
        return doubles satisfies never;
    }
  }, 0);
}

/** What the fleet leaves behind once it has ended, in words; empty when it is as it should be. */
export async function leftovers(site: Site): Promise<string[]> {
  const found: string[] = [];
  const { rows } = await site.pool.query<{ name: string; active: boolean; retained: string }>(
    `SELECT slot_name AS name, active, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint AS retained FROM pg_replication_slots`,
  );
  for (const { name, active } of rows) {
    if (name !== site.slotName && name !== `${site.slotName}_replay`) found.push(`slot ${name}`);
    if (active) found.push(`slot ${name} is active`);
  }
  if (!rows.some(({ name }) => name === site.slotName)) found.push('the slot is gone');
  const connections = await site.pool.query<{ name: string }>(
    `SELECT application_name AS name FROM pg_stat_activity WHERE application_name LIKE 'paytronix%'`,
  );
  for (const { name } of connections.rows) found.push(`database connection of ${name}`);
  const prepared = await site.pool.query('SELECT gid FROM pg_prepared_xacts');
  if (prepared.rowCount !== 0) found.push('a prepared transaction of the run itself');
  found.push(...(await onRedis(site, async (client) => keysLeft(await client.keys('*')))));
  return found;
}

/** Keys of queues, lanes and books that an idle installation has; dead letters are kept on purpose. */
const EXPECTED_KEYS = [
  /^paytronix:segment\/default\/\d+:(meta|id|events|marker|stalled-check|metrics.*|prioritized|pc)$/,
  /^paytronix:segment\/default\/dead-letters:/,
  /^paytronix:(lane|lanes|rate|letters|suppressed|tally|counted|delivery-note)/,
];

function keysLeft(keys: readonly string[]): string[] {
  return keys
    .filter((key) => !EXPECTED_KEYS.some((pattern) => pattern.test(key)))
    .map((key) => `redis key ${key}`);
}

/** Resident bytes of processes that lived long enough to tell: they must not grow. */
export function memoryFindings(
  rss: readonly { readonly member: string; readonly bytes: readonly number[] }[],
): {
  readonly mostBytes: number;
  readonly findings: readonly string[];
} {
  const findings: string[] = [];
  let mostBytes = 0;
  for (const { member, bytes } of rss) {
    const most = Math.max(0, ...bytes);
    mostBytes = Math.max(mostBytes, most);
    if (most > MOST_BYTES) findings.push(`${member} held ${mebibytes(most)}: ${seriesOf(bytes)}`);
    if (bytes.length < SAMPLES_THAT_TELL) continue;
    const third = Math.floor(bytes.length / 3);
    const [middle, last] = [median(bytes.slice(third, 2 * third)), median(bytes.slice(2 * third))];
    if (last > middle * MOST_GROWTH && last > WARM_BYTES) {
      findings.push(`${member} grew from ${mebibytes(middle)} to ${mebibytes(last)}: ${seriesOf(bytes)}`);
    }
  }
  return { mostBytes, findings };
}

const SAMPLES_THAT_TELL = 18;
const MOST_GROWTH = 1.35;
/** Where processes level off: what grows below it is warming up. */
const WARM_BYTES = 220 * MIB;
const MOST_BYTES = 320 * MIB;

function seriesOf(bytes: readonly number[]): string {
  return bytes.map((each) => Math.round(each / MIB)).join(' ');
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
