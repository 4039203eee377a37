import { Socket } from 'node:net';

/**
 * The sockets under a pool's connections. The driver waits for its server as long as it takes; on a machine that stands
 * still, or behind a firewall that has forgotten the connection, that is a quarter of an hour or for ever.
 */
export class PoolSockets {
  readonly #silenceLimitMs: number;
  readonly #open = new Set<Socket>();

  /** @param silenceLimitMs a socket on which nothing moved for so long is given up; 0: never. */
  constructor(silenceLimitMs: number) {
    this.#silenceLimitMs = silenceLimitMs;
  }

  /** A socket for the driver to connect. */
  make(): Socket {
    const socket = new Socket();
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    // No error of its own: the driver tells whoever waits that the connection has ended.
    if (this.#silenceLimitMs > 0) socket.setTimeout(this.#silenceLimitMs, () => socket.destroy());
    return socket;
  }

  /** Ends every connection; statements on them fail. */
  destroy(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
