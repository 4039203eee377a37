import type { Knex } from 'knex';
import type { Transaction } from '../changes/transaction.js';
import { ConnectorError, toError } from '../errors/connector-error.js';
import { failpoint } from '../lifecycle/failpoint.js';
import { untilAborted } from '../lifecycle/until-aborted.js';
import type { Clock } from '../lifecycle/clock.js';
import type { Mapping, SourceTables } from '../mapping/mapping.js';
import type { Logger } from '../observability/logger.js';
import { clientConfig, type DatabaseOptions } from '../postgres/connection.js';
import { formatLsn } from '../postgres/lsn.js';
import type { LaneSnapshot, QueueSink } from '../queue/event-sink.js';
import type { Ticket } from '../replication/acker.js';
import { WalStream, type WalStreamOptions } from '../replication/wal-stream.js';
import type { DeliveredWatch } from '../replay/delivered-watch.js';
import { heal, isQueueLoss, knownDelivered } from '../replay/healing.js';
import { restoreSuppressions } from '../replay/suppressions-restored.js';
import { Books } from './books.js';
import type { Checkpoints } from './checkpoints.js';
import type { CaptureObserver, CapturePositions } from './observer.js';
import type { ListedGuests } from '../suppression/listed-guests.js';
import { patientDatabase } from './patient-database.js';
import { PublishedList } from './published-list.js';
import { prepareReplaySlot, trailingTask, type ReplaySettings } from './replay-window.js';
import { StreamFloor } from './stream-floor.js';
import { compareAtStart, watchPublication, type Start } from './start.js';
import type { TransactionSettled } from './derivation.js';

type Derive = (transactions: readonly Transaction[], settled: TransactionSettled) => Promise<void>;

export interface SessionOptions {
  readonly database: DatabaseOptions;
  readonly knex: Knex;
  readonly slotName: string;
  readonly publicationName: string;
  readonly stream: Pick<WalStreamOptions, 'spillDir' | 'transactionMemoryBytes' | 'maxBufferedBytes'>;
  /** What the tables mean, as the database has them now. */
  readonly openMapping: () => Promise<Mapping>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly observer: CaptureObserver;
  /** A sink of this session's own; started once the slot is ours, so that its marks are the last holder's final ones. */
  readonly openSink: () => QueueSink;
  /** Derives and offers; a directory of its own per session, because a new stream begins further back. */
  readonly derive: (
    sink: QueueSink,
    withDatabase: <T>(step: () => Promise<T>) => Promise<T>,
    mapping: Mapping,
  ) => Promise<Derive>;
  /** How the replay slot trails. */
  readonly replay: ReplaySettings;
  /** Who is on the suppression list; null: none is configured. */
  readonly listed: ListedGuests | null;
  readonly onStreaming: () => void;
  /** See `DeliveredWatchOptions`. */
  readonly counted?: () => Promise<void>;
}

/**
 * One attempt at capturing: holds the slot, compares it with the checkpoint, streams until it is stopped or something
 * fails. Whatever ends it, nothing was confirmed that is not in Redis, and the next session begins from the slot.
 */
export class CaptureSession {
  readonly #options: SessionOptions;
  readonly #ending = new AbortController();
  #stream: WalStream | null = null;
  readonly #floor = new StreamFloor(() => this.#stream?.assembling !== false);

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get positions(): CapturePositions | null {
    const stream = this.#stream;
    if (stream === null || !this.#floor.begun) return null;
    const { progress, oldestOpen } = this.#floor;
    const { received, confirmed, unansweredSinceMs } = stream;
    return { received, floor: progress.endLsn, confirmed, oldestOpen, unansweredSinceMs };
  }

  /**
   * Runs until `stop` aborts (then drains: what was taken is queued, checkpointed and confirmed) or until it fails.
   * @param force aborts the draining; what is not queued by then is sent again by the next session.
   * @throws the failure that ended the session
   */
  async run(stop: AbortSignal, force: AbortSignal): Promise<void> {
    const { knex, slotName, logger } = this.#options;
    const giveUp = (): void => this.#ending.abort();
    force.addEventListener('abort', giveUp);
    if (force.aborted) giveUp();
    // Before holding the slot: a missing or lost one is told as the gap it is, not as an error of the stream.
    await untilAborted(stop, compareAtStart(this.#options));
    if (stop.aborted) return;
    await untilAborted(stop, prepareReplaySlot(this.#options));
    if (stop.aborted) return;
    const mapping = await untilAborted(stop, this.#options.openMapping());
    if (mapping === null) return;
    const stream = this.#createStream(mapping.tables);
    this.#stream = stream;
    const sink = this.#options.openSink();
    try {
      await untilAborted(stop, stream.start());
      if (stop.aborted) return;
      const start = await untilAborted(stop, compareAtStart(this.#options));
      if (start === null) return;
      await untilAborted(stop, sink.start({ trustMarksUpTo: start.trustMarksUpTo }));
      if (stop.aborted) return;
      await untilAborted(stop, restoreSuppressions(knex, sink));
      if (stop.aborted) return;
      const list = new PublishedList({ ...this.#options, sink });
      await untilAborted(stop, list.begin(AbortSignal.any([stop, this.#ending.signal])));
      if (stop.aborted) return;
      const patiently = patientDatabase({ ...this.#options, signal: this.#ending.signal });
      const derive = await untilAborted(stop, this.#options.derive(sink, patiently, mapping));
      if (derive === null) return;
      const books = new Books({ ...this.#options, sink, start, floor: this.#floor });
      const parts = { stream, sink, derive, start, books, tables: mapping.tables };
      if (!(await this.#whole(stop, parts))) return;
      this.#floor.begin(stream.confirmed, start.checkpoint.commitTimeUs);
      const delivered = books.watchDelivered();
      const checkpoints = books.keepCheckpoints(stream, delivered);
      // Lanes in the checkpoint say that the marks are this history's: a crash before the first row must not forget it.
      if (Object.keys(start.checkpoint.lanes).length === 0) await checkpoints.writeNow({ always: true });
      this.#options.onStreaming();
      await this.#pump(stop, stream, sink, { derive, checkpoints, delivered, start, list });
      logger.info({ slot: slotName, confirmed: formatLsn(stream.confirmed) }, 'capture drained');
    } finally {
      this.#ending.abort();
      force.removeEventListener('abort', giveUp);
      await sink.close();
      await stream.stop();
    }
  }

  /** Does Redis hold what was queued? If not it is healed first; false: stopped before the end of that. */
  async #whole(
    stop: AbortSignal,
    parts: {
      readonly stream: WalStream;
      readonly sink: QueueSink;
      readonly derive: Derive;
      readonly start: Start;
      readonly books: Books;
      readonly tables: SourceTables;
    },
  ): Promise<boolean> {
    const { stream, sink, derive, start, books, tables } = parts;
    const { checkpoint } = start;
    try {
      await sink.compareWithCheckpoint(checkpoint.lanes as LaneSnapshot);
      return true;
    } catch (error) {
      if (!isQueueLoss(error)) throw error;
      this.#options.logger.warn({ err: error }, 'redis does not hold what it had confirmed');
    }
    const { observer } = this.#options;
    observer.healing?.();
    const healed = await Promise.race([
      this.#endedEarly(),
      heal({
        ...this.#options,
        stream: { ...this.#options.stream, tables },
        checkpoint,
        live: stream.confirmed,
        sink,
        derive,
        stop: AbortSignal.any([stop, this.#ending.signal]),
        done: () => books.write(checkpoint, knownDelivered(checkpoint)),
      }),
    ]);
    if (healed !== null) observer.healed?.(healed);
    return healed !== null;
  }

  /** Rejects when the session is ended before its work is done. */
  #endedEarly(): Promise<never> {
    const ended = new Promise<never>((_resolve, reject) => {
      const end = (): void =>
        reject(new ConnectorError('QUEUE_CLOSED', 'capture was ended before it had drained'));
      this.#ending.signal.addEventListener('abort', end);
      if (this.#ending.signal.aborted) end();
    });
    ended.catch(() => undefined);
    return ended;
  }

  /** Streams, checkpoints and watches side by side; the first failure of any ends all. */
  async #pump(
    stop: AbortSignal,
    stream: WalStream,
    sink: QueueSink,
    parts: {
      readonly derive: Derive;
      readonly checkpoints: Checkpoints;
      readonly delivered: DeliveredWatch;
      readonly start: Start;
      readonly list: PublishedList;
    },
  ): Promise<void> {
    const { derive, checkpoints, delivered, start, list } = parts;
    const background = new AbortController();
    const trailing = trailingTask(this.#options, { delivered, passed: () => this.#floor.progress.endLsn });
    const tasks = [
      checkpoints.run(background.signal),
      delivered.run(background.signal),
      trailing.run(background.signal),
      list.run(background.signal),
      watchPublication({ ...this.#options, stored: start.checkpoint.publication }, background.signal),
    ];
    const failure = Promise.race([
      this.#endedEarly(),
      new Promise<never>((_resolve, reject) => {
        for (const task of tasks) task.catch((error: unknown) => reject(toError(error)));
      }),
    ]);
    // Whoever loses the race below has nobody waiting for it.
    failure.catch(() => undefined);
    try {
      await Promise.race([failure, this.#take(stop, stream, derive, checkpoints)]);
      await Promise.race([failure, sink.flush()]);
      background.abort();
      await Promise.race([failure, delivered.look()]);
      await Promise.race([failure, checkpoints.writeNow()]);
    } finally {
      background.abort();
    }
  }

  async #take(stop: AbortSignal, stream: WalStream, derive: Derive, checkpoints: Checkpoints): Promise<void> {
    for (;;) {
      const gulp = await untilAborted(stop, stream.next());
      if (gulp === null || gulp.length === 0) return;
      failpoint('transaction-taken');
      const tickets = new Map(gulp.map((transaction) => [transaction, this.#opened(transaction)]));
      this.#floor.deriving(true);
      await derive(gulp, (transaction) => {
        this.#floor.settled(tickets.get(transaction) as Ticket);
        checkpoints.transactionSettled();
        failpoint('transaction-settled');
      });
      this.#floor.deriving(false);
    }
  }

  #opened(transaction: Transaction): Ticket {
    const { commitTimeUs, receivedAtMs, rowCount, byteLength } = transaction;
    this.#options.observer.received?.({ commitTimeUs, receivedAtMs, rowCount, byteLength });
    return this.#floor.opened(transaction);
  }

  #createStream(tables: SourceTables): WalStream {
    const { database, slotName, publicationName, logger, clock, observer, stream } = this.#options;
    return new WalStream({
      connection: clientConfig(database),
      slotName,
      publicationName,
      logger,
      clock,
      ...stream,
      tables,
      observer: {
        onKeepalive: (walEnd) => this.#floor.onKeepalive(walEnd),
        onBackpressure: (paused) => observer.backpressure?.(paused),
      },
    });
  }
}
