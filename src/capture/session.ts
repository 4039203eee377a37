import { queueSources } from '../config/config.js';
import { ConnectorError } from '../errors/connector-error.js';
import { EitherSignal } from '../lifecycle/either-signal.js';
import { untilAborted } from '../lifecycle/until-aborted.js';
import type { SourceTables } from '../mapping/mapping.js';
import { clientConfig } from '../postgres/connection.js';
import { formatLsn, laterLsn } from '../postgres/lsn.js';
import type { QueueSink } from '../queue/event-sink.js';
import { WalStream } from '../replication/wal-stream.js';
import { knownDelivered } from '../replay/healing.js';
import { restoreSuppressions } from '../replay/suppressions-restored.js';
import { Books } from './books.js';
import type { Progress } from './checkpoints.js';
import { LiveStream } from './live-stream.js';
import { makeWhole } from './making-whole.js';
import type { CapturePositions } from './observer.js';
import { ParkedSources } from './parked-sources.js';
import { patientDatabase } from './patient-database.js';
import { registerSources } from './registered-sources.js';
import { PublishedList } from './published-list.js';
import { PublishedPauses } from './published-pauses.js';
import { prepareReplaySlot } from './replay-window.js';
import type { CapturedSource, Derive, SessionOptions } from './session-options.js';
import { SourcePlaces } from './source-places.js';
import { StreamFloor } from './stream-floor.js';
import { compareAtStart, type Start } from './start.js';

/**
 * One attempt at capturing: holds the slot, compares it with the checkpoint, streams until it is stopped or something
 * fails. Whatever ends it, nothing was confirmed that is not in Redis, and the next session begins from the slot.
 */
export class CaptureSession {
  readonly #options: SessionOptions;
  readonly #ending = new AbortController();
  #stream: WalStream | null = null;
  #live: LiveStream | null = null;
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
    const patiently = patientDatabase({ ...this.#options, signal: this.#ending.signal });
    let places: SourcePlaces | null = null;
    const parked = new ParkedSources({
      ...this.#options,
      withDatabase: patiently,
      queued: (source) => this.#queuedFor(source, places),
    });
    const sources = this.#options.sources();
    const sink = this.#options.openSink({
      sources: queueSources(sources),
      park: async (source) => parked.park(source),
    });
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
      using ended = new EitherSignal(stop, this.#ending.signal);
      await untilAborted(stop, list.begin(ended.signal));
      if (stop.aborted) return;
      const pauses = new PublishedPauses({ ...this.#options, sink });
      await untilAborted(
        stop,
        patiently(async () => pauses.begin()),
      );
      if (stop.aborted) return;
      places = await untilAborted(stop, this.#placeSources(stream, start, sources, parked));
      if (places === null) return;
      const opening = this.#options.derive({
        sources: sources.map(({ settings }) => settings),
        into: sink,
        aside: false,
        sink,
        mapping,
        withDatabase: patiently,
      });
      const derive = await untilAborted(stop, opening);
      if (derive === null) return;
      const books = new Books({ ...this.#options, sink, start, floor: this.#floor, places });
      const { tables } = mapping;
      if (!(await this.#whole(stop, stream, { sink, derive, start, books, places, tables }))) return;
      this.#floor.begin(stream.confirmed, start.checkpoint.commitTimeUs);
      this.#live = new LiveStream({
        session: this.#options,
        floor: this.#floor,
        stream,
        sink,
        start,
        books,
        places,
        parked,
        sources,
        derive,
        mapping,
        list,
        pauses,
        withDatabase: patiently,
        endedEarly: this.#endedEarly(),
      });
      await this.#live.run(stop);
      logger.info({ slot: slotName, confirmed: formatLsn(stream.confirmed) }, 'capture drained');
    } finally {
      this.#ending.abort();
      force.removeEventListener('abort', giveUp);
      await sink.close();
      await stream.stop();
      await this.#live?.ended();
    }
  }

  /** Resolves when the sources are taken as they are configured now. Before it streams there is nothing to be changed. */
  async reconfigure(): Promise<void> {
    await this.#live?.reconfigure();
  }

  /** Of a source that takes part in the live stream, or in the healing before that. */
  #queuedFor(source: string, places: SourcePlaces | null): Progress {
    if (this.#floor.begun || places === null) return this.#floor.progress;
    const { floor: endLsn, commitTimeUs } = places.delivered(source);
    return { endLsn, commitTimeUs };
  }

  async #placeSources(
    stream: WalStream,
    start: Start,
    sources: readonly CapturedSource[],
    parked: ParkedSources,
  ): Promise<SourcePlaces> {
    const { clock } = this.#options;
    const { checkpoint, trustMarksUpTo } = start;
    const lsn = laterLsn(checkpoint.endLsn, stream.confirmed);
    const states = await registerSources({
      ...this.#options,
      names: sources.map(({ settings }) => settings.name),
      checkpoint,
      at: { lsn, atUs: checkpoint.commitTimeUs ?? clock.now() * 1_000 },
    });
    return new SourcePlaces({
      states,
      parked,
      delivered: knownDelivered(checkpoint),
      trustUpTo: trustMarksUpTo,
    });
  }

  /** Does Redis hold what was queued? If not it is healed first; false: stopped before the end of that. */
  async #whole(
    stop: AbortSignal,
    stream: WalStream,
    parts: {
      readonly sink: QueueSink;
      readonly derive: Derive;
      readonly start: Start;
      readonly books: Books;
      readonly places: SourcePlaces;
      readonly tables: SourceTables;
    },
  ): Promise<boolean> {
    const { observer } = this.#options;
    using ended = new EitherSignal(stop, this.#ending.signal);
    const healed = await Promise.race([
      this.#endedEarly(),
      makeWhole({
        ...this.#options,
        ...parts,
        stream: { ...this.#options.stream, tables: parts.tables },
        checkpoint: parts.start.checkpoint,
        live: stream.confirmed,
        stop: ended.signal,
        onHealing: () => observer.healing?.(),
      }),
    ]);
    if (healed !== null && healed !== 'whole') observer.healed?.(healed);
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
