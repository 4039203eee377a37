import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HealthState } from '../../src/observability/health.js';
import { startProbeServer, type ProbeServer } from '../../src/observability/http.js';
import { silentLogger } from '../../src/observability/logger.js';

let health: HealthState;
let metrics: () => Promise<{ contentType: string; body: string }>;
let server: ProbeServer;

beforeEach(async () => {
  health = { live: true, ready: true, reasons: [], facts: {} };
  metrics = () => Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' });
  server = await startProbeServer({
    port: 0,
    health: () => health,
    metrics: () => metrics(),
    logger: silentLogger,
  });
});
afterEach(() => server.close());

/** The path goes out exactly as given: fetch would tidy it up. */
async function get(path: string, method = 'GET') {
  const call = request({ host: '127.0.0.1', port: server.port, path, method });
  call.end();
  const [response] = await once(call, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

describe('the probe server', () => {
  it('listens on the loopback interface unless told otherwise', () => {
    expect(server.host).toBe('127.0.0.1');
    expect(server.port).toBeGreaterThan(0);
  });

  it('answers 200 while live and ready', async () => {
    expect((await get('/livez')).status).toBe(200);
    const ready = await get('/readyz');
    expect(ready.status).toBe(200);
    expect(JSON.parse(ready.body)).toEqual({ status: 'ok', reasons: [] });
  });

  it('says why it is not ready with 503, and stays live while it waits', async () => {
    health = {
      live: true,
      ready: false,
      reasons: ['waiting for the replication slot'],
      facts: { role: 'capture' },
    };
    const ready = await get('/readyz?verbose');
    expect(ready.status).toBe(503);
    expect(ready.headers['content-type']).toMatch(/^application\/json/);
    expect(JSON.parse(ready.body)).toEqual({
      status: 'unavailable',
      reasons: ['waiting for the replication slot'],
      role: 'capture',
    });
    expect((await get('/livez')).status).toBe(200);
  });

  it('is neither live nor ready once it has failed', async () => {
    health = { live: false, ready: true, reasons: ['stopping'], facts: {} };
    expect((await get('/livez')).status).toBe(503);
    expect((await get('/readyz')).status).toBe(503);
  });

  it('serves the metrics with their content type', async () => {
    const answer = await get('/metrics');
    expect(answer).toMatchObject({ status: 200, body: 'up 1\n' });
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4');
  });

  it('answers HEAD without a body', async () => {
    expect(await get('/readyz', 'HEAD')).toMatchObject({ status: 200, body: '' });
  });

  it.each([
    '/',
    '/livez/',
    '//livez',
    '/./livez',
    '/x/../livez',
    '/%6civez',
    '/LIVEZ',
    '/metrics%00',
    'http://h/livez',
  ])('knows only its three paths: 404 for %s', async (path) => {
    expect(await get(path)).toMatchObject({ status: 404, body: 'not found\n' });
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses %s with 405', async (method) => {
    const answer = await get('/readyz', method);
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET, HEAD');
  });

  it('refuses headers beyond 8 KiB with 431', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(9000)}\r\n\r\n`);
    const [first] = await once(socket, 'data');
    expect(String(first)).toMatch(/^HTTP\/1\.1 431 /);
    socket.destroy();
  });

  it('answers 500 without the reason when the metrics cannot be made', async () => {
    metrics = () => Promise.reject(new Error('secret detail'));
    expect(await get('/metrics')).toMatchObject({ status: 500, body: 'internal error\n' });
  });

  it('names the option when its port is in use', async () => {
    const second = startProbeServer({
      port: server.port,
      health: () => health,
      metrics,
      logger: silentLogger,
    });
    await expect(second).rejects.toMatchObject({ code: 'HTTP_PORT_IN_USE' });
    await expect(second).rejects.toThrow(`port ${server.port} of 127.0.0.1 is in use`);
  });

  it('names the option when its address is not of this machine', async () => {
    const elsewhere = { host: '192.0.2.1', port: 0, health: () => health, metrics, logger: silentLogger };
    await expect(startProbeServer(elsewhere)).rejects.toMatchObject({ code: 'HTTP_LISTEN' });
  });

  it('closes although a client keeps its connection open', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    await server.close();
    if (!socket.closed) await once(socket, 'close');
    server = await startProbeServer({ port: 0, health: () => health, metrics, logger: silentLogger });
  });
});
