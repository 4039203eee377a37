import type pg from 'pg';

import type { Clock } from '../lifecycle/clock.js';
import type { Arrivals } from './arrivals.js';
import { expectedCalls, type ExpectedCall } from './oracle.js';
import type { Screen } from './screen.js';
import type { RunSummary, Simulator } from './simulator/simulator.js';
import type { RunningConnector } from './start-connector.js';

const REFRESH_MS = 250;
const POLL_MS = 50;
/** Nothing more has arrived for this long: what is missing is missing. */
const NO_PROGRESS_MS = 20_000;
/** When all is there, what is too much may still be on its way. */
const QUIET_MS = 500;

export interface Business {
  readonly seconds: number;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  readonly screen: Screen;
  readonly clock: Clock;
  readonly pool: pg.Pool;
  readonly simulator: Simulator;
  readonly connector: RunningConnector;
  readonly arrivals: Arrivals;
}

/** Lets the brand do business and waits for what follows from it. null: stopped by the signal. */
export async function doBusiness(business: Business): Promise<{ expected: ExpectedCall[] } | null> {
  const { seconds, signal, screen, clock, pool, simulator, connector, arrivals } = business;
  const broken = new AbortController();
  const stop = AbortSignal.any([signal, broken.signal]);
  let failure: Error | null = null;
  void connector.failed.then((error) => {
    failure = error;
    broken.abort();
  });
  const endsAtMs = clock.now() + seconds * 1_000;
  let expected: readonly ExpectedCall[] | null = null;
  const timer = setInterval(() => {
    const nowMs = clock.now();
    const leftSeconds = Math.ceil((endsAtMs - nowMs) / 1_000);
    const phase =
      expected !== null
        ? `${arrivals.missingOf(expected)} to come`
        : leftSeconds > 0
          ? `${leftSeconds} s left`
          : 'closing';
    screen.refresh(nowMs, { commits: simulator.commits, queued: connector.queued(), phase });
  }, REFRESH_MS);
  try {
    const since = await now(pool);
    const summary: RunSummary = await simulator.run(seconds, stop);
    if (!stop.aborted) {
      const found = await askOracle(pool, since);
      expected = found;
      await untilArrived(arrivals, found, connector, clock, stop);
      if (failure === null && !signal.aborted) {
        screen.settle();
        screen.note(
          `${summary.commits} commits and ${summary.rollbacks} roll-backs in ${summary.seconds.toFixed(1)} s. Expected is computed in SQL from the tables.`,
        );
        return { expected: found };
      }
    }
  } finally {
    clearInterval(timer);
  }
  // Widened: assigned in a callback, which the compiler does not follow.
  const ended = failure as Error | null;
  if (ended !== null) throw ended;
  return null;
}

async function now(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ now: string }>('SELECT clock_timestamp()::text AS now');
  return rows[0]?.now ?? '-infinity';
}

async function askOracle(pool: pg.Pool, since: string): Promise<ExpectedCall[]> {
  const connection = await pool.connect();
  try {
    return await expectedCalls(connection, { since, walletsFromEnrolment: true });
  } finally {
    connection.release();
  }
}

/** Until everything expected is there and all is quiet, or nothing has come for a long time. */
async function untilArrived(
  arrivals: Arrivals,
  expected: readonly ExpectedCall[],
  connector: RunningConnector,
  clock: Clock,
  stop: AbortSignal,
): Promise<void> {
  let seen = arrivals.calls.length;
  let progressAtMs = clock.now();
  while (!stop.aborted) {
    const nowMs = clock.now();
    if (arrivals.calls.length !== seen) {
      seen = arrivals.calls.length;
      progressAtMs = nowMs;
    }
    const idleMs = nowMs - progressAtMs;
    if (idleMs >= NO_PROGRESS_MS) return;
    if (idleMs >= QUIET_MS && connector.queued() === 0 && arrivals.missingOf(expected) === 0) return;
    await clock.sleep(POLL_MS, stop);
  }
}
