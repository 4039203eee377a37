import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

/** `up` is from the client to the server. */
export type Direction = 'up' | 'down';

/**
 * What the way does with bytes. `pass` forwards them. `hold` keeps them and closes nothing, new connections are taken and get
 * no answer: half-open, as behind a firewall that forgot. `one-way` does so in one direction. `slow` delays each piece.
 * `refuse` resets new connections at once.
 */
export type WayMode =
  | { readonly tag: 'pass' }
  | { readonly tag: 'hold' }
  | { readonly tag: 'one-way'; readonly blocked: Direction }
  | { readonly tag: 'slow'; readonly delayMs: number }
  | { readonly tag: 'refuse' };

export const PASS: WayMode = { tag: 'pass' };

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** The same address with this proxy's port. */
  through(url: string): string;
  /** Holds for open connections and new ones. Bytes held back are forwarded when the way lets them pass again. */
  set(mode: WayMode): void;
  /** Other connections to the target from now on; open ones stay. */
  retarget(port: number): void;
  /** Nothing passes on the open connections any more, for good, and nobody is told; new ones pass: a firewall forgot them. */
  strand(): void;
  /** Resets every open connection. */
  cut(): void;
  /** Open just now. */
  readonly connections: number;
  /** Clients that came so far, also those that were reset at once. */
  readonly met: number;
  close(): Promise<void>;
}

/** A way to a server on 127.0.0.1 that can be cut, held, slowed and turned elsewhere. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const links = new Set<Link>();
  let target = targetPort;
  let mode = PASS;
  let met = 0;
  const server = createServer({ pauseOnConnect: true }, (client) => {
    met += 1;
    if (mode.tag === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, () => connect(target, '127.0.0.1'), mode);
    links.add(link);
    link.onClosed(() => links.delete(link));
  });
  const port = await listen(server);
  const cut = (): void => {
    for (const link of links) link.cut();
  };
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    cut();
    await closed;
  };
  return {
    port,
    through: (url) => {
      const changed = new URL(url);
      changed.port = String(port);
      return changed.href;
    },
    set: (next) => {
      mode = next;
      for (const link of links) link.set(next);
    },
    retarget: (next) => {
      target = next;
    },
    strand: () => {
      for (const link of links) link.strand();
    },
    cut,
    get connections() {
      return links.size;
    },
    get met() {
      return met;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** One client's connection with its counterpart, which is opened when bytes may go up. */
class Link {
  readonly #client: Socket;
  readonly #open: () => Socket;
  readonly #up = new Way();
  readonly #down = new Way();
  #server: Socket | null = null;
  #mode: WayMode = PASS;
  #stranded = false;
  #closed: () => void = () => undefined;

  constructor(client: Socket, open: () => Socket, mode: WayMode) {
    this.#client = client;
    this.#open = open;
    this.#watch(client, this.#up, () => this.#server);
    this.set(mode);
  }

  onClosed(closed: () => void): void {
    this.#closed = closed;
  }

  set(mode: WayMode): void {
    if (this.#stranded) return;
    this.#mode = mode;
    if (this.#server === null && this.#flows('up')) {
      this.#server = this.#open();
      this.#watch(this.#server, this.#down, () => this.#client);
    }
    for (const way of [this.#up, this.#down]) way.delayMs = mode.tag === 'slow' ? mode.delayMs : 0;
    this.#flow(this.#client, 'up');
    if (this.#server !== null) this.#flow(this.#server, 'down');
  }

  strand(): void {
    this.set({ tag: 'hold' });
    this.#stranded = true;
  }

  cut(): void {
    this.#client.resetAndDestroy();
    this.#server?.resetAndDestroy();
  }

  #watch(from: Socket, way: Way, to: () => Socket | null): void {
    // An end that breaks takes the other with it; that is all there is to say about it.
    from.on('error', () => undefined);
    from.once('close', () => this.#close());
    from.once('end', () => way.push(() => to()?.end()));
    from.on('data', (chunk: Buffer) =>
      way.push(() => {
        const socket = to();
        if (socket === null || socket.destroyed || socket.write(chunk)) return;
        from.pause();
        socket.once('drain', () => this.set(this.#mode));
      }),
    );
  }

  #flows(direction: Direction): boolean {
    const mode = this.#mode;
    return !(mode.tag === 'hold' || (mode.tag === 'one-way' && mode.blocked === direction));
  }

  #flow(socket: Socket, direction: Direction): void {
    if (this.#flows(direction)) socket.resume();
    else socket.pause();
  }

  #close(): void {
    this.#up.close();
    this.#down.close();
    this.#client.destroy();
    this.#server?.destroy();
    this.#closed();
  }
}

/** One direction: pieces leave in the order in which they came, whatever the delays in between. */
class Way {
  delayMs = 0;
  readonly #waiting: { readonly dueAtMs: number; readonly act: () => void }[] = [];
  #timer: NodeJS.Timeout | null = null;

  push(act: () => void): void {
    this.#waiting.push({ dueAtMs: performance.now() + this.delayMs, act });
    if (this.#timer === null) this.#drain();
  }

  close(): void {
    this.#waiting.length = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #drain(): void {
    this.#timer = null;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const waitMs = next.dueAtMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#drain(), waitMs);
        return;
      }
      this.#waiting.shift();
      next.act();
    }
  }
}
