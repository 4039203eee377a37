import type { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type pg from 'pg';
import { LogicalReplicationService } from 'pg-logical-replication';

import { ConnectorError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';
import { formatLsn, parseLsn, ZERO_LSN, type Lsn } from '../postgres/lsn.js';
import { guardCopyFrames } from './copy-frames.js';
import { RawPgoutputPlugin } from './output-plugin.js';
import { replicationError } from './replication-errors.js';
import { openSession, type ReplicationSession } from './session.js';
import { standbyStatus, type StandbyStatus } from './standby-status.js';

export interface ReplicationConnectionOptions {
  readonly connection: pg.ClientConfig;
  readonly slotName: string;
  readonly publicationName: string;
  readonly temporaryCopy: { readonly from: Lsn | null } | null;
  readonly applicationName: string;
  readonly clock: Clock;
  /** START_REPLICATION was accepted: the slot is ours. */
  readonly onStart: (session: ReplicationSession) => void;
  /** One pgoutput message; the buffer is only valid during the call. */
  readonly onMessage: (message: Buffer) => void;
  readonly onKeepalive: (walEnd: Lsn, replyRequested: boolean) => void;
  /** The connection is of no more use. May be called more than once, with the true cause first. */
  readonly onEnd: (error: ConnectorError) => void;
}

/** What is used of node-postgres' connection, which its types do not show. */
interface WireConnection extends EventEmitter {
  readonly stream: Duplex;
  endCopyFrom(): void;
  sendCopyFromChunk(chunk: Buffer): void;
}

function wireOf(client: pg.Client): WireConnection {
  return (client as unknown as { readonly connection: WireConnection }).connection;
}

/**
 * The library's service with its traps disarmed, for one connection. Callbacks run inside the socket's handler, where
 * anything thrown would surface as an uncaught exception: they must not throw.
 */
export class ReplicationConnection {
  readonly #options: ReplicationConnectionOptions;
  readonly #service: LogicalReplicationService;
  #socket: Socket | null = null;
  #wire: WireConnection | null = null;
  #session: ReplicationSession | null = null;
  #streaming = false;
  #closing = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: ReplicationConnectionOptions) {
    this.#options = options;
    const { connection } = options;
    this.#service = new LogicalReplicationService(
      {
        ...connection,
        application_name: options.applicationName,
        connectionTimeoutMillis: connection.connectionTimeoutMillis ?? 10_000,
        keepAlive: connection.keepAlive ?? true,
        // Ours to destroy: the library offers no way to give up a connection attempt.
        stream: () => {
          this.#socket = new Socket();
          // The client is being made, and connects within this turn.
          queueMicrotask(() => this.#hearFromTheStart());
          return this.#socket;
        },
      },
      {
        // A timeout above 0 confirms the last position received, `auto: false` or not.
        acknowledge: { auto: false, timeoutSeconds: 0 },
        // Its flow control goes on after a handler has thrown.
        flowControl: { enabled: false },
      },
    );
  }

  /** Between the start of streaming and its end. */
  get streaming(): boolean {
    return this.#streaming;
  }

  /** Begins; everything that follows is told by the callbacks. */
  open(): void {
    const { slotName, publicationName, onMessage, onEnd } = this.#options;
    const service = this.#service;
    service.on('start', () => this.#onStart());
    service.on('error', (error) => onEnd(replicationError(error, this.#streaming)));
    service.on('heartbeat', (lsn, _timestamp, replyRequested) => {
      this.#options.onKeepalive(parseLsn(lsn), replyRequested);
    });
    const plugin = new RawPgoutputPlugin({
      publicationName,
      onConnected: (client) => this.#onConnected(client),
      onMessage,
    });
    this.#ended = service.subscribe(plugin, slotName).then(
      () => this.#end(new ConnectorError('REPLICATION_LOST', 'the server ended the stream')),
      (error: unknown) => this.#end(replicationError(error, this.#streaming)),
    );
  }

  /** Not by the library's `acknowledge`, which says that what is confirmed is all that was received, and adds a byte. */
  sendStatus(status: Omit<StandbyStatus, 'nowMs'>): void {
    if (!this.#streaming) return;
    this.#wire?.sendCopyFromChunk(standbyStatus({ ...status, nowMs: this.#options.clock.now() }));
  }

  pause(): void {
    this.#wire?.stream.pause();
  }

  resume(): void {
    this.#wire?.stream.resume();
  }

  /**
   * Says CopyDone and reads on until the server has closed: closing a socket with unread data resets it, and a status
   * just sent could be lost. In the midst of a large transaction the server does not listen, so the wait is bounded.
   */
  async endInGoodOrder(graceMs: number): Promise<void> {
    if (!this.#streaming) return;
    this.#wire?.endCopyFrom();
    this.resume();
    await this.#within(this.#ended, graceMs);
  }

  /** Ends whatever state the connection is in; by force when the server does not close within the grace. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    // A paused socket would not see the server close.
    this.resume();
    // Before the handshake is done the library would wait for the server.
    if (this.#wire === null) this.#socket?.destroy();
    const closed = this.#service.destroy();
    await this.#within(closed, graceMs);
    this.#wire?.stream.destroy();
    this.#socket?.destroy();
    // A socket destroyed before it was connected never tells the client that it has ended, so this wait is bounded too.
    await this.#within(Promise.allSettled([closed, this.#ended]), graceMs);
  }

  /**
   * The library listens to its client's errors only some turns after it has connected. One that comes with the server's first
   * words (a session ended by an administrator, a server that shuts down) would end the process.
   */
  #hearFromTheStart(): void {
    const { _client: client } = this.#service as unknown as { readonly _client: pg.Client | null };
    client?.on('error', (error) => this.#options.onEnd(replicationError(error, this.#streaming)));
  }

  async #onConnected(client: pg.Client): Promise<{ slotName: string; startLsn: string }> {
    const wire = wireOf(client);
    this.#wire = wire;
    guardCopyFrames(wire, {
      expected: () => this.#streaming,
      refused: (error) => this.#options.onEnd(error),
    });
    client.on('end', () =>
      this.#end(new ConnectorError('REPLICATION_LOST', 'the replication connection was closed')),
    );
    if (this.#closing) {
      wire.stream.destroy();
      throw new ConnectorError('REPLICATION_LOST', 'the stream was stopped');
    }
    const { temporaryCopy } = this.#options;
    const session = await openSession(client, { ...this.#options, copy: temporaryCopy !== null });
    this.#session = session;
    // 0/0: from the slot's own position. A position before it is silently moved forward to it.
    return { slotName: session.slotName, startLsn: formatLsn(temporaryCopy?.from ?? ZERO_LSN) };
  }

  #onStart(): void {
    if (this.#session === null) return;
    this.#streaming = true;
    this.#options.onStart(this.#session);
  }

  #end(error: ConnectorError): void {
    this.#streaming = false;
    this.#options.onEnd(error);
  }

  async #within(work: Promise<unknown>, ms: number): Promise<void> {
    const over = new AbortController();
    await Promise.race([work, this.#options.clock.sleep(ms, over.signal)]);
    over.abort();
  }
}
