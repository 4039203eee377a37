import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** What came back on a connection until it was closed, or until `enough` was seen. */
export interface Exchange {
  readonly received: string;
  readonly closed: boolean;
  readonly tookMs: number;
}

export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Statuses of the responses in a text. */
export function statuses(received: string): number[] {
  return [...received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map((match) => Number(match[1]));
}

/** Sends the pieces, one after the other, and gives what comes back until the server closes or the time is up. */
export async function exchange(
  port: number,
  pieces: readonly (string | Buffer)[],
  options: { readonly withinMs: number; readonly apartMs?: number; readonly half?: boolean },
): Promise<Exchange> {
  const started = performance.now();
  const socket = await openSocket(port);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  let closed = false;
  const over = new AbortController();
  socket.on('close', () => {
    closed = true;
    over.abort();
  });
  for (const piece of pieces) {
    if (closed) break;
    socket.write(piece, 'latin1');
    if (options.apartMs !== undefined) await delay(options.apartMs);
  }
  if (options.half === true) socket.end();
  const leftMs = options.withinMs - (performance.now() - started);
  if (!closed) await delay(leftMs, undefined, { signal: over.signal }).catch(() => undefined);
  const tookMs = performance.now() - started;
  socket.destroy();
  return { received: Buffer.concat(chunks).toString('latin1'), closed, tookMs };
}
