import { expectedCalls, type ExpectedCall } from '../../src/demo/oracle.js';
import { verify, type Verdict } from '../../src/demo/verify.js';
import { judgeLetters, type LettersJudged } from './letters.js';
import type { Site } from './site.js';

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

/** Which refused calls may be missing. The letters must have been read. */
export function lettersJudged(site: Site, expected: readonly ExpectedCall[]): LettersJudged {
  return judgeLetters({
    refusals: site.poison.refusedAlone,
    arrived: new Set(site.arrivals.calls.map(({ messageId }) => messageId)),
    letters: [...site.letters.held.values()],
    expected,
    mayBeLost: (atMs) => site.letters.mayBeLost(atMs),
  });
}

/**
 * Missing, extra, wrong and out of order. A call that was refused alone may be missing where its letter accounts for it; where
 * it arrived all the same (a gap was recovered after Segment had changed its mind) it had left its place in the order.
 */
export function judged(site: Site, expected: readonly ExpectedCall[], excused: ReadonlySet<string>): Verdict {
  const arrived = new Set(site.arrivals.calls.map(({ messageId }) => messageId));
  const refused = site.poison.refusedAlone;
  const due = expected.flatMap((call) => {
    if (isOutOfReach(site, call)) return [{ ...call, certain: false }];
    if (!refused.has(call.messageId)) return [call];
    if (!arrived.has(call.messageId)) return excused.has(call.messageId) ? [] : [call];
    // A till's repeat of a refused identification has the same id, and a time and balances of its own.
    return [{ ...call, commitKnown: false, certain: false, timestampMs: null, wallets: null }];
  });
  return verify(due, site.arrivals.calls);
}

/**
 * What a slot lost is filled from the tables by when rows say they were posted: one that says otherwise than when it was
 * committed, and is not in the stream either, is out of reach.
 */
function isOutOfReach({ patrons, operator }: Site, call: ExpectedCall): boolean {
  const { accountId, commitAtMs, name } = call;
  if (name !== 'POS Activity' || accountId === null || !patrons.visitors.has(accountId)) return false;
  return operator.recoveries.some(
    ({ committedAfterMs, untilMs }) =>
      commitAtMs === null || (commitAtMs > committedAfterMs && commitAtMs < untilMs),
  );
}
