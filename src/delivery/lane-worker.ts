import { WaitingError, type Job, type Worker } from 'bullmq';
import type { ErrorCode } from '../errors/codes.js';
import { ConnectorError, toError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import { EitherSignal } from '../lifecycle/either-signal.js';
import { failpoint } from '../lifecycle/failpoint.js';
import type { DrainEnd } from '../lifecycle/shutdown.js';
import type { DeadLetters } from '../queue/dead-letters.js';
import type { DecodedJob, JobReader, QueuedCall } from '../queue/job.js';
import { originOfJobId } from '../queue/job-id.js';
import { readLaneJob } from '../queue/lane-job.js';
import { jobKeyPrefix, laneQueueName, laneStateKey } from '../queue/keys.js';
import {
  finishJob,
  placeOf,
  readProgress,
  reportHole,
  saveProgress,
  type JobLock,
} from '../queue/lane-progress.js';
import { openQueue } from '../queue/lane-queue.js';
import { cutRedis, type RedisClient } from '../queue/redis.js';
import { isSideLane } from '../queue/side-lanes.js';
import { countOutsideSequence, tallyTarget, type TallyTarget } from '../queue/tally-box.js';
import { channelOfLane, PendingTally } from '../queue/tally.js';
import { AnyDataWorker } from './any-data-worker.js';
import type { JobSender, Refusal } from './job-sender.js';
import { foreignLetter, refusedLetter } from './letters.js';
import { LockWatch } from './lock-watch.js';
import type { DeliveryObserver } from './observer.js';
import { Standstill } from './standstill.js';

/** Short, so that the lane of a killed worker goes on within some ten seconds. */
export interface LockTiming {
  /** Default 6,000. */
  readonly lockDurationMs: number;
  /** Default 2,000. */
  readonly stalledIntervalMs: number;
}

export const DEFAULT_LOCK_TIMING: LockTiming = { lockDurationMs: 6_000, stalledIntervalMs: 2_000 };

export interface LaneWorkerOptions {
  readonly source: string;
  readonly lane: number;
  readonly client: RedisClient;
  readonly prefix: string;
  readonly sender: JobSender;
  readonly letters: DeadLetters;
  readonly timing: LockTiming;
  /** How long a lane that must stand still waits before it looks again. */
  readonly probeIntervalMs: number;
  /** By version of the job format. Default: this release's. */
  readonly readers?: ReadonlyMap<number, JobReader>;
  readonly clock: Clock;
  readonly observer: DeliveryObserver;
}

/** What becomes of the job in hand. */
type Verdict =
  | { readonly tag: 'complete' }
  /** Back to the head of its lane. */
  | { readonly tag: 'give_back' }
  /** Back to the head, and the lane stands still. */
  | { readonly tag: 'stand_still'; readonly code: ErrorCode; readonly detail: string }
  /** Another worker has it. */
  | { readonly tag: 'lost' };

class LockLost extends Error {}

const RUN_RETRY_MS = 500;
/** Seen so often in a row it is no job that is merely still in another process' hands. */
const HOLE_PROBES = 3;
/**
 * How often an idle worker looks without being woken. BullMQ wakes nobody when a worker that is closing completes its last
 * job, so this is how soon the lane goes on elsewhere then.
 */
const IDLE_LOOK_SECONDS = 1;

/**
 * Works on one lane: one job at a time over all processes, in order.
 *
 * A job leaves the lane in one way only, completed after all its calls were dealt with. In every other case it stays:
 * it goes back to the head (end of process, hole, newer format, defect) or passes to the worker that has its lock now.
 * An error must never reach BullMQ, which would move the job to its failed ones and so tear a hole.
 */
export class LaneWorker {
  readonly #options: LaneWorkerOptions;
  readonly #stateKey: string;
  readonly #jobPrefix: string;
  readonly #tally: TallyTarget;
  readonly #closing = new AbortController();
  readonly #abort = new AbortController();
  readonly #worker: Worker;
  readonly #standstill: Standstill;
  #running: Promise<void> | null = null;
  #inHand = false;
  #holesInARow = 0;

  constructor(options: LaneWorkerOptions) {
    this.#options = options;
    const { client, prefix, source, lane, timing, observer } = options;
    this.#stateKey = laneStateKey(prefix, source, lane);
    this.#tally = tallyTarget(prefix, source, channelOfLane(lane));
    this.#jobPrefix = jobKeyPrefix(prefix, laneQueueName(source, lane));
    this.#worker = new AnyDataWorker(
      laneQueueName(source, lane),
      async (job, token) => this.#process(job, token),
      {
        connection: client,
        prefix,
        autorun: false,
        concurrency: 1,
        lockDuration: timing.lockDurationMs,
        stalledInterval: timing.stalledIntervalMs,
        // A lane whose worker was killed a hundred times must still go on.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        removeOnComplete: { count: 0 },
        runRetryDelay: RUN_RETRY_MS,
        drainDelay: IDLE_LOOK_SECONDS,
        skipVersionCheck: true,
      },
    );
    this.#worker.on('completed', () => failpoint('job-completed'));
    this.#worker.on('error', (error) => observer.connectionError?.(error));
    const { clock, probeIntervalMs } = options;
    const common = { source, lane, observer, clock, probeIntervalMs };
    this.#standstill = new Standstill({ ...common, closing: this.#closing.signal, worker: this.#worker });
  }

  async start(): Promise<void> {
    const { client, prefix, source, lane, observer } = this.#options;
    const onError = (error: Error): void => observer.connectionError?.(error);
    const queue = openQueue(laneQueueName(source, lane), { client, prefix, onError });
    await queue.setGlobalConcurrency(1);
    await queue.close();
    if (this.#closing.signal.aborted) return;
    this.#running = this.#worker.run().catch((error: unknown) => this.#defect(toError(error)));
  }

  /**
   * Takes no further job; resolves when the one in hand is completed or given back. After `graceMs` its request is cut:
   * whether it arrived is not known then.
   */
  async close(graceMs: number): Promise<DrainEnd> {
    this.#closing.abort();
    let end: DrainEnd = 'drained';
    const timer = setTimeout(() => {
      if (this.#inHand) end = 'cut-short';
      this.#abort.abort();
    }, graceMs);
    await this.#worker.close();
    clearTimeout(timer);
    await this.#running;
    return end;
  }

  /** Ends the waiting of a worker that is closing: Redis does not answer. */
  cut(): void {
    this.#abort.abort();
    // Its own connection, on which it waits for jobs: the other one is the caller's.
    this.#worker.backend.blockingClient?.then(
      (client) => cutRedis(client),
      (error: unknown) => this.#defect(toError(error)),
    );
  }

  #defect(error: Error): void {
    this.#options.observer.laneError?.(this.#options.source, this.#options.lane, error);
  }

  async #process(job: Job<unknown>, token = ''): Promise<void> {
    failpoint('job-taken');
    this.#inHand = true;
    const verdict = await this.#handle(job, { key: `${this.#jobPrefix}${job.id ?? ''}:lock`, token });
    this.#inHand = false;
    const { source, lane, observer } = this.#options;
    switch (verdict.tag) {
      case 'complete':
        return;
      case 'lost':
        observer.lockLost?.(source, lane);
        throw new WaitingError();
      case 'stand_still':
        await this.#standstill.begin(verdict.code, verdict.detail);
        break;
      case 'give_back':
        break;
      default: {
        const never: never = verdict;
        throw new RangeError(`unknown verdict ${JSON.stringify(never)}`);
      }
    }
    try {
      await job.moveToWait(token);
      failpoint('job-given-back');
    } catch (error) {
      // The lock is gone, so the job is on its way back to the head without this worker.
      this.#defect(toError(error));
    }
    throw new WaitingError();
  }

  async #handle(job: Job<unknown>, lock: JobLock): Promise<Verdict> {
    using watch = new LockWatch(this.#worker, job.id ?? '', this.#options.timing.lockDurationMs);
    try {
      return await this.#deliver(job, lock, watch.signal);
    } catch (error) {
      if (error instanceof LockLost || watch.signal.aborted) return { tag: 'lost' };
      this.#defect(toError(error));
      if (this.#closing.signal.aborted) return { tag: 'give_back' };
      const code = error instanceof ConnectorError ? error.code : 'QUEUE_UNAVAILABLE';
      return { tag: 'stand_still', code, detail: toError(error).message };
    }
  }

  async #deliver(job: Job<unknown>, lock: JobLock, lost: AbortSignal): Promise<Verdict> {
    const { source, lane, client, sender, clock, observer } = this.#options;
    const decoded = readLaneJob(job.id ?? '', job.data, this.#options.readers);
    if (decoded.tag === 'newer') {
      return { tag: 'stand_still', code: 'JOB_FORMAT_NEWER', detail: `format version ${decoded.version}` };
    }
    if (decoded.tag === 'foreign') return this.#setJobAside(job, lock, decoded);
    const { data, calls } = decoded;
    const progress = await readProgress(client, this.#stateKey);
    const place = placeOf(data, progress);
    if (place.tag === 'delivered' || place.tag === 'superseded') {
      observer.skippedJob?.(source, lane, place.tag);
      return { tag: 'complete' };
    }
    if (place.tag === 'hole') {
      this.#holesInARow += 1;
      if (this.#holesInARow >= HOLE_PROBES) await reportHole(client, this.#stateKey, data, place.expectedSeq);
      const detail = `job ${data.seq} came where ${place.expectedSeq} was expected`;
      return { tag: 'stand_still', code: 'QUEUE_HOLE', detail };
    }
    this.#holesInARow = 0;
    this.#standstill.end();
    const sequenced = place.tag === 'next';
    const pending = new PendingTally(this.#tally.channel, isSideLane(lane) ? data.epoch : progress.run);
    const count = { target: this.#tally, pending };
    using abort = new EitherSignal(lost, this.#abort.signal);
    const end = await sender.send({
      calls,
      start: sequenced ? place.doneCalls : 0,
      queuedAtMs: data.queuedAtMs,
      closing: this.#closing.signal,
      abort: abort.signal,
      saveProgress: async (done) => {
        if (!sequenced) return;
        const { seq, epoch } = data;
        held(await saveProgress(client, this.#stateKey, lock, { seq, epoch, calls: done }, count));
        pending.clear();
        failpoint('progress-saved');
      },
      setAside: async (call, refusal) => this.#setCallAside(call, refusal),
      onDelivered: (delivered) => pending.delivered(delivered),
      onSuppressed: (suppressed) => pending.suppressed(suppressed),
    });
    if (end === 'interrupted') return lost.aborted ? { tag: 'lost' } : { tag: 'give_back' };
    if (sequenced) {
      const { seq, epoch, last: position, body } = data;
      const finished = { seq, epoch, position, atMs: clock.now(), bodyBytes: body.length };
      if (!(await finishJob(client, this.#stateKey, lock, finished, count))) {
        // Sent for a lane that was begun anew meanwhile: its calls come again, with the same message ids.
        const now = placeOf(data, await readProgress(client, this.#stateKey));
        held(now.tag === 'superseded');
      }
    } else {
      held(await countOutsideSequence(client, lock, this.#tally, pending));
    }
    failpoint('job-finished');
    return { tag: 'complete' };
  }

  async #setCallAside(call: QueuedCall, refusal: Refusal): Promise<void> {
    const { source, letters, clock, observer } = this.#options;
    await letters.add(refusedLetter(source, call, refusal, clock.now()));
    failpoint('letter-stored');
    observer.deadLettered?.(source, call.name, 'refused');
  }

  /**
   * What is none of ours must not block the lane. A broken job of ours passes the place it was made for, and only that:
   * a place passed for anything else would make the job it belongs to look as though it had been delivered.
   */
  async #setJobAside(
    job: Job<unknown>,
    lock: JobLock,
    foreign: Extract<DecodedJob, { tag: 'foreign' }>,
  ): Promise<Verdict> {
    const { source, letters, clock, client, observer } = this.#options;
    const atMs = clock.now();
    // Ids given by hand may come again with other data.
    const messageId = `foreign-${laneQueueName(source, this.#options.lane)}-${job.id ?? ''}-${job.timestamp}`;
    await letters.add(foreignLetter({ source, messageId, detail: foreign.reason, data: job.data, atMs }));
    observer.deadLettered?.(source, 'foreign_job', 'foreign_job');
    const origin = originOfJobId(job.id ?? '');
    if (origin?.tag !== 'lane' || origin.seq !== foreign.seq) return { tag: 'complete' };
    if (placeOf(origin, await readProgress(client, this.#stateKey)).tag === 'next') {
      const { seq, epoch } = origin;
      const passed = { seq, epoch, position: '0/0', atMs, bodyBytes: 0 };
      const nothing = { target: this.#tally, pending: new PendingTally(this.#tally.channel, 0) };
      held(await finishJob(client, this.#stateKey, lock, passed, nothing));
    }
    return { tag: 'complete' };
  }
}

function held(lockHeld: boolean): void {
  if (!lockHeld) throw new LockLost();
}
