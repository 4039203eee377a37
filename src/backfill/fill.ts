import type { Knex } from 'knex';
import type { EventSettings } from '../config/source.js';
import { ConnectorError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import type { Mapping } from '../mapping/mapping.js';
import type { LaneName } from '../queue/keys.js';
import { queueLost } from '../queue/queue-lost.js';
import type { LaneMark, QueueSink } from '../queue/queue-sink.js';
import { laneLabel } from '../queue/side-lanes.js';
import type { ListedGuests } from '../suppression/listed-guests.js';
import { backfill, type BackfillObserver, type BackfillStatus } from './backfill.js';
import type { BackfillRequest } from './request.js';
import { begunAgain, finishRun, saveRun, type BackfillRun } from './run-store.js';

/** The backfill lane, and a delivery that serves it whether or not a connector runs. */
export interface BackfillLane {
  openSink(): QueueSink;
  /** Started and closed by turns. */
  readonly delivery: { start(): Promise<void>; close(): Promise<void> };
  /** Jobs waiting and in hand, in the lane and in the live ones. Rejects while Redis does not answer. */
  depth(): Promise<{ readonly backfill: number; readonly live: number }>;
}

export interface FillOptions {
  readonly knex: Knex;
  /** Default: the reference schema. */
  readonly mapping?: Mapping;
  readonly clock: Clock;
  readonly source: EventSettings;
  readonly request: BackfillRequest;
  readonly run: BackfillRun;
  readonly lane: BackfillLane;
  readonly rowsPerSecond: number;
  readonly pageRows?: number;
  /** Jobs in the lane beyond which reading waits: what is queued early is stale when it leaves. Default 20. */
  readonly maxJobs?: number;
  /** Only calls with these message ids. Default: all. */
  readonly only?: ReadonlySet<string>;
  /** As the lane's sinks have them. Default: nobody. */
  readonly listed?: ListedGuests;
  /** Before the first page, once sink and delivery are up. */
  readonly prepare?: (sink: QueueSink, signal: AbortSignal) => Promise<void>;
  readonly observer: FillObserver;
  /** How long queueing what is in hand may take once the signal has aborted. */
  readonly graceMs: number;
}

export interface FillObserver extends BackfillObserver {
  /** Redis lost what was queued: the run begins at its beginning. */
  beginningAgain?(): void;
  /** All is queued; so many jobs are still to be delivered. */
  draining?(jobs: number): void;
}

export interface Filled {
  /** `queued`: everything is in Redis, and not all of it was delivered when the signal came. */
  readonly tag: 'delivered' | 'queued' | 'interrupted';
  readonly status: BackfillStatus;
}

const LOOK_EVERY_MS = 200;
const DEFAULT_MAX_JOBS = 20;

/** A Redis that keeps losing what it confirmed is no queue. */
const ATTEMPTS = 3;

/**
 * Fills the lane with a run's calls and waits until they are delivered. A run whose queued calls Redis has lost begins
 * again: its message ids are the same.
 * @throws ConnectorError QUEUE_LOST when that happens again and again, and those of `backfill`
 */
export async function fill(options: FillOptions, signal: AbortSignal): Promise<Filled> {
  let { run } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fillOnce({ ...options, run }, signal);
    } catch (error) {
      const isLost = error instanceof ConnectorError && error.code === 'QUEUE_LOST';
      if (!isLost || attempt === ATTEMPTS || signal.aborted) throw error;
      run = begunAgain(run);
      options.observer.beginningAgain?.();
    }
  }
}

async function fillOnce(options: FillOptions, signal: AbortSignal): Promise<Filled> {
  const { knex, clock, lane, run, observer, prepare, graceMs } = options;
  const sink = lane.openSink();
  const giveUp = cutAfter(sink, graceMs, signal);
  let status: BackfillStatus = { ...run, reachedUs: null, firstUs: null };
  try {
    await Promise.all([sink.start(), lane.delivery.start()]);
    await sink.compareWithCheckpoint(run.lanes);
    await prepare?.(sink, signal);
    const maxJobs = options.maxJobs ?? DEFAULT_MAX_JOBS;
    const filled = await backfill(
      {
        ...options,
        span: run.span,
        from: run,
        sink,
        save: async (progress) => saveRun(knex, run.id, { ...progress, lanes: sink.laneSnapshot() }),
        untilRoom: async (ended) => {
          await untilJobs(lane, clock, maxJobs, ended);
        },
        observer: {
          ...observer,
          page: (reached) => {
            status = reached;
            observer.page?.(reached);
          },
        },
      },
      signal,
    );
    status = filled.status;
    if (!filled.done) return { tag: 'interrupted', status };
    const drained = await untilJobs(lane, clock, 0, signal, (jobs) => observer.draining?.(jobs));
    if (!drained) return { tag: 'queued', status };
    await requireDelivered(sink);
    await finishRun(knex, run.id);
    return { tag: 'delivered', status };
  } catch (error) {
    // The sink was closed for the grace was over: the page in hand is read again by the next process.
    if (signal.aborted) return { tag: 'interrupted', status };
    throw error;
  } finally {
    giveUp.end();
    await sink.close();
    await lane.delivery.close();
  }
}

/** An emptied Redis holds no jobs either. @throws ConnectorError QUEUE_LOST */
async function requireDelivered(sink: QueueSink): Promise<void> {
  const delivered = await sink.delivered();
  for (const [lane, queued] of Object.entries(sink.laneSnapshot()) as [LaneName, LaneMark][]) {
    const seq = delivered[lane]?.seq ?? 0;
    if (seq >= queued.seq) continue;
    const [source = '', number = ''] = lane.split('/');
    throw queueLost(source, laneLabel(Number(number)), { seq, mark: null }, queued);
  }
}

/** True as soon as the lane holds no more jobs than that; false when the signal came first. */
async function untilJobs(
  lane: BackfillLane,
  clock: Clock,
  most: number,
  signal: AbortSignal,
  onWaiting?: (jobs: number) => void,
): Promise<boolean> {
  while (!signal.aborted) {
    const jobs = await jobsOf(lane);
    if (jobs !== null && jobs <= most) return true;
    if (jobs !== null) onWaiting?.(jobs);
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
  return false;
}

/** Null while Redis does not answer. */
async function jobsOf(lane: BackfillLane): Promise<number | null> {
  try {
    return (await lane.depth()).backfill;
  } catch {
    // Its client reconnects by itself and the sink says so; the next look asks again.
    return null;
  }
}

/** Waits until nothing is queued in the live lanes: what was captured before comes first. */
export async function untilLiveDelivered(
  lane: BackfillLane,
  clock: Clock,
  signal: AbortSignal,
  onWaiting: (jobs: number) => void,
): Promise<void> {
  const live: BackfillLane = {
    ...lane,
    depth: async () => ({ backfill: (await lane.depth()).live, live: 0 }),
  };
  await untilJobs(live, clock, 0, signal, onWaiting);
}

function cutAfter(sink: QueueSink, graceMs: number, signal: AbortSignal): { end(): void } {
  let timer: NodeJS.Timeout | null = null;
  const begin = (): void => {
    timer = setTimeout(() => void sink.close(), graceMs);
  };
  signal.addEventListener('abort', begin, { once: true });
  if (signal.aborted) begin();
  return {
    end: () => {
      signal.removeEventListener('abort', begin);
      if (timer !== null) clearTimeout(timer);
    },
  };
}
