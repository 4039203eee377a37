import type { Transaction } from '../changes/transaction.js';
import { toError } from '../errors/connector-error.js';
import { failpoint } from '../lifecycle/failpoint.js';
import { untilAborted } from '../lifecycle/until-aborted.js';
import type { Mapping } from '../mapping/mapping.js';
import type { QueueSink } from '../queue/event-sink.js';
import type { Ticket } from '../replication/acker.js';
import type { WalStream } from '../replication/wal-stream.js';
import type { Books } from './books.js';
import { CatchUps } from './catch-ups.js';
import type { Checkpoints } from './checkpoints.js';
import { LiveEdge } from './live-edge.js';
import type { ParkedSources } from './parked-sources.js';
import type { PublishedList } from './published-list.js';
import type { PublishedPauses } from './published-pauses.js';
import { trailingTask } from './replay-window.js';
import type { CapturedSource, Derive, SessionOptions } from './session-options.js';
import { SourceChanges } from './source-changes.js';
import type { SourcePlaces } from './source-places.js';
import { watchPublication, type Start } from './start.js';
import type { StreamFloor } from './stream-floor.js';

export interface LiveStreamOptions {
  readonly session: SessionOptions;
  readonly stream: WalStream;
  readonly sink: QueueSink;
  readonly start: Start;
  readonly floor: StreamFloor;
  readonly books: Books;
  readonly places: SourcePlaces;
  readonly parked: ParkedSources;
  /** What `derive` was opened for. */
  readonly sources: readonly CapturedSource[];
  readonly derive: Derive;
  readonly mapping: Mapping;
  readonly list: PublishedList;
  readonly pauses: PublishedPauses;
  readonly withDatabase: <T>(step: () => Promise<T>) => Promise<T>;
  /** Rejects when the session is ended before its work is done. */
  readonly endedEarly: Promise<never>;
}

/** The part of a session in which it streams: everything before it is in order. */
export class LiveStream {
  readonly #options: LiveStreamOptions;
  readonly #edge: LiveEdge;
  readonly #background = new AbortController();
  readonly #catchUps: CatchUps;
  readonly #changes: SourceChanges;
  #catchingUp: Promise<void> | null = null;

  constructor(options: LiveStreamOptions) {
    this.#options = options;
    const { stream, start } = options;
    const { commitTimeUs } = start.checkpoint;
    this.#edge = new LiveEdge({ endLsn: stream.confirmed, commitTimeUs });
    this.#changes = new SourceChanges({
      ...options,
      edge: this.#edge,
      restart: (sources) => this.#catchUps.restart(sources),
    });
    this.#catchUps = this.#openCatchUps();
  }

  /** Resolves when the sources are taken as they are configured now. @throws what ends the session */
  async reconfigure(): Promise<void> {
    await this.#changes.apply();
  }

  /** Streams, checkpoints and watches side by side; the first failure of any ends all. */
  async run(stop: AbortSignal): Promise<void> {
    const { session, stream, sink, start, books, list, endedEarly } = this.#options;
    const { signal } = this.#background;
    const delivered = books.watchDelivered();
    const checkpoints = books.keepCheckpoints(stream, delivered);
    // Lanes in the checkpoint say that the marks are this history's: a crash before the first row must not forget it.
    if (Object.keys(start.checkpoint.lanes).length === 0) await checkpoints.writeNow({ always: true });
    // They may have been changed since the session began.
    await Promise.race([endedEarly, this.#changes.apply()]);
    session.onStreaming();
    const { floor, parked } = this.#options;
    const trailing = trailingTask(session, {
      delivered,
      passed: () => floor.progress.endLsn,
      passing: async (to) => parked.fallBehind(to),
    });
    this.#catchingUp = this.#catchUps.run(signal);
    const tasks = [
      this.#catchingUp,
      checkpoints.run(signal),
      delivered.run(signal),
      trailing.run(signal),
      list.run(signal),
      this.#options.pauses.run(signal),
      watchPublication({ ...session, stored: start.checkpoint.publication }, signal),
    ];
    const failure = Promise.race([
      endedEarly,
      new Promise<never>((_resolve, reject) => {
        for (const task of tasks) task.catch((error: unknown) => reject(toError(error)));
      }),
    ]);
    // Whoever loses the race below has nobody waiting for it.
    failure.catch(() => undefined);
    try {
      await Promise.race([failure, this.#take(stop, checkpoints)]);
      await Promise.race([failure, sink.flush()]);
      this.#background.abort();
      await Promise.race([failure, delivered.look()]);
      await Promise.race([failure, checkpoints.writeNow()]);
    } finally {
      this.#background.abort();
    }
  }

  /** Once sink and stream are closed: resolves when nothing of it uses the server any more. */
  async ended(): Promise<void> {
    this.#background.abort();
    await this.#catchingUp?.catch(() => undefined);
  }

  #openCatchUps(): CatchUps {
    const { session, sink, parked, mapping } = this.#options;
    const { derive, catchUps } = session;
    return new CatchUps({
      ...session,
      stream: { ...session.stream, tables: mapping.tables },
      sink,
      parked,
      edge: this.#edge,
      derive: async (source, into, withDatabase) =>
        derive({
          sources: this.#changes.sources
            .map(({ settings }) => settings)
            .filter(({ name }) => name === source),
          into,
          aside: true,
          sink,
          mapping,
          withDatabase,
        }),
      ...(catchUps === undefined ? {} : { timing: catchUps }),
    });
  }

  async #take(stop: AbortSignal, checkpoints: Checkpoints): Promise<void> {
    const { stream, floor } = this.#options;
    for (;;) {
      const gulp = await untilAborted(stop, stream.next());
      const last = gulp?.at(-1);
      if (gulp === null || last === undefined) return;
      failpoint('transaction-taken');
      const tickets = new Map(gulp.map((transaction) => [transaction, this.#opened(transaction)]));
      floor.deriving(true);
      await this.#edge.take(last, async () =>
        this.#changes.derive(gulp, (transaction) => {
          floor.settled(tickets.get(transaction) as Ticket);
          checkpoints.transactionSettled();
          failpoint('transaction-settled');
        }),
      );
      floor.deriving(false);
    }
  }

  #opened(transaction: Transaction): Ticket {
    const { session, floor } = this.#options;
    const { commitTimeUs, receivedAtMs, rowCount, byteLength } = transaction;
    session.observer.received?.({ commitTimeUs, receivedAtMs, rowCount, byteLength });
    return floor.opened(transaction);
  }
}
