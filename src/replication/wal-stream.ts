import type { Transaction } from '../changes/transaction.js';
import { ConnectorError, toError } from '../errors/connector-error.js';
import { failpoint } from '../lifecycle/failpoint.js';
import { formatLsn, type Lsn } from '../postgres/lsn.js';
import { refusesSessions } from '../postgres/refuses-sessions.js';
import { Assembler } from './assembler.js';
import { notPgoutput } from './bytes.js';
import { Intake } from './intake.js';
import { keepAlive, livenessPlan } from './liveness.js';
import { ReplicationConnection } from './replication-connection.js';
import { ReportedPosition } from './reported-position.js';
import { ServerStop } from './server-stop.js';
import type { ReplicationSession } from './session.js';
import { prepareSpillDirectory, removeLeftovers, type SpillDirectory } from './spill.js';
import { watchUnread } from './unread-watch.js';
import type { WalStreamObserver, WalStreamOptions } from './wal-stream-options.js';

export type { WalStreamObserver, WalStreamOptions } from './wal-stream-options.js';

/**
 * One attempt at streaming a slot: connects, streams, ends. States: new → starting → streaming → failed | stopped. After
 * a failure it is stopped and a new instance begins again from the slot's confirmed position; subscribing the library's
 * service twice would go on past what was not processed.
 *
 * Delivery: at least once, in commit order, whole transactions. Nothing is confirmed but what `confirm` was given. The
 * first failure is latched and ends the stream; transactions complete by then are still handed out before it is thrown.
 *
 * Memory: one transaction under assembly (`transactionMemoryBytes`) and committed ones (`maxBufferedBytes`, overrun at
 * most by what one socket read carries). Reading pauses beyond; statuses go on.
 */
export class WalStream {
  readonly #options: WalStreamOptions;
  readonly #observer: WalStreamObserver;
  readonly #spill: SpillDirectory;
  readonly #assembler: Assembler;
  readonly #intake: Intake;
  readonly #connection: ReplicationConnection;
  readonly #position: ReportedPosition;
  readonly #serverStop = new ServerStop();
  readonly #liveness = new AbortController();
  readonly #graceMs: number;
  #stopping = false;
  #failure: Error | null = null;
  #heard = false;
  #unansweredSinceMs: number | null = null;
  #starting: Promise<void> | null = null;
  #stopped: Promise<void> | null = null;
  #started: { readonly resolve: () => void; readonly reject: (error: Error) => void } | null = null;

  constructor(options: WalStreamOptions) {
    this.#options = options;
    this.#observer = options.observer ?? {};
    this.#graceMs = options.stopGraceMs ?? 2_000;
    // A copy's files must not be taken for those its slot left behind.
    const owner =
      options.temporaryCopy === undefined ? options.slotName : `copy-${process.pid}-${options.slotName}`;
    this.#spill = { path: options.spillDir, slotName: owner };
    this.#assembler = new Assembler({
      spill: this.#spill,
      now: () => options.clock.now(),
      observer: this.#observer,
      onRelease: (transaction) => this.#intake.released(transaction),
      tables: options.tables,
      transactionMemoryBytes: options.transactionMemoryBytes,
    });
    this.#intake = new Intake({
      maxBufferedBytes: options.maxBufferedBytes ?? 64 * 1_048_576,
      maxGulpTransactions: options.maxGulpTransactions ?? 1_000,
      maxGulpBytes: options.maxGulpBytes ?? 4 * 1_048_576,
      onPausedChange: (paused) => this.#setPaused(paused),
    });
    this.#position = new ReportedPosition((status) => {
      if (!this.#connection.streaming) return;
      this.#connection.sendStatus(status);
      this.#observer.onStatus?.(status.confirmed);
      failpoint('status-sent');
    });
    this.#connection = new ReplicationConnection({
      connection: options.connection,
      slotName: options.slotName,
      publicationName: options.publicationName,
      temporaryCopy: options.temporaryCopy ?? null,
      applicationName: options.applicationName ?? options.connection.application_name ?? 'paytronix-segment',
      clock: options.clock,
      onStart: (session) => this.#guard(() => this.#onStart(session)),
      onMessage: (message) => this.#guard(() => this.#onMessage(message)),
      onKeepalive: (walEnd, replyRequested) => this.#guard(() => this.#onKeepalive(walEnd, replyRequested)),
      onEnd: (error) => {
        if (!this.#connection.streaming) this.#liveness.abort();
        this.#fail(error);
      },
    });
  }

  /**
   * Resolves when the server streams. May be called again: the same promise.
   * @throws ConnectorError SLOT_ACTIVE (retry: another process holds it), SLOT_MISSING, SLOT_LOST, SLOT_UNUSABLE,
   *   PUBLICATION_MISSING, REPLICATION_RIGHTS, DATABASE_AUTH, DATABASE_MISSING, REPLICATION_LOST, SPILL_FAILED
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Waits for committed transactions and takes all that wait, up to the gulp limits, in commit order. Each must be
   * released. Empty once the stream is stopped. One caller at a time.
   * @throws the failure that ended the stream, after everything complete was taken; its `action` says what to do.
   */
  async next(): Promise<readonly Transaction[]> {
    for (;;) {
      if (this.#stopping) return [];
      const gulp = this.#intake.take();
      if (gulp.length > 0) return gulp;
      if (this.#failure !== null) throw this.#failure;
      await this.#intake.arrival();
    }
  }

  /**
   * Lets the server forget everything up to exactly this position. Lower positions than before are ignored. Sent at
   * the end of this turn of the event loop, many as one.
   * @throws RangeError for a position that was never received.
   */
  confirm(lsn: Lsn): void {
    this.#position.confirm(lsn);
  }

  /** What statuses carry: the slot's own position at first, then what was confirmed. */
  get confirmed(): Lsn {
    return this.#position.confirmed;
  }

  /** The end of everything received: the last commit or keepalive. */
  get received(): Lsn {
    return this.#position.received;
  }

  /**
   * Whether a keepalive's position must not be confirmed: a transaction is arriving, waits to be taken, or was taken
   * and is not released yet (its taker may not have opened it in the acker).
   */
  get assembling(): boolean {
    return this.#assembler.assembling || this.#intake.unreleased > 0;
  }

  get paused(): boolean {
    return this.#intake.paused;
  }

  /** Bytes of committed transactions held in memory. */
  get bufferedBytes(): number {
    return this.#intake.heldBytes;
  }

  /** The failure that ended the stream, null while there is none. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Since when the server owes an answer to a status that asked for one, milliseconds since 1970; null: it does not. */
  get unansweredSinceMs(): number | null {
    return this.#unansweredSinceMs;
  }

  /** Ends the stream: sends the last confirmed position, lets the server close, frees what was not taken. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    if (this.#stopping) throw stoppedEarly();
    prepareSpillDirectory(this.#spill);
    const started = new Promise<void>((resolve, reject) => {
      this.#started = { resolve, reject };
    });
    this.#connection.open();
    try {
      await started;
    } catch (error) {
      await this.#connection.close(this.#graceMs);
      throw error;
    }
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    this.#liveness.abort();
    this.#intake.wake();
    this.#started?.reject(stoppedEarly());
    this.#position.send(false);
    await this.#connection.endInGoodOrder(this.#graceMs);
    await this.#connection.close(this.#graceMs);
    this.#intake.discard();
    this.#assembler.discard();
  }

  #onStart(session: ReplicationSession): void {
    this.#position.startAt(session.confirmedFlushLsn);
    // Only now is the slot ours, and with it the files of whoever held it before.
    const leftovers = removeLeftovers(this.#spill);
    const plan = livenessPlan(this.#options.walSenderTimeoutMs ?? session.walSenderTimeoutMs);
    this.#options.logger.info(
      { slot: this.#options.slotName, confirmed: formatLsn(this.confirmed), leftovers, ...plan },
      'replication stream started',
    );
    keepAlive(
      {
        plan,
        clock: this.#options.clock,
        heard: () => {
          const heard = this.#heard;
          this.#heard = false;
          return heard;
        },
        paused: () => this.#unread,
        sendStatus: (askReply) => this.#position.send(askReply),
        onAsked: () => void (this.#unansweredSinceMs ??= this.#options.clock.now()),
        onSilent: (error) => this.#fail(error),
      },
      this.#liveness.signal,
    ).catch((error: unknown) => this.#fail(toError(error)));
    watchUnread(
      {
        clock: this.#options.clock,
        unread: () => this.#unread,
        refuses: async () => refusesSessions(this.#options.connection),
        onRefused: () => this.#giveServerUp(),
      },
      this.#liveness.signal,
    ).catch((error: unknown) => this.#fail(toError(error)));
    this.#started?.resolve();
  }

  #onMessage(message: Buffer): void {
    const transaction = this.#assembler.accept(message);
    if (transaction === null) return;
    if (transaction.endLsn < this.confirmed) notPgoutput('a COMMIT before the position confirmed', 10);
    this.#position.receive(transaction.endLsn);
    this.#intake.add(transaction);
    failpoint('transaction-assembled');
  }

  #onKeepalive(walEnd: Lsn, replyRequested: boolean): void {
    this.#position.receive(walEnd);
    this.#observer.onKeepalive?.(walEnd, replyRequested);
    if (!replyRequested) return;
    const answer = this.#serverStop.asked(walEnd, this.#options.clock.now());
    switch (answer) {
      case 'now':
        this.#position.send(false);
        return;
      case 'later':
        this.#answerLater().catch((error: unknown) => this.#fail(toError(error)));
        return;
      case 'give up':
        this.#giveServerUp();
        return;
      default:
        answer satisfies never;
    }
  }

  async #answerLater(): Promise<void> {
    await this.#options.clock.sleep(ServerStop.answerAfterMs, this.#liveness.signal);
    if (!this.#stopping) this.#position.send(false);
  }

  /** After a failure the socket is not read either. */
  get #unread(): boolean {
    return this.paused || this.#failure !== null;
  }

  #giveServerUp(): void {
    this.#letServerStop().catch((error: unknown) => this.#fail(toError(error)));
  }

  /** Closes at once, whoever still waits for the server to settle what it took: the server waits for this connection. */
  async #letServerStop(): Promise<void> {
    this.#fail(
      new ConnectorError('REPLICATION_LOST', 'the server is shutting down, and not all it sent is settled', {
        facts: { confirmed: formatLsn(this.confirmed), received: formatLsn(this.received) },
      }),
    );
    await this.#connection.endInGoodOrder(this.#graceMs);
    await this.#connection.close(this.#graceMs);
  }

  /** Runs a callback of the socket's handler: past a failure nothing is taken in, and a new one is latched, not thrown. */
  #guard(work: () => void): void {
    this.#heard = true;
    this.#unansweredSinceMs = null;
    if (this.#failure !== null || this.#stopping) return;
    try {
      work();
    } catch (error) {
      this.#fail(toError(error));
    }
  }

  #setPaused(paused: boolean): void {
    this.#observer.onBackpressure?.(paused);
    if (this.#failure !== null || this.#stopping) return;
    if (paused) this.#connection.pause();
    else this.#connection.resume();
  }

  /** Latches the first failure. Nothing more is read; statuses go on until `stop`, so what still settles is confirmed. */
  #fail(error: Error): void {
    if (this.#failure !== null || this.#stopping) return;
    this.#failure = error;
    this.#connection.pause();
    this.#assembler.discard();
    this.#started?.reject(error);
    this.#intake.wake();
  }
}

function stoppedEarly(): ConnectorError {
  return new ConnectorError('REPLICATION_LOST', 'the stream was stopped');
}
