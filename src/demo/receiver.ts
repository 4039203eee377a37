import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type {
  DroppedEvent,
  FaultScript,
  ReceivedEvent,
  ReceivedRequest,
  Receiver,
  ReceiverOptions,
} from './receiver-contract.js';
import {
  dropReason,
  isObject,
  MAX_BATCH_EVENTS,
  parseBody,
  refusal,
  SlidingSecond,
} from './segment-rules.js';

export type * from './receiver-contract.js';

/** Starts a local stand-in for Segment's `POST /v1/batch`, as strict as its documentation. */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const receiver = new LocalReceiver(options);
  await receiver.listen(options.host ?? '127.0.0.1', options.port ?? 0);
  return receiver;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

class LocalReceiver implements Receiver {
  readonly requests: ReceivedRequest[] = [];
  readonly events: ReceivedEvent[] = [];
  readonly dropped: DroppedEvent[] = [];
  readonly counts = { requests: 0, events: 0, duplicates: 0, dropped: 0, refused: 0, limited: 0 };
  readonly #options: ReceiverOptions;
  readonly #authorizations: ReadonlySet<string>;
  readonly #server = createServer((request, response) => this.#collect(request, response));
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #seen = new Set<string>();
  readonly #second = new SlidingSecond();
  readonly #waiters = new Set<() => void>();
  #script: FaultScript | null = null;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#authorizations = new Set([
      ...options.writeKeys.map((key) => `Basic ${Buffer.from(`${key}:`).toString('base64')}`),
      ...(options.bearerTokens ?? []).map((token) => `Bearer ${token}`),
    ]);
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://${this.#options.host ?? '127.0.0.1'}:${this.port}`;
  }

  respondWith(script: FaultScript | null): void {
    this.#script = script;
  }

  clear(): void {
    for (const list of [this.requests, this.events, this.dropped]) list.length = 0;
    this.#seen.clear();
    Object.assign(this.counts, { requests: 0, events: 0, duplicates: 0, dropped: 0, refused: 0, limited: 0 });
  }

  async waitUntil(condition: () => boolean, timeoutMs = 40_000): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(look);
        reject(new Error(`receiver: not within ${timeoutMs} ms; so far ${JSON.stringify(this.counts)}`));
      }, timeoutMs);
      this.#waiters.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #collect(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A client that goes away mid-request has sent nothing that counts.
    request.on('error', () => response.destroy());
    request.on('end', () => {
      this.#handle(request, response, Buffer.concat(chunks));
      for (const waiter of this.#waiters) waiter();
    });
  }

  #handle(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
    const body = parseBody(bytes);
    const calls = isObject(body) && Array.isArray(body['batch']) ? (body['batch'] as unknown[]) : [];
    const received: ReceivedRequest = {
      no: (this.counts.requests += 1),
      arrivedAtMs: performance.timeOrigin + performance.now(),
      method: request.method ?? '',
      path: request.url ?? '',
      bodyBytes: bytes.length,
      authorization: request.headers.authorization ?? null,
      sentAt: isObject(body) ? textOrNull(body['sentAt']) : null,
      messageIds: calls.map((call) => (isObject(call) ? (textOrNull(call['messageId']) ?? '') : '')),
      status: null,
    };
    if (this.#options.keep !== false) this.requests.push(received);
    const answer = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): void => {
      received.status = status;
      if (status >= 400) this.counts[status === 429 ? 'limited' : 'refused'] += 1;
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
      response.end(text);
    };
    const byTheRules = (): void => this.#answerByTheRules(received, body, calls, answer);
    const fault = this.#script?.(received, calls) ?? null;
    if (fault === null) {
      byTheRules();
      return;
    }
    switch (fault.tag) {
      case 'status':
        if (fault.accept === true) this.#accept(received, calls);
        answer(fault.status, fault.body ?? '{}', fault.headers);
        return;
      case 'delay':
        this.#later(fault.ms, byTheRules);
        return;
      case 'slow_body':
        this.#accept(received, calls);
        received.status = 200;
        response.writeHead(200, { 'Content-Type': 'application/json' });
        response.flushHeaders();
        this.#later(fault.ms, () => response.end('{"success":true}'));
        return;
      case 'truncate':
        if (fault.accept === true) this.#accept(received, calls);
        received.status = fault.status;
        response.writeHead(fault.status, { 'Content-Length': Buffer.byteLength(fault.body) });
        response.write(fault.body.slice(0, Math.floor(fault.body.length / 2)), () => response.destroy());
        return;
      case 'reset':
        if (fault.accept === true) this.#accept(received, calls);
        request.socket.resetAndDestroy();
        return;
      case 'hang':
        if (fault.accept === true) this.#accept(received, calls);
        return;
      default: {
        const never: never = fault;
        throw new Error(`unknown fault ${JSON.stringify(never)}`);
      }
    }
  }

  #answerByTheRules(
    received: ReceivedRequest,
    body: unknown,
    calls: readonly unknown[],
    answer: (status: number, text: string, headers?: Readonly<Record<string, string>>) => void,
  ): void {
    if (received.path !== '/v1/batch') return answer(404, '{"error":"not found"}');
    if (received.method !== 'POST') return answer(405, '{"error":"method not allowed"}');
    if (!this.#isKnown(received.authorization, body)) return answer(401, '{"error":"unknown write key"}');
    const why = refusal(body, received.bodyBytes);
    if (why !== null) return answer(400, JSON.stringify({ error: why }));
    const limit = this.#options.limitPerSecond === undefined ? 1_000 : this.#options.limitPerSecond;
    if (limit !== null) {
      const most = limit * (this.#options.limitTolerance ?? 1.1);
      if (this.#second.count(received.arrivedAtMs) + calls.length > most) {
        return answer(429, '{"error":"too many events"}', { 'Retry-After': '1', 'X-RateLimit-Reset': '1' });
      }
      this.#second.add(received.arrivedAtMs, calls.length);
    }
    this.#accept(received, calls);
    answer(200, '{"success":true}');
  }

  #isKnown(authorization: string | null, body: unknown): boolean {
    if (authorization !== null) return this.#authorizations.has(authorization);
    const inBody = isObject(body) ? body['writeKey'] : undefined;
    return typeof inBody === 'string' && this.#options.writeKeys.includes(inBody);
  }

  #accept(received: ReceivedRequest, calls: readonly unknown[]): void {
    const keep = this.#options.keep !== false;
    for (const [indexInRequest, call] of calls.entries()) {
      const reason = calls.length > MAX_BATCH_EVENTS ? 'batch over 2,500 calls' : dropReason(call);
      if (reason !== null || !isObject(call)) {
        const dropped = { requestNo: received.no, indexInRequest, reason: reason ?? 'not an object', call };
        this.counts.dropped += 1;
        if (keep) this.dropped.push(dropped);
        this.#options.onDropped?.(dropped);
        continue;
      }
      const messageId = String(call['messageId']);
      const event: ReceivedEvent = {
        arrivedAtMs: received.arrivedAtMs,
        requestNo: received.no,
        indexInRequest,
        type: String(call['type']),
        name: textOrNull(call['event']) ?? String(call['type']),
        messageId,
        userId: textOrNull(call['userId']),
        anonymousId: textOrNull(call['anonymousId']),
        call,
        duplicate: this.#seen.has(messageId),
      };
      this.#seen.add(messageId);
      this.counts.events += 1;
      if (event.duplicate) this.counts.duplicates += 1;
      if (keep) this.events.push(event);
      this.#options.onEvent?.(event);
    }
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
      for (const waiter of this.#waiters) waiter();
    }, ms);
    this.#timers.add(timer);
  }
}
