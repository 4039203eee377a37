import { Backoff } from '../lifecycle/backoff.js';
import type { Clock } from '../lifecycle/clock.js';
import { EitherSignal } from '../lifecycle/either-signal.js';
import { failpoint } from '../lifecycle/failpoint.js';
import type { QueuedCall } from '../queue/job.js';
import { BisectCursor } from './bisect.js';
import type { DeliveryObserver } from './observer.js';
import { classify, type Outcome } from './outcome.js';
import type { Limiter } from './rate-limiter.js';
import { callsThatFit, maxCallsPerRequest, RoundTrip } from './request-plan.js';
import type { SegmentClient } from './segment-client.js';
import type { SourceGate } from './source-gate.js';

export interface JobSenderOptions {
  readonly source: string;
  readonly lane: number;
  readonly client: SegmentClient;
  readonly limiter: Limiter;
  readonly gate: SourceGate;
  readonly clock: Clock;
  readonly observer: DeliveryObserver;
  /** Which of these guests nothing may be sent of. Asked before every request. */
  readonly suppressedAmong: (guestIds: readonly string[]) => Promise<ReadonlySet<string>>;
}

export type Refusal = Extract<Outcome, { tag: 'refused' }>;

/** What a job is sent with: its calls from `start` on, and where its progress goes. */
export interface JobContext {
  readonly calls: readonly QueuedCall[];
  readonly start: number;
  readonly queuedAtMs: number;
  /** Stop after the request in flight. */
  readonly closing: AbortSignal;
  /** Stop now: the lock is lost, or the time to close is up. */
  readonly abort: AbortSignal;
  /** Segment has taken these. They count once the progress past them is saved. */
  readonly onDelivered: (calls: readonly QueuedCall[]) => void;
  /** These were passed over, because nothing may be sent of their guests; may be said again of the same ones. */
  readonly onSuppressed: (calls: readonly QueuedCall[]) => void;
  /** The calls before `done` need not be sent again. Called after each request but the job's last. */
  readonly saveProgress: (done: number) => Promise<void>;
  /** Resolves when the call is durably set aside. */
  readonly setAside: (call: QueuedCall, refusal: Refusal) => Promise<void>;
}

/** Refused in a row, over jobs, with nothing delivered between: then it is not the events. */
const MAX_REFUSED_IN_A_ROW = 20;
/** After waiting longer than this for the limit or a pause, guests may have been suppressed meanwhile. */
const RECHECK_AFTER_MS = 1_000;
/** How many single calls a probe tries after everything had been refused: the first may be at fault itself. */
const PROBE_CALLS = 3;

/**
 * Sends the calls of one job in order, in requests as large as the limit allows, until each is delivered, suppressed or
 * set aside. Retrying happens here and not by the queue, whose retry would put the job behind its successors.
 */
export class JobSender {
  readonly #options: JobSenderOptions;
  readonly #roundTrip = new RoundTrip();
  #refusedInARow = 0;

  constructor(options: JobSenderOptions) {
    this.#options = options;
  }

  async send(job: JobContext): Promise<'done' | 'interrupted'> {
    try {
      return await this.#send(job);
    } finally {
      // Without its job this lane may have nothing to probe with for a long time.
      this.#options.gate.leave(this);
    }
  }

  async #send(job: JobContext): Promise<'done' | 'interrupted'> {
    let probing = false;
    for (;;) {
      const walk = new JobWalk(job, probing);
      const end = await this.#walk(walk);
      if (end === 'interrupted') return end;
      if (!this.#allRefused(walk)) {
        await walk.flushHeld();
        return 'done';
      }
      probing = true;
      const { status, bodyExcerpt } = walk.lastRefusal;
      this.#options.gate.stop('ALL_REFUSED', `status ${status}: ${bodyExcerpt}`);
      this.#refusedInARow -= walk.held.length;
    }
  }

  #allRefused(walk: JobWalk): boolean {
    if (walk.delivered || walk.held.length === 0) return false;
    if (this.#refusedInARow > MAX_REFUSED_IN_A_ROW) return true;
    const alike = walk.held.every(({ refusal }) => refusal.status === walk.lastRefusal.status);
    return alike && (walk.held.length > 1 || walk.probing);
  }

  async #walk(walk: JobWalk): Promise<'done' | 'interrupted'> {
    const { gate, limiter, client, clock, observer, source, lane } = this.#options;
    const { job, cursor } = walk;
    using either = new EitherSignal(job.closing, job.abort);
    const stop = either.signal;
    const backoff = new Backoff({ initialMs: 100, maxMs: 30_000 });
    while (!cursor.done) {
      if (walk.probeFailed) return 'done';
      await gate.pass(this, stop);
      if (stop.aborted) return 'interrupted';
      const { to, live, dropped } = await this.#nextSpan(walk);
      if (live.length === 0) {
        this.#countSuppressed(job, dropped);
        await walk.advance(to, false);
        continue;
      }
      const waitedMs = await limiter.acquire(live.length, stop);
      if (waitedMs > 0) observer.limited?.(source, waitedMs);
      if (stop.aborted) return 'interrupted';
      if (waitedMs > RECHECK_AFTER_MS && dropped.length < (await this.#nextSpan(walk, to)).dropped.length)
        continue;
      failpoint('tokens-acquired');
      const response = await client.send({ calls: live, signal: job.abort });
      failpoint('response-received');
      const outcome = classify(response, clock.now());
      const roundTripMs = response.tag === 'unsendable' ? 0 : response.roundTripMs;
      observer.attempted?.({ source, lane, calls: live.length, outcome, roundTripMs });
      switch (outcome.tag) {
        case 'delivered':
          this.#roundTrip.add(roundTripMs);
          this.#refusedInARow = 0;
          backoff.reset();
          gate.open();
          this.#countSuppressed(job, dropped);
          job.onDelivered(live);
          observer.delivered?.({
            source,
            lane,
            calls: live,
            queuedAtMs: job.queuedAtMs,
            deliveredAtMs: clock.now(),
          });
          await walk.advance(to, true);
          break;
        case 'refused':
          if (live.length > 1) cursor.refuse(to);
          else {
            this.#refusedInARow += 1;
            this.#countSuppressed(job, dropped);
            await walk.setAside(to, live[0] as QueuedCall, outcome);
          }
          break;
        case 'pause': {
          const pauseMs = outcome.pauseMs ?? Math.max(1_000, backoff.nextMs());
          observer.paused?.(source, pauseMs);
          await limiter.pause(pauseMs);
          break;
        }
        case 'retry':
          await clock.sleep(backoff.nextMs(), stop);
          break;
        case 'stop':
          gate.stop('SOURCE_REFUSED', `status ${outcome.status}: ${outcome.detail}`);
          break;
        case 'aborted':
          return 'interrupted';
        default: {
          const never: never = outcome;
          throw new RangeError(`unknown outcome ${JSON.stringify(never)}`);
        }
      }
    }
    return 'done';
  }

  /** The next calls to send and where they end; suppressed ones are passed over at the last moment. */
  async #nextSpan(
    walk: JobWalk,
    end?: number,
  ): Promise<{ to: number; live: QueuedCall[]; dropped: QueuedCall[] }> {
    const { calls } = walk.job;
    const from = walk.cursor.position;
    const ratePerSecond = this.#options.limiter.ratePerSecond;
    const most = walk.probing && !walk.delivered ? 1 : this.#mostCalls(ratePerSecond);
    const to = end ?? from + callsThatFit(calls, from, Math.min(walk.cursor.bound, from + most));
    const live: QueuedCall[] = [];
    const dropped: QueuedCall[] = [];
    const span = calls.slice(from, to);
    const guests = new Set(span.flatMap(({ guestId }) => (guestId === null ? [] : [guestId])));
    const suppressed = await this.#options.suppressedAmong([...guests]);
    for (const call of span) {
      (call.guestId !== null && suppressed.has(call.guestId) ? dropped : live).push(call);
    }
    return { to, live, dropped };
  }

  #countSuppressed(job: JobContext, dropped: readonly QueuedCall[]): void {
    if (dropped.length === 0) return;
    job.onSuppressed(dropped);
    this.#options.observer.suppressed?.(this.#options.source, dropped);
  }

  #mostCalls(ratePerSecond: number | null): number {
    return maxCallsPerRequest({ ratePerSecond, roundTripMs: this.#roundTrip.averageMs });
  }
}

/**
 * One pass over a job's calls. A refused call is only held at first: should everything be refused, nothing may be set aside.
 * With the first delivery the held ones are known to be at fault themselves. Progress never goes past a held call.
 */
class JobWalk {
  readonly job: JobContext;
  readonly probing: boolean;
  readonly cursor: BisectCursor;
  held: { readonly call: QueuedCall; readonly refusal: Refusal }[] = [];
  delivered: boolean;

  constructor(job: JobContext, probing: boolean) {
    this.job = job;
    this.probing = probing;
    this.cursor = new BisectCursor(job.start, job.calls.length);
    // Progress is only saved after a delivery.
    this.delivered = job.start > 0 && !probing;
  }

  get probeFailed(): boolean {
    return this.probing && !this.delivered && this.held.length >= PROBE_CALLS;
  }

  get lastRefusal(): Refusal {
    const last = this.held.at(-1);
    if (last === undefined) throw new RangeError('nothing was refused');
    return last.refusal;
  }

  async advance(to: number, delivered: boolean): Promise<void> {
    this.delivered ||= delivered;
    if (this.delivered) await this.flushHeld();
    this.cursor.advance(to);
    await this.#save();
  }

  async setAside(to: number, call: QueuedCall, refusal: Refusal): Promise<void> {
    this.held.push({ call, refusal });
    if (this.delivered) await this.flushHeld();
    this.cursor.advance(to);
    await this.#save();
  }

  async flushHeld(): Promise<void> {
    for (const { call, refusal } of this.held) await this.job.setAside(call, refusal);
    this.held = [];
  }

  async #save(): Promise<void> {
    if (this.held.length === 0 && this.delivered && !this.cursor.done) {
      await this.job.saveProgress(this.cursor.position);
    }
  }
}
