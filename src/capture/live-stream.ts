import type { Transaction } from '../changes/transaction.js';
import { toError } from '../errors/connector-error.js';
import { failpoint } from '../lifecycle/failpoint.js';
import { untilAborted } from '../lifecycle/until-aborted.js';
import type { QueueSink } from '../queue/event-sink.js';
import type { Ticket } from '../replication/acker.js';
import type { WalStream } from '../replication/wal-stream.js';
import type { Books } from './books.js';
import { CatchUps } from './catch-ups.js';
import type { Checkpoints } from './checkpoints.js';
import { LiveEdge } from './live-edge.js';
import type { ParkedSources } from './parked-sources.js';
import { trailingTask } from './replay-window.js';
import type { Derive, SessionOptions } from './session-options.js';
import { watchPublication, type Start } from './start.js';
import type { StreamFloor } from './stream-floor.js';

export interface LiveStreamOptions {
  readonly session: SessionOptions;
  readonly stream: WalStream;
  readonly sink: QueueSink;
  readonly start: Start;
  readonly floor: StreamFloor;
  readonly books: Books;
  readonly parked: ParkedSources;
  readonly derive: Derive;
  /** Rejects when the session is ended before its work is done. */
  readonly endedEarly: Promise<never>;
}

/** The part of a session in which it streams: everything before it is in order. */
export class LiveStream {
  readonly #options: LiveStreamOptions;
  readonly #edge: LiveEdge;
  readonly #background = new AbortController();
  #catchUps: Promise<void> | null = null;

  constructor(options: LiveStreamOptions) {
    this.#options = options;
    this.#edge = new LiveEdge(options.stream.confirmed);
  }

  /** Streams, checkpoints and watches side by side; the first failure of any ends all. */
  async run(stop: AbortSignal): Promise<void> {
    const { session, stream, sink, start, books, endedEarly } = this.#options;
    const { signal } = this.#background;
    const delivered = books.watchDelivered();
    const checkpoints = books.keepCheckpoints(stream, delivered);
    // Lanes in the checkpoint say that the marks are this history's: a crash before the first row must not forget it.
    if (Object.keys(start.checkpoint.lanes).length === 0) await checkpoints.writeNow({ always: true });
    session.onStreaming();
    const { floor, parked } = this.#options;
    const trailing = trailingTask(session, {
      delivered,
      passed: () => floor.progress.endLsn,
      passing: async (to) => parked.fallBehind(to),
    });
    this.#catchUps = this.#openCatchUps().run(signal);
    const tasks = [
      this.#catchUps,
      checkpoints.run(signal),
      delivered.run(signal),
      trailing.run(signal),
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
    await this.#catchUps?.catch(() => undefined);
  }

  #openCatchUps(): CatchUps {
    const { session, sink, parked } = this.#options;
    const { sources, derive, catchUps } = session;
    return new CatchUps({
      ...session,
      sink,
      parked,
      edge: this.#edge,
      derive: async (source, into, withDatabase) =>
        derive({
          sources: sources.filter(({ name }) => name === source),
          into,
          aside: true,
          sink,
          withDatabase,
        }),
      ...(catchUps === undefined ? {} : { timing: catchUps }),
    });
  }

  async #take(stop: AbortSignal, checkpoints: Checkpoints): Promise<void> {
    const { stream, floor, derive } = this.#options;
    for (;;) {
      const gulp = await untilAborted(stop, stream.next());
      const last = gulp?.at(-1);
      if (gulp === null || last === undefined) return;
      failpoint('transaction-taken');
      const tickets = new Map(gulp.map((transaction) => [transaction, this.#opened(transaction)]));
      floor.deriving(true);
      await this.#edge.take(last.endLsn, async () =>
        derive(gulp, (transaction) => {
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
