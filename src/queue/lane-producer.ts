import { randomBytes } from 'node:crypto';
import { ConnectorError, toError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import { EitherSignal } from '../lifecycle/either-signal.js';
import type { Derived, DerivedEvent } from '../events/event.js';
import { failpoint } from '../lifecycle/failpoint.js';
import { formatLsn } from '../postgres/lsn.js';
import { BatchBuffer, type Batch, type CallOrigin } from './batch.js';
import { encodeJob, type QueuedCall } from './job.js';
import { laneJobId } from './job-id.js';
import type { LaneQueue } from './lane-queue.js';
import {
  checkLane,
  renewLane,
  takeLane,
  writeIntent,
  type LaneAnswer,
  type LaneStep,
  type TakenLane,
} from './lane-state.js';
import type { Lsn } from '../postgres/lsn.js';
import { formatMark, isQueued, markUpTo, type Mark } from './mark.js';
import { lingerMs, type LingerSettings } from './nagle.js';
import type { QueueObserver } from './observer.js';
import { patiently } from './patiently.js';
import { queueLost } from './queue-lost.js';
import type { RedisClient } from './redis.js';
import { isSideLane } from './side-lanes.js';
import { countPassedOver, tallyTarget } from './tally-box.js';
import { channelOfLane, PendingTally } from './tally.js';

export interface LaneProducerOptions {
  readonly prefix: string;
  readonly source: string;
  readonly lane: number;
  readonly client: RedisClient;
  readonly queue: LaneQueue;
  readonly clock: Clock;
  readonly linger: LingerSettings;
  readonly observer: QueueObserver;
  /** Ends everything that waits. */
  readonly signal: AbortSignal;
  /** Resolves when adding is allowed (memory and budget), or when the lane has nothing to add any more. */
  readonly mayAdd: (lane: LaneProducer) => Promise<void>;
  /** Bytes of JSON that left the buffer. */
  readonly onQueued: (jsonBytes: number) => void;
  readonly onFatal: (error: Error) => void;
}

/** How often a lingering lane looks whether the jobs it lingers for are still waiting. */
const LINGER_LOOK_MS = 250;

/**
 * Queues the calls of one lane, in order, with at most one new job on its way.
 *
 * idle ──offer──▶ lingering ──full, old enough, or nothing outstanding──▶ adding ──▶ lingering, or idle when empty.
 * Adding writes the intent, adds the job, and repeats both with the same job id until Redis has confirmed them; only then
 * are its calls settled and the next job made. Calls that are passed over are counted before the job behind them is added, so
 * that whatever the lane's mark covers was dealt with. It ends by `signal`, or for good when the lane was taken by another
 * process or Redis lost what it had confirmed.
 */
export class LaneProducer {
  readonly #options: LaneProducerOptions;
  readonly #buffer = new BatchBuffer();
  readonly #nonce = randomBytes(4).toString('hex');
  #epoch = 0;
  #run = 0;
  #history = '';
  #previous: LaneStep = { seq: 0, id: '', mark: '', queuedBytes: 0 };
  #mark: Mark | null = null;
  /** What was queued before this process: the stream begins further back and brings it again. */
  #skipUpTo: Mark | null = null;
  #deliveredSeq = 0;
  #deliveredBytes = 0;
  #deliveredAtMs: number | null = null;
  #running: Promise<void> | null = null;
  #urgent = false;
  #renewing = false;
  #wake: AbortController | null = null;

  constructor(options: LaneProducerOptions) {
    this.#options = options;
  }

  /** Position of the last call known to be in Redis. */
  get snapshot(): {
    readonly seq: number;
    readonly mark: Mark | null;
    readonly history: string;
    readonly epoch: number;
  } {
    return { seq: this.#previous.seq, mark: this.#mark, history: this.#history, epoch: this.#epoch };
  }

  get jobsWaiting(): number {
    return this.#previous.seq - this.#deliveredSeq;
  }

  /** Compressed bytes queued and, as far as known, not delivered. */
  get bytesWaiting(): number {
    return this.#previous.queuedBytes - this.#deliveredBytes;
  }

  /** When it was last seen that more is delivered than before, milliseconds since 1970; null: not yet. */
  get deliveredAtMs(): number | null {
    return this.#deliveredAtMs;
  }

  get lane(): number {
    return this.#options.lane;
  }

  get hasBuffered(): boolean {
    return !this.#buffer.isEmpty;
  }

  /**
   * Takes the lane over; before the first `offer`.
   * @param trust.trustUpTo marks beyond it prove nothing; null trusts all
   * @param trust.marksSkip whether what the mark covers is skipped
   */
  async take(trust: { readonly trustUpTo: Lsn | null; readonly marksSkip: boolean }): Promise<void> {
    const { client, queue } = this.#options;
    const lane = await takeLane(client, queue.keys);
    // Kept in Redis too, which may have lost it with everything else.
    await queue.limitToOne();
    this.#adopt(lane);
    this.#skipUpTo = trust.marksSkip ? markUpTo(lane.mark, trust.trustUpTo) : null;
    if (trust.marksSkip && lane.mark !== null && this.#skipUpTo !== lane.mark) await this.#forgetMark();
  }

  /** Begins anew behind what is delivered; see `renewLane`. @throws ConnectorError LANE_TAKEN */
  async renew(knownEpoch: number, run: number): Promise<void> {
    const { client, queue } = this.#options;
    this.#renewing = true;
    try {
      const lane = await renewLane(client, queue.keys, { epoch: this.#epoch, knownEpoch, run });
      if (lane === null) throw this.#taken();
      this.#adopt(lane);
      this.#skipUpTo = null;
    } finally {
      this.#renewing = false;
    }
  }

  #adopt(lane: TakenLane): void {
    this.#epoch = lane.epoch;
    this.#run = lane.run;
    this.#history = lane.history;
    this.#mark = lane.mark;
    const mark = this.#mark === null ? '' : formatMark(this.#mark);
    this.#previous = { seq: lane.queuedSeq, id: '', mark, queuedBytes: lane.queuedBytes };
    this.#deliveredSeq = lane.deliveredSeq;
    this.#deliveredBytes = lane.deliveredBytes;
  }

  /** The mark is of another history: left in place, the next process would believe it. */
  async #forgetMark(): Promise<void> {
    const { client, queue } = this.#options;
    await client.hdel(queue.keys.state, 'mark');
    this.#mark = null;
    this.#previous = { ...this.#previous, mark: '' };
  }

  /** Buffers a call; returns the bytes it added, 0 when the mark says it is queued already. Call `kick` afterwards. */
  offer(event: DerivedEvent, origin: CallOrigin): number {
    return this.#take(event, origin, () => this.#buffer.push(event, origin, this.#options.clock.now()));
  }

  /** As `offer`, of a call that is counted as suppressed instead of queued. */
  passOver(event: Derived, origin: CallOrigin): number {
    return this.#take(event, origin, () => this.#buffer.passOver(event, origin, this.#options.clock.now()));
  }

  #take(event: Derived, origin: CallOrigin, buffer: () => number): number {
    if (isQueued(this.#skipUpTo, { endLsn: origin.endLsn, slice: origin.slice, rank: event.rank })) {
      this.#options.observer.skipped?.(this.#options.source, this.#options.lane, 1);
      return 0;
    }
    origin.settlement.expect();
    const bytes = buffer();
    if (this.#buffer.hasFull) this.#wake?.abort();
    return bytes;
  }

  /** Starts queueing what is buffered. `urgent`: without lingering. */
  kick(urgent = false): void {
    if (urgent && !this.#buffer.isEmpty) {
      this.#urgent = true;
      this.#wake?.abort();
    }
    if (this.#running !== null || this.#buffer.isEmpty || this.#options.signal.aborted) return;
    this.#running = this.#work()
      .catch((error: unknown) => {
        if (!this.#options.signal.aborted) this.#options.onFatal(toError(error));
      })
      .finally(() => {
        this.#running = null;
        this.#urgent = false;
        this.kick();
      });
  }

  /** Gives up what is buffered, for the caller to bring again later. What is on its way arrives. */
  discard(): readonly Batch[] {
    const batches = this.#buffer.drain();
    this.#wake?.abort();
    return batches;
  }

  /** What is offered next begins further back: the calls that Redis holds by now are skipped. Only while the lane is idle. */
  beginFurtherBack(): void {
    this.#skipUpTo = this.#mark ?? this.#skipUpTo;
  }

  /** Resolves when nothing is on its way any more. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  /**
   * Compares Redis with what it confirmed, and learns what was delivered.
   * @throws ConnectorError QUEUE_LOST, LANE_TAKEN; Redis' own error when it does not answer.
   */
  async check(): Promise<void> {
    // The new epoch is in Redis before this process knows it: compared now it would look like somebody else's.
    if (this.#renewing) return;
    const state = { epoch: this.#epoch, previous: this.#previous };
    this.#judge(await checkLane(this.#options.client, this.#options.queue.keys, state), state.previous);
  }

  async #work(): Promise<void> {
    while (!this.#options.signal.aborted) {
      await this.#untilDue();
      if (this.#options.signal.aborted) return;
      await this.#options.mayAdd(this);
      const batch = this.#buffer.take();
      // What is offered from here on did not ask for haste.
      if (this.#buffer.isEmpty) this.#urgent = false;
      if (batch === null) return;
      await this.#add(batch);
    }
  }

  async #untilDue(): Promise<void> {
    if (this.#buffer.hasFull || this.#urgent) return;
    if (this.jobsWaiting > 0) await this.#refresh();
    while (!this.#buffer.hasFull && !this.#urgent && !this.#options.signal.aborted) {
      const since = this.#buffer.openSinceMs;
      if (since === null) return;
      const dueMs = since + lingerMs(this.jobsWaiting, this.#options.linger) - this.#options.clock.now();
      if (dueMs <= 0) return;
      this.#wake = new AbortController();
      using woken = new EitherSignal(this.#wake.signal, this.#options.signal);
      await this.#options.clock.sleep(Math.min(dueMs, LINGER_LOOK_MS), woken.signal);
      this.#wake = null;
      if (dueMs > LINGER_LOOK_MS) await this.#refresh();
    }
  }

  async #refresh(): Promise<void> {
    try {
      await this.check();
    } catch (error) {
      if (error instanceof ConnectorError) throw error;
      // Redis does not answer: the adding that follows waits for it and says so.
    }
  }

  async #add(batch: Batch): Promise<void> {
    if (batch.passedOver.length > 0) await this.#count(batch.passedOver);
    if (batch.lines.length > 0) await this.#addJob(batch);
    for (const share of batch.shares) share.settlement.done(share.calls);
    this.#options.onQueued(batch.jsonBytes);
  }

  async #addJob(batch: Batch): Promise<void> {
    const { clock, client, queue, source, lane, observer } = this.#options;
    const previous = this.#previous;
    const seq = previous.seq + 1;
    const queuedAtMs = clock.now();
    const data = encodeJob(
      {
        seq,
        epoch: this.#epoch,
        first: formatLsn(batch.first),
        last: formatLsn(batch.last.endLsn),
        receivedAtMs: batch.receivedAtMs,
        queuedAtMs,
      },
      batch.lines,
    );
    const id = laneJobId({ seq, epoch: this.#epoch }, this.#nonce);
    const mark = formatMark(batch.last);
    const next: LaneStep = { seq, id, mark, queuedBytes: previous.queuedBytes + data.body.length };
    await patiently(async () => {
      this.#judge(await writeIntent(client, queue.keys, { epoch: this.#epoch, previous, next }), previous);
      failpoint('intent-written');
      await queue.add(id, data);
      failpoint('job-added');
    }, this.#options);
    this.#previous = next;
    this.#mark = batch.last;
    observer.queued?.({
      source,
      lane,
      calls: batch.lines.length,
      jsonBytes: batch.jsonBytes,
      bodyBytes: data.body.length,
      receivedAtMs: batch.receivedAtMs,
      queuedAtMs,
    });
  }

  /** Once, also when Redis is asked again because its answer got lost: it remembers what it counted. */
  async #count(calls: readonly QueuedCall[]): Promise<void> {
    const { client, prefix, queue, source, lane, observer } = this.#options;
    const channel = channelOfLane(lane);
    const pending = new PendingTally(channel, isSideLane(lane) ? this.#epoch : this.#run);
    pending.suppressed(calls);
    const held = { stateKey: queue.keys.state, epoch: this.#epoch };
    await patiently(async () => {
      if (await countPassedOver(client, held, tallyTarget(prefix, source, channel), pending)) return;
      await this.check();
      throw this.#taken();
    }, this.#options);
    failpoint('listed-counted');
    observer.suppressed?.(source, calls);
  }

  #judge(answer: LaneAnswer, confirmed: LaneStep): void {
    const { source, lane } = this.#options;
    switch (answer.tag) {
      case 'ok':
        if (answer.deliveredSeq > this.#deliveredSeq) this.#deliveredAtMs = this.#options.clock.now();
        this.#deliveredSeq = answer.deliveredSeq;
        this.#deliveredBytes = answer.deliveredBytes;
        return;
      case 'taken':
        throw this.#taken();
      case 'lost':
        throw queueLost(source, lane, answer, { seq: confirmed.seq, mark: confirmed.mark });
      default: {
        const never: never = answer;
        throw new RangeError(`unknown answer: ${JSON.stringify(never)}`);
      }
    }
  }

  #taken(): ConnectorError {
    const { source, lane } = this.#options;
    return new ConnectorError('LANE_TAKEN', `lane ${source}/${lane} was taken by another capture process`, {
      facts: { source, lane },
    });
  }
}
