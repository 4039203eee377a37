import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConnectorError, toError } from '../errors/connector-error.js';
import { BoundedConnections } from './connections.js';
import type { HealthState } from './health.js';
import type { Logger } from './logger.js';

export interface ProbeServerOptions {
  /** Default 127.0.0.1: what is served is for the platform's agents, not for the network. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly health: () => HealthState;
  /** Prometheus text. */
  readonly metrics: () => Promise<{ contentType: string; body: string }>;
  /** How long a client may take to send its request, and a scrape to be answered. Default 5,000. */
  readonly patienceMs?: number;
  readonly logger: Logger;
}

export interface ProbeServer {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

/** A probe sends a few hundred bytes and reads one answer; whoever does otherwise is cut off. */
const MAX_HEADER_BYTES = 8192;
const MAX_CONNECTIONS = 64;
/** Requests sent without waiting for answers would all be worked on at once. */
const MAX_REQUESTS_PER_CONNECTION = 100;
const DEFAULT_PATIENCE_MS = 5000;

/**
 * Serves `/livez`, `/readyz` (JSON with reasons; 503 when not) and `/metrics`; GET and HEAD of exactly these paths.
 *
 * Whatever is sent, it is answered or cut off within twice the patience, memory is bounded, and probes are answered meanwhile:
 * the work of the process must not depend on who else finds this port.
 * @throws ConnectorError HTTP_PORT_IN_USE, HTTP_LISTEN
 */
export async function startProbeServer(options: ProbeServerOptions): Promise<ProbeServer> {
  const host = options.host ?? '127.0.0.1';
  const connections = new BoundedConnections(MAX_CONNECTIONS);
  const patienceMs = options.patienceMs ?? DEFAULT_PATIENCE_MS;
  const scrape = oneAtATime(options.metrics, patienceMs);
  const limits = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: patienceMs,
    requestTimeout: patienceMs,
    keepAliveTimeout: patienceMs,
    connectionsCheckingInterval: Math.ceil(patienceMs / 5),
  };
  const server = createServer(limits, (request, response) => {
    // A body means nothing here: a short one is passed over, of a longer one nothing is waited for.
    request.resume();
    connections.answering(request.socket, 1);
    response.once('close', () => connections.answering(request.socket, -1));
    answer(request, options, scrape).then(
      (given) => send(request, response, given),
      (error: unknown) => {
        options.logger.error({ err: toError(error), path: pathOf(request) }, 'probe failed');
        send(request, response, { status: 500, contentType: TEXT, body: 'internal error\n' });
      },
    );
  });
  server.on('connection', (socket) => connections.add(socket));
  // Neither side sends anything: also whoever asks and does not read the answer.
  server.timeout = 2 * patienceMs;
  server.maxRequestsPerSocket = MAX_REQUESTS_PER_CONNECTION;
  await listen(server, host, options.port);
  const { port } = server.address() as AddressInfo;
  options.logger.info({ host, port }, 'serving /livez, /readyz and /metrics');
  return { host, port, close: () => close(server, connections) };
}

type Metrics = ProbeServerOptions['metrics'];

/** Those who ask while a scrape is under way get the same one; one that does not end in time is given up. */
function oneAtATime(metrics: Metrics, timeoutMs: number): Metrics {
  let running: ReturnType<Metrics> | null = null;
  return () => {
    running ??= within(metrics(), timeoutMs).finally(() => {
      running = null;
    });
    return running;
  };
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not answered within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Compared as sent: nothing is decoded or normalised, so no other spelling reaches a handler. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}

async function answer(
  request: IncomingMessage,
  options: ProbeServerOptions,
  scrape: Metrics,
): Promise<Answer> {
  const path = pathOf(request);
  if (path !== '/livez' && path !== '/readyz' && path !== '/metrics') {
    return { status: 404, contentType: TEXT, body: 'not found\n' };
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, contentType: TEXT, body: 'only GET and HEAD\n' };
  }
  if (path === '/metrics') return { status: 200, ...(await scrape()) };
  const state = options.health();
  const good = path === '/livez' ? state.live : state.live && state.ready;
  const body = { status: good ? 'ok' : 'unavailable', reasons: state.reasons, ...state.facts };
  return { status: good ? 200 : 503, contentType: JSON_TYPE, body: `${JSON.stringify(body)}\n` };
}

function send(request: IncomingMessage, response: ServerResponse, given: Answer): void {
  response.writeHead(given.status, {
    'content-type': given.contentType,
    'content-length': Buffer.byteLength(given.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(given.status === 405 ? { allow: 'GET, HEAD' } : {}),
    ...(hasBody(request) ? { connection: 'close' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : given.body);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const facts = { host, port, reason: error.code ?? null };
      reject(
        error.code === 'EADDRINUSE'
          ? new ConnectorError('HTTP_PORT_IN_USE', `port ${port} of ${host} is in use`, {
              cause: error,
              facts,
            })
          : new ConnectorError('HTTP_LISTEN', `cannot listen on ${host}, port ${port}`, {
              cause: error,
              facts,
            }),
      );
    });
    server.listen(port, host, () => resolve());
  });
}

function close(server: Server, connections: BoundedConnections): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    connections.closeAll();
  });
}
