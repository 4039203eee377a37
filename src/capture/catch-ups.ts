import type { Knex } from 'knex';
import { ConnectorError, toError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import { EitherSignal } from '../lifecycle/either-signal.js';
import { untilAborted } from '../lifecycle/until-aborted.js';
import type { Logger } from '../observability/logger.js';
import { clientConfig, type DatabaseOptions } from '../postgres/connection.js';
import { formatLsn } from '../postgres/lsn.js';
import { isInvalidated, readSlot, replaySlotName } from '../postgres/slot.js';
import type { EventSink } from '../queue/sink.js';
import type { QueueSink } from '../queue/queue-sink.js';
import { CopyFollower } from '../replay/copy-follower.js';
import type { WalStreamOptions } from '../replication/wal-stream.js';
import { CatchUp, type CatchUpOptions } from './catch-up.js';
import type { LiveEdge } from './live-edge.js';
import type { Parked, ParkedSources } from './parked-sources.js';
import { patientDatabase } from './patient-database.js';

export interface CatchUpsOptions {
  readonly knex: Knex;
  readonly database: DatabaseOptions;
  readonly slotName: string;
  readonly publicationName: string;
  readonly stream: Pick<WalStreamOptions, 'spillDir' | 'transactionMemoryBytes' | 'tables'>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly sink: QueueSink;
  readonly parked: ParkedSources;
  readonly edge: LiveEdge;
  /** Opens a derivation of one source's own: it stands elsewhere in the stream. */
  readonly derive: (
    source: string,
    sink: EventSink,
    withDatabase: <T>(step: () => Promise<T>) => Promise<T>,
  ) => Promise<CatchUpOptions['derive']>;
  readonly timing?: Partial<CatchUpTiming>;
}

export interface CatchUpTiming {
  /** How often parked sources are looked at. Default 1,000. */
  readonly intervalMs: number;
  /** A source that takes nothing for so long is left alone until it has room. Default 30,000. */
  readonly stallMs: number;
  /** After one that failed. Default 10,000. */
  readonly retryMs: number;
}

/** Each needs a replication slot and a sender of its own. */
const AT_ONCE = 2;
/** So much of its budget must be free before a source is brought anything. */
const FREE_SHARE = 0.5;
/** A copy is read from where the WAL is kept from, so buffering more than this is no use. */
const COPY_BUFFER_BYTES = 16 * 1_048_576;

/** Brings parked sources what they missed as soon as they have room, for as long as a session holds the slot. */
export class CatchUps {
  readonly #options: CatchUpsOptions;
  readonly #timing: CatchUpTiming;
  readonly #running = new Map<string, Promise<void>>();
  readonly #notBeforeMs = new Map<string, number>();
  readonly #runs = new Map<string, AbortController>();

  constructor(options: CatchUpsOptions) {
    this.#options = options;
    this.#timing = { intervalMs: 1_000, stallMs: 30_000, retryMs: 10_000, ...options.timing };
  }

  /** Begins again what is being brought to these: they are configured otherwise, or no more. */
  restart(sources: readonly string[]): void {
    for (const source of sources) this.#runs.get(source)?.abort();
  }

  /** Runs until the signal aborts. Only a defect, and what needs a person, rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, parked } = this.#options;
    let failure: Error | null = null;
    while (!signal.aborted && failure === null) {
      for (const each of parked.all) {
        const { source } = each;
        if (this.#running.size >= AT_ONCE || this.#running.has(source) || !this.#mayBegin(source)) continue;
        const running = this.#bring(each, signal)
          .catch((error: unknown) => {
            failure ??= signal.aborted ? null : toError(error);
          })
          .finally(() => this.#running.delete(source));
        this.#running.set(source, running);
      }
      await clock.sleep(this.#timing.intervalMs, signal);
    }
    await Promise.all(this.#running.values());
    if (failure !== null) throw failure as Error;
  }

  #mayBegin(source: string): boolean {
    const load = this.#options.sink.loads().get(source);
    if (load === undefined || load.standing !== 'parked') return false;
    if (this.#options.clock.now() < (this.#notBeforeMs.get(source) ?? 0)) return false;
    return load.waitingBytes <= load.budgetBytes * FREE_SHARE;
  }

  async #bring(parked: Parked, signal: AbortSignal): Promise<void> {
    const { logger, clock } = this.#options;
    const { source } = parked;
    try {
      await this.#bringFromCopy(parked, signal);
    } catch (error) {
      const passes =
        error instanceof ConnectorError && (error.action === 'retry' || error.code === 'REPLAY_WINDOW');
      if (!passes || signal.aborted) throw error;
      this.#notBeforeMs.set(source, clock.now() + this.#timing.retryMs);
      logger.warn(
        { source, code: error.code, err: error },
        'a parked source could not be brought what it missed; trying again',
      );
    }
  }

  async #bringFromCopy(parked: Parked, signal: AbortSignal): Promise<void> {
    const { logger, clock, edge } = this.#options;
    const { source } = parked;
    if (!(await this.#keepWithinWindow(parked))) return this.#joinAtOnce(parked, signal);
    const follower = this.#follower(parked);
    try {
      await follower.start();
      const facts = { source, from: formatLsn(parked.upTo), to: formatLsn(edge.taken) };
      logger.info(facts, 'a parked source is brought what it missed');
      if ((await this.#follow(parked, follower, signal)) || signal.aborted) return;
      this.#notBeforeMs.set(source, clock.now() + this.#timing.retryMs);
      logger.info({ source, upTo: formatLsn(parked.upTo) }, 'the source takes nothing and stays parked');
    } finally {
      await follower.stop();
    }
  }

  /** True: the source takes part in the live stream again. */
  async #follow(parked: Parked, follower: CopyFollower, signal: AbortSignal): Promise<boolean> {
    const { sink, edge, derive, clock } = this.#options;
    const { source } = parked;
    const over = new AbortController();
    using either = new EitherSignal(signal, over.signal);
    const until = either.signal;
    this.#runs.set(source, over);
    const lanes = await sink.catchUp(source);
    try {
      const withDatabase = patientDatabase({ ...this.#options, signal: until });
      const run = new CatchUp({
        parked,
        sources: this.#options.parked,
        follower,
        sink: lanes,
        derive: await derive(source, lanes, withDatabase),
        edge,
        hasRoom: () => !this.#isFull(source),
        clock,
        signal: until,
      });
      const giveUp = (): void => {
        over.abort();
        lanes.giveUp();
      };
      const watched = this.#watch(source, run, giveUp, until);
      const joined = await run.run();
      over.abort();
      await watched;
      return joined;
    } finally {
      this.#runs.delete(source);
      over.abort();
      lanes.giveUp();
    }
  }

  /** What it missed is in no WAL any more, and recorded as such: it takes part from where the live stream is. */
  async #joinAtOnce(parked: Parked, signal: AbortSignal): Promise<void> {
    const { sink, edge } = this.#options;
    const lanes = await sink.catchUp(parked.source);
    try {
      await edge.between(async () => {
        await this.#options.parked.fallBehind(edge.taken);
        lanes.join();
      });
    } finally {
      lanes.giveUp();
    }
    await untilAborted(signal, lanes.flush());
    if (!signal.aborted) await this.#options.parked.unpark(parked);
  }

  /** Gives up a run that cannot go on: whoever waits for room is let go, and the WAL with it. */
  async #watch(source: string, run: CatchUp, giveUp: () => void, signal: AbortSignal): Promise<void> {
    const { clock, sink } = this.#options;
    let waitingBytes = 0;
    let sinceMs = clock.now();
    while (!signal.aborted && !run.hasJoined) {
      await clock.sleep(this.#timing.intervalMs, signal);
      const now = sink.loads().get(source)?.waitingBytes ?? 0;
      if (now !== waitingBytes || !this.#isFull(source)) {
        waitingBytes = now;
        sinceMs = clock.now();
      }
      if (run.hasJoined) return;
      if (run.isOvertaken || clock.now() - sinceMs >= this.#timing.stallMs) giveUp();
    }
  }

  /**
   * What the replay slot no longer holds is a gap of the source's; the rest can be brought. False: there is no replay slot,
   * so that nothing can.
   */
  async #keepWithinWindow(parked: Parked): Promise<boolean> {
    const { knex, slotName } = this.#options;
    const slot = await readSlot(knex, replaySlotName(slotName));
    if (slot === null || slot.confirmedFlushLsn === null || isInvalidated(slot)) return false;
    if (slot.confirmedFlushLsn > parked.upTo) await this.#options.parked.fallBehind(slot.confirmedFlushLsn);
    return true;
  }

  #isFull(source: string): boolean {
    const load = this.#options.sink.loads().get(source);
    return load !== undefined && load.waitingBytes > load.budgetBytes;
  }

  #follower({ upTo }: Parked): CopyFollower {
    const { database, slotName, publicationName, stream, logger, clock } = this.#options;
    return new CopyFollower({
      from: upTo,
      stream: {
        connection: clientConfig({ ...database, applicationName: 'paytronix-segment-catch-up' }),
        slotName: replaySlotName(slotName),
        publicationName,
        ...stream,
        maxBufferedBytes: COPY_BUFFER_BYTES,
        logger,
        clock,
      },
    });
  }
}
