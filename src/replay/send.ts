import type { Knex } from 'knex';
import { ConnectorError } from '../errors/connector-error.js';
import { failpoint } from '../lifecycle/failpoint.js';
import type { Lsn } from '../postgres/lsn.js';
import { laneName, type LaneName } from '../queue/keys.js';
import type { QueueObserver } from '../queue/observer.js';
import type { QueueSink } from '../queue/queue-sink.js';
import { REPLAY_LANE } from '../queue/side-lanes.js';
import { RunJournal } from './journal.js';
import { persistently, runPass, type PassContext } from './pass.js';
import { selectionOf } from './plan.js';
import { Rate, type Progress } from './progress.js';
import { finishRun, NO_COUNTS, saveRun, type ReplayRun } from './run-store.js';
import { every, within } from './repeating.js';
import { SelectingSink } from './selection.js';
import { restoreSuppressions } from './suppressions-restored.js';

export interface SendOptions {
  readonly context: PassContext;
  readonly run: ReplayRun;
  /** A sink into the replay lane. */
  readonly openSink: (observer: QueueObserver) => QueueSink;
  /** Serves the lane while this runs; a connector may do so as well. */
  readonly delivery: { start(): Promise<void>; close(): Promise<void> };
  /** Why nothing moves, where that is known. */
  readonly obstacle: () => string | null;
  /** Redis has answered. */
  readonly onAnswer: () => void;
  readonly onProgress: (progress: Progress) => void;
  /** Ends it: what was taken is queued, and a later run resumes there. */
  readonly signal: AbortSignal;
  /** How long the end may take while Redis does not answer. */
  readonly graceMs: number;
}

export interface Sent {
  readonly tag: 'delivered' | 'interrupted';
  /** Everything up to here is in Redis. */
  readonly position: Lsn;
  /** Calls of this run in Redis or beyond, those of its earlier parts included. */
  readonly calls: number;
  readonly rejected: number;
}

const SAVE_EVERY_MS = 1_000;
const LOOK_EVERY_MS = 250;

/**
 * Derives a run's range again and queues it into the replay lane, then waits until the lane is delivered. How far it
 * has come is written about once a second, always behind what Redis holds: killed at any moment, it resumes with a
 * second's worth sent twice under the same ids at most.
 */
export async function sendRun(options: SendOptions): Promise<Sent> {
  const { context, signal } = options;
  const sending = new Sending(options);
  const over = new AbortController();
  try {
    const started = Promise.all([sending.sink.start(), options.delivery.start()]);
    if (!(await within(signal, started))) return sending.ended('interrupted');
    await sending.begin();
    // A Redis that was emptied no longer knows of whom nothing may be sent.
    await restoreSuppressions(context.knex, sending.sink);
    const background = Promise.all([
      every(SAVE_EVERY_MS, over.signal, context, () => sending.save()),
      every(LOOK_EVERY_MS, over.signal, context, () => sending.look()),
    ]);
    background.catch(() => undefined);
    await sending.queueAll();
    const drained = await sending.drained();
    over.abort();
    await background;
    return await sending.finish(drained && !signal.aborted);
  } finally {
    over.abort();
    await sending.sink.close();
    await options.delivery.close();
  }
}

class Sending {
  readonly sink: QueueSink;
  readonly #options: SendOptions;
  readonly #knex: Knex;
  readonly #rate = new Rate();
  /** Calls queued by this process up to each job, first job first. */
  readonly #queuedUpTo: number[] = [];
  #journal: RunJournal;
  #saved: Lsn;
  /** Calls queued by the run's earlier parts. */
  #before = 0;
  #firstSeq = 0;
  #deliveredSeq = 0;

  constructor(options: SendOptions) {
    this.#options = options;
    this.#knex = options.context.knex;
    const { position, done } = options.run;
    this.#journal = new RunJournal(position, done);
    this.#saved = position;
    this.sink = options.openSink({
      queued: ({ calls }) => this.#queuedUpTo.push((this.#queuedUpTo.at(-1) ?? 0) + calls),
    });
  }

  get #lastSeq(): number {
    return this.sink.laneSnapshot()[this.#lane]?.seq ?? 0;
  }

  get #lane(): LaneName {
    return laneName(this.#options.run.source, REPLAY_LANE);
  }

  /** Looks whether Redis still holds what an earlier part of the run had queued; if not, it is all queued anew. */
  async begin(): Promise<void> {
    const { run, context } = this.#options;
    // Also a lane that stands still for a hole must begin anew, whoever left it so.
    const known = { [this.#lane]: { seq: 0, mark: null }, ...run.lane };
    try {
      await this.sink.compareWithCheckpoint(known);
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'QUEUE_LOST') throw error;
      context.logger.warn({ run: run.id }, 'redis lost what was replayed; beginning again');
      await this.sink.renew(known);
      this.#journal = new RunJournal(run.range.from, NO_COUNTS);
    }
    this.#before = callsIn(this.#journal.done.calls);
    this.#firstSeq = this.#lastSeq;
  }

  async queueAll(): Promise<void> {
    const { context, run, signal } = this.#options;
    const { range } = run;
    await persistently(context, signal, async (progressed) => {
      const begunAt = this.#journal.position;
      try {
        await runPass(context, { range, resumeAt: begunAt, signal, ...this.#taking() });
        if (!signal.aborted) await this.sink.flush();
      } catch (error) {
        // What was offered before settles still; the next attempt begins behind it, with a journal of its own.
        await this.#settle();
        this.#journal = new RunJournal(this.#journal.position, this.#journal.done);
        if (this.#journal.position > begunAt) progressed();
        throw error;
      }
    });
    if (signal.aborted) await this.#settle();
    else this.#journal = new RunJournal(range.to, this.#journal.done);
  }

  /** False when it was ended before the lane was empty. */
  async drained(): Promise<boolean> {
    const { signal, context } = this.#options;
    while (!signal.aborted) {
      await this.#readDelivered();
      if (this.#deliveredSeq >= this.#lastSeq) return true;
      await context.clock.sleep(LOOK_EVERY_MS, signal);
    }
    return false;
  }

  async save(): Promise<void> {
    const { position, done } = this.#journal;
    if (position === this.#saved) return;
    failpoint('replay-queued');
    await saveRun(this.#knex, this.#options.run.id, { position, done, lane: this.sink.laneSnapshot() });
    this.#saved = position;
  }

  async look(): Promise<void> {
    const { run, onProgress, context, obstacle } = this.#options;
    await this.#readDelivered();
    const before = this.#before;
    const jobs = Math.max(0, this.#deliveredSeq - this.#firstSeq);
    const delivered = before + (this.#queuedUpTo[Math.min(jobs, this.#queuedUpTo.length) - 1] ?? 0);
    // The lane's first second is no measure of the rest.
    if (delivered > before) this.#rate.note(delivered, context.clock.now());
    const note = obstacle();
    onProgress({
      phase: 'sending',
      unit: 'events',
      done: delivered,
      total: Math.max(delivered, callsIn(run.planned.calls)),
      ratePerSecond: this.#rate.perSecond,
      ...(note === null ? {} : { note }),
    });
  }

  async finish(delivered: boolean): Promise<Sent> {
    await this.save();
    if (!delivered) return this.ended('interrupted');
    await this.look();
    await finishRun(this.#knex, this.#options.run.id);
    return this.ended('delivered');
  }

  ended(tag: Sent['tag']): Sent {
    const { position, done } = this.#journal;
    return { tag, position, calls: callsIn(done.calls), rejected: done.calls['rejected'] ?? 0 };
  }

  #taking(): Pick<Parameters<typeof runPass>[1], 'sink' | 'suppress' | 'onCommit' | 'onSettled'> {
    const { run, context } = this.#options;
    const journal = this.#journal;
    const settle = new Map<Lsn, () => void>();
    return {
      sink: new SelectingSink({
        selection: selectionOf(run.arguments, run.range, run.idSuffix, context.mapping),
        inner: this.sink,
        onSettled: (endLsn, tally) => journal.queued(endLsn, tally),
      }),
      suppress: async (guestIds) => this.sink.suppress(guestIds),
      onCommit: (transaction, inRange) =>
        void settle.set(transaction.endLsn, journal.opened(transaction, inRange)),
      onSettled: ({ endLsn }) => {
        settle.get(endLsn)?.();
        settle.delete(endLsn);
      },
    };
  }

  /** As far as Redis answers within the grace. */
  async #settle(): Promise<void> {
    const { context, graceMs } = this.#options;
    const enough = new AbortController();
    const flushed = this.sink.flush().catch(() => undefined);
    await Promise.race([flushed, context.clock.sleep(graceMs, enough.signal)]);
    enough.abort();
  }

  async #readDelivered(): Promise<void> {
    try {
      this.#deliveredSeq = (await this.sink.delivered())[this.#lane]?.seq ?? 0;
      this.#options.onAnswer();
    } catch {
      // Redis does not answer: nothing new is known, and the sink says that it waits.
    }
  }
}

function callsIn(calls: Readonly<Record<string, number>>): number {
  return Object.entries(calls).reduce((sum, [name, count]) => (name === 'rejected' ? sum : sum + count), 0);
}
