import type { Socket } from 'node:net';

/**
 * The connections a server holds, bounded. At the bound a newcomer is let in and the one that has waited longest without
 * anything being answered on it goes: whoever opens many and sends nothing only pushes out their own.
 */
export class BoundedConnections {
  readonly #most: number;
  /** By age; how many requests are being answered on each. */
  readonly #open = new Map<Socket, number>();

  constructor(most: number) {
    this.#most = most;
  }

  add(socket: Socket): void {
    this.#open.set(socket, 0);
    socket.once('close', () => this.#open.delete(socket));
    if (this.#open.size > this.#most) this.#oldestIdle()?.destroy();
  }

  /** A request on it is being answered, or no longer. */
  answering(socket: Socket, by: 1 | -1): void {
    const requests = this.#open.get(socket);
    if (requests !== undefined) this.#open.set(socket, requests + by);
  }

  closeAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }

  #oldestIdle(): Socket | undefined {
    let oldest: Socket | undefined;
    for (const [socket, requests] of this.#open) {
      // One destroyed already leaves when its `close` comes.
      if (socket.destroyed) continue;
      if (requests === 0) return socket;
      oldest ??= socket;
    }
    return oldest;
  }
}
