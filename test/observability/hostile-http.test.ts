import { once } from 'node:events';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startProbeServer, type ProbeServer } from '../../src/observability/http.js';
import { createLogger } from '../../src/observability/logger.js';
import { eventually } from '../support/eventually.js';
import { fuzzTimeoutMs, runs } from '../support/fuzz-runs.js';
import { exchange, openSocket, statuses } from './raw-http.js';

/** A tenth of the default: everything that takes time takes it in proportion. */
const PATIENCE_MS = 500;
/** The promise is twice the patience; the rest is for a slow machine. */
const CUT_OFF_MS = 2 * PATIENCE_MS + 8_000;
const PROBE = 'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

let metrics: () => Promise<{ contentType: string; body: string }>;
let server: ProbeServer;
let logged: string;

async function serve(patienceMs: number): Promise<ProbeServer> {
  return startProbeServer({
    port: 0,
    health: () => ({ live: true, ready: true, reasons: [], facts: {} }),
    metrics: () => metrics(),
    patienceMs,
    logger: createLogger('debug', { write: (line) => void (logged += line) }),
  });
}

beforeEach(async () => {
  logged = '';
  metrics = () => Promise.resolve({ contentType: 'text/plain', body: 'up 1\n' });
  server = await serve(PATIENCE_MS);
});
afterEach(() => server.close());

async function livez(): Promise<number[]> {
  return statuses((await exchange(server.port, [PROBE], { withinMs: 5_000 })).received);
}

/** Unlike `once`, not ended by an error: a connection that is cut off may say so. */
function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}

const words = fc.oneof(
  fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS', 'TRACE', 'CONNECT', 'PRI', 'get', 'G\0T', 'BREW', ''),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const targets = fc.oneof(
  fc.constantFrom(
    '/livez',
    '/readyz',
    '/metrics',
    '//metrics',
    '/../livez',
    '/./livez',
    '/livez/..;/',
    '/%6civez',
    '/livez%00',
    '/livez\0',
    '/%2e%2e/livez',
    'http://h/livez',
    'https://user:pw@h/metrics',
    '*',
    'livez',
    '/livez#x',
    '/livez?a=b',
    '/metrics;v=1',
    '\\livez',
    '/livez\\',
    '/../../etc/passwd',
    `/${'a'.repeat(9_000)}`,
    'h:80',
  ),
  fc.webPath(),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const versions = fc.constantFrom(
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/0.9',
  'HTTP/2.0',
  'HTTP/9.9',
  'HTTP',
  '',
  'ICY',
);
const headers = fc.array(
  fc.oneof(
    fc.constantFrom(
      'Host: x',
      'Host:',
      'Host: a\r\nHost: b',
      'Host: x:99999',
      'Content-Length: 5',
      'Content-Length: -1',
      'Content-Length: 5\r\nContent-Length: 6',
      'Transfer-Encoding: chunked',
      'Transfer-Encoding: gzip, chunked',
      'Content-Length: 3\r\nTransfer-Encoding: chunked',
      'Expect: 100-continue',
      'Expect: tea',
      'Connection: upgrade',
      'Upgrade: websocket\r\nConnection: upgrade',
      'Connection: close',
      'Connection: keep-alive',
      ' folded',
      ': none',
      'Content-Length: 99999999999999999999',
      'Range: bytes=0-',
      'X\0: y',
      `X-Long: ${'a'.repeat(9_000)}`,
    ),
    fc
      .tuple(fc.string({ maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 20 }))
      .map(([k, v]) => `${k}: ${v}`),
  ),
  { maxLength: 6 },
);
const ends = fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r');
const bodies = fc.constantFrom(
  '',
  '',
  'hello',
  '5\r\nhello\r\n0\r\n\r\n',
  'ffffffffff\r\n',
  '-1\r\n',
  '\0\0\0',
  PROBE,
);
const request = fc
  .tuple(words, targets, versions, headers, ends, bodies)
  .map(
    ([method, target, version, fields, end, body]) =>
      [`${method} ${target} ${version}`, ...fields, '', ''].join(end) + body,
  );
const garbage = fc.oneof(
  request,
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.constantFrom(
    '',
    '\r\n',
    '\r\n\r\n',
    'GET',
    'GET /livez',
    'GET /livez\r\n',
    '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',
  ),
  fc.constant(PROBE),
);

/** Good answers, refusals, and what Node answers of itself to expectations and to too many requests. */
const ANSWERS = new Set([100, 200, 400, 404, 405, 408, 413, 414, 417, 431, 503]);

test(
  'whatever is sent is answered with a refusal or cut off in time, and probes are answered all the while',
  async () => {
    const clients = fc.array(
      fc.record({ pieces: fc.array(garbage, { minLength: 1, maxLength: 3 }), half: fc.boolean() }),
      {
        minLength: 5,
        maxLength: 15,
      },
    );
    await fc.assert(
      fc.asyncProperty(clients, async (all) => {
        const sent = all.map(async ({ pieces, half }) =>
          exchange(server.port, pieces, { withinMs: CUT_OFF_MS, half }),
        );
        expect(await livez()).toEqual([200]);
        for (const { received, closed } of await Promise.all(sent)) {
          expect(closed).toBe(true);
          for (const status of statuses(received)) expect(ANSWERS).toContain(status);
        }
        expect(await livez()).toEqual([200]);
      }),
      runs(4),
    );
  },
  fuzzTimeoutMs(40_000),
);

describe('a client that takes its time', () => {
  const header = 'GET /livez HTTP/1.1\r\nX-Drip: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
  const post = 'POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n';
  const chunk = 'GET /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx';
  const cases: Record<string, { pieces: readonly string[]; apartMs?: number }> = {
    'says nothing': { pieces: [] },
    'drips its header, byte by byte': { pieces: header.split(''), apartMs: 120 },
    'drips its body, byte by byte': { pieces: [post, ...'b'.repeat(60).split('')], apartMs: 120 },
    'stops in the midst of a chunk': { pieces: [chunk] },
    'keeps its connection and asks nothing more': { pieces: ['GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'] },
  };

  test(`is cut off in time: one that ${Object.keys(cases).join(', ')}`, async () => {
    const ended = Object.entries(cases).map(async ([name, { pieces, ...pace }]) => {
      const { closed } = await exchange(server.port, pieces, { withinMs: CUT_OFF_MS, ...pace });
      return { name, closed };
    });
    for (const each of await Promise.all(ended)) expect(each).toMatchObject({ closed: true });
  });

  test('and never reads its answers is cut off, and what waits for it stays small', async () => {
    metrics = () => Promise.resolve({ contentType: 'text/plain', body: 'x'.repeat(1_000_000) });
    const before = process.memoryUsage().rss;
    const socket = await openSocket(server.port);
    socket.pause();
    const ask = (): boolean => socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
    for (let i = 0; i < 90; i += 1) ask();
    expect(await livez()).toEqual([200]);
    // A connection that is not read notices its end only when it writes.
    await eventually(() => !ask() || socket.destroyed, 'the connection cut off', CUT_OFF_MS);
    await eventually(() => socket.destroyed, 'the connection cut off', CUT_OFF_MS);
    // Half of all the answers together: they are not made before they can be sent.
    expect(process.memoryUsage().rss - before).toBeLessThan(45_000_000);
  });
});

describe('many at once', () => {
  test('more connections than there is room for push each other out, not the probes', async () => {
    const sockets: Socket[] = [];
    for (let i = 0; i < 300; i += 1) sockets.push(await openSocket(server.port));
    // What is not read does not hear that it ended.
    for (const socket of sockets) socket.resume();
    const slow = sockets.map((socket) => socket.write('GET /livez HTTP/1.1\r\n'));
    expect(slow).toHaveLength(300);
    const started = performance.now();
    expect(await livez()).toEqual([200]);
    expect(performance.now() - started).toBeLessThan(2_000);
    await eventually(() => sockets.filter((socket) => !socket.destroyed).length <= 64, 'the others cut off');
    for (const socket of sockets) socket.destroy();
  });

  test('requests sent without waiting for answers are worked on up to a bound, and share one scrape', async () => {
    let scrapes = 0;
    metrics = async () => {
      scrapes += 1;
      await Promise.resolve();
      return { contentType: 'text/plain', body: 'up 1\n' };
    };
    const pipelined = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2_000);
    const { received, closed } = await exchange(server.port, [pipelined], { withinMs: CUT_OFF_MS });
    expect(closed).toBe(true);
    const seen = statuses(received);
    expect(seen.filter((status) => status === 200).length).toBeLessThanOrEqual(100);
    expect(new Set(seen.filter((status) => status !== 200)).size).toBeLessThanOrEqual(1);
    expect(scrapes).toBeLessThanOrEqual(100);
  });

  test('who asks while a scrape is under way gets the same one', async () => {
    let scrapes = 0;
    const going = new AbortController();
    metrics = async () => {
      scrapes += 1;
      if (!going.signal.aborted) await once(going.signal, 'abort');
      return { contentType: 'text/plain', body: 'up 1\n' };
    };
    const get = 'GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const asked = Array.from({ length: 10 }, async () => exchange(server.port, [get], { withinMs: 5_000 }));
    await eventually(() => scrapes > 0, 'the first');
    expect(await livez()).toEqual([200]);
    going.abort();
    for (const { received } of await Promise.all(asked)) expect(statuses(received)).toEqual([200]);
    expect(scrapes).toBeLessThanOrEqual(10);
  });
});

describe('a body nobody wants', () => {
  test('is not read to its end, nor as long as patience lasts', async () => {
    await server.close();
    server = await serve(60_000);
    const before = process.memoryUsage().rss;
    const socket = await openSocket(server.port);
    const closed = closing(socket);
    socket.write('POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000000\r\n\r\n');
    const flood = Buffer.alloc(1_048_576);
    let sent = 0;
    for (; !socket.destroyed && sent < 2_000; sent += 1) {
      if (!socket.write(flood)) await Promise.race([once(socket, 'drain').catch(() => closed), closed]);
    }
    await closed;
    expect(sent).toBeLessThan(2_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
    expect(await livez()).toEqual([200]);
  });

  test('that is short does no harm to the answer', async () => {
    const get = 'GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello';
    const { received, closed } = await exchange(server.port, [get], { withinMs: CUT_OFF_MS });
    expect(statuses(received)).toEqual([200]);
    expect(closed).toBe(true);
  });
});

describe('a scrape that goes wrong', () => {
  const get = 'GET /metrics?token=s3cret HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

  test('is an error without its reason, is logged without what was asked for, and the next one is tried anew', async () => {
    metrics = () => Promise.reject(new Error('a collector has thrown'));
    const { received } = await exchange(server.port, [get], { withinMs: 5_000 });
    expect(statuses(received)).toEqual([500]);
    expect(received).not.toContain('collector');
    expect(logged).toContain('a collector has thrown');
    expect(logged).not.toContain('s3cret');
    metrics = () => Promise.resolve({ contentType: 'text/plain', body: 'up 1\n' });
    expect(statuses((await exchange(server.port, [get], { withinMs: 5_000 })).received)).toEqual([200]);
  });

  test('that never ends is answered with an error in time, and does not hold up the next one', async () => {
    metrics = () => new Promise(() => undefined);
    const { received } = await exchange(server.port, [get], { withinMs: CUT_OFF_MS });
    expect(statuses(received)).toEqual([500]);
    metrics = () => Promise.resolve({ contentType: 'text/plain', body: 'up 1\n' });
    expect(statuses((await exchange(server.port, [get], { withinMs: 5_000 })).received)).toEqual([200]);
  });
});

test('closing ends at once with connections open in every state', async () => {
  metrics = () => new Promise(() => undefined);
  const sockets: Socket[] = [];
  const says = [
    '',
    'GET /livez',
    'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx',
  ];
  for (const [i, text] of [...says, ...says].entries()) {
    const socket = await openSocket(server.port);
    socket.write(text);
    if (i >= says.length) socket.end();
    socket.resume();
    sockets.push(socket);
  }
  const started = performance.now();
  await server.close();
  expect(performance.now() - started).toBeLessThan(1_000);
  await eventually(() => sockets.every((socket) => socket.destroyed), 'all closed');
  server = await serve(PATIENCE_MS);
});
