import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

/** Speaks as much of PostgreSQL's protocol as a replication session needs, and streams whatever frames it is given. */
export class FakeWalsender implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #startLsn: string;
  #frames: readonly Buffer[] = [];
  #early: readonly Buffer[] = [];
  #endsAtOnce = false;
  #apart = false;
  /** Flush positions of every status received. */
  confirmed: bigint[] = [];

  private constructor(server: Server, startLsn: bigint) {
    this.#server = server;
    this.#startLsn =
      `${(startLsn >> 32n).toString(16)}/${(startLsn & 0xffffffffn).toString(16)}`.toUpperCase();
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async listen(startLsn: bigint): Promise<FakeWalsender> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeWalsender(server, startLsn);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * What the next session gets as CopyData, right after it has asked for streaming.
   * @param options.apart each frame by itself, so that the receiver has its turn between them. Default: all at once.
   */
  stream(frames: readonly Buffer[], options: { readonly apart?: boolean } = {}): void {
    this.#frames = frames;
    this.#apart = options.apart ?? false;
    this.confirmed = [];
  }

  /** Sent before streaming is accepted. */
  beforeStreaming(frames: readonly Buffer[]): void {
    this.#early = frames;
  }

  /** Sessions are ended by an administrator in the very words that accept them. */
  endAtOnce(endsAtOnce: boolean): void {
    this.#endsAtOnce = endsAtOnce;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let pending = Buffer.alloc(0);
    let started = false;
    socket.on('data', (data) => {
      pending = Buffer.concat([pending, data]);
      for (;;) {
        // The first message has no kind.
        const lengthAt = started ? 1 : 0;
        if (pending.length < lengthAt + 4) return;
        const length = lengthAt + pending.readUInt32BE(lengthAt);
        if (pending.length < length) return;
        const message = pending.subarray(0, length);
        pending = pending.subarray(length);
        if (started) this.#answer(socket, message);
        else if (this.#endsAtOnce) socket.end(Buffer.concat([reply('R', int32(0)), READY, TERMINATED]));
        else socket.write(Buffer.concat([reply('R', int32(0)), READY]));
        started = true;
      }
    });
  }

  #answer(socket: Socket, message: Buffer): void {
    const body = message.subarray(5);
    switch (String.fromCharCode(message[0] as number)) {
      case 'Q': {
        const statement = body.toString('utf8');
        if (statement.startsWith('START_REPLICATION')) {
          void this.#copy(socket);
        } else if (statement.includes('pg_replication_slots')) {
          socket.write(Buffer.concat([...this.#slotRow(), DONE, READY]));
        } else {
          socket.write(Buffer.concat([DONE, READY]));
        }
        return;
      }
      case 'd':
        if (body[0] === 0x72) this.confirmed.push(body.readBigUInt64BE(9));
        return;
      case 'c':
        socket.write(Buffer.concat([reply('c'), DONE, READY]));
        return;
      case 'X':
        socket.end();
        return;
      default:
        socket.destroy();
    }
  }

  async #copy(socket: Socket): Promise<void> {
    const early = this.#early.map((frame) => reply('d', frame));
    const frames = this.#frames.map((frame) => reply('d', frame));
    socket.write(Buffer.concat([...early, reply('W', Buffer.alloc(3)), ...(this.#apart ? [] : frames)]));
    if (!this.#apart) return;
    for (const frame of frames) {
      await setImmediate();
      socket.write(frame);
    }
  }

  #slotRow(): Buffer[] {
    const row = {
      slot_name: 'slot',
      usable: 't',
      active_pid: null,
      confirmed_flush_lsn: this.#startLsn,
      wal_status: 'reserved',
      published: 't',
      wal_sender_timeout: '0',
    };
    const entries = Object.entries(row);
    const columns = entries.map(([name, value]) => {
      const type = value === 't' ? 16 : 25;
      return Buffer.concat([
        Buffer.from(`${name}\0`),
        int32(0),
        int16(0),
        int32(type),
        int16(-1),
        int32(-1),
        int16(0),
      ]);
    });
    const values = entries.map(([, value]) =>
      value === null ? int32(-1) : Buffer.concat([int32(value.length), Buffer.from(value)]),
    );
    return [
      reply('T', Buffer.concat([int16(entries.length), ...columns])),
      reply('D', Buffer.concat([int16(entries.length), ...values])),
    ];
  }
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

function reply(kind: string, body: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([Buffer.from(kind, 'latin1'), int32(body.length + 4), body]);
}

const READY = reply('Z', Buffer.from('I'));
const TERMINATED = reply(
  'E',
  Buffer.from('SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0'),
);
const DONE = reply('C', Buffer.from('SELECT 1\0'));

/** One pgoutput message as the walsender wraps it. */
export function walData(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from('w'), int64(1n), int64(1n), int64(0n), message]);
}

export function keepalive(walEnd: bigint, askReply = false): Buffer {
  return Buffer.concat([Buffer.from('k'), int64(walEnd), int64(0n), Buffer.from([askReply ? 1 : 0])]);
}
