import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, test } from 'vitest';

import type { DeliverySettings } from '../../src/config/source.js';
import { checkSegment } from '../../src/delivery/preflight.js';

const delivery = (host: string, writeKey = 'a-write-key'): DeliverySettings => ({
  name: 'default',
  writeKey,
  host,
  client: 'batch',
  oauth: null,
  rateLimitPerSecond: 1_000,
  rateLimitGroup: null,
  lanes: 1,
  paused: false,
  requestTimeoutMs: 1_000,
});

interface Listening extends AsyncDisposable {
  readonly url: string;
  readonly seen: string[];
}

async function listen(answer: boolean): Promise<Listening> {
  const seen: string[] = [];
  const server: Server = createServer((incoming, response) => {
    seen.push(`${incoming.method ?? ''} ${incoming.headers.authorization ?? 'without key'}`);
    if (answer) response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('any answer shows that Segment can be reached; no event and no key is sent', async () => {
  await using server = await listen(true);
  const findings = await checkSegment({ delivery: delivery(server.url) });
  expect(findings.map(({ id, level }) => [id, level])).toEqual([
    ['write-key', 'ok'],
    ['segment-scheme', 'ok'],
    ['segment-reachable', 'ok'],
  ]);
  expect(server.seen).toEqual(['HEAD without key']);
  expect(JSON.stringify(findings)).not.toContain('a-write-key');
});

test('a host that accepts and never answers is given up after the timeout', async () => {
  await using server = await listen(false);
  const findings = await checkSegment({ delivery: delivery(server.url), timeoutMs: 200 });
  expect(findings.at(-1)).toMatchObject({ id: 'segment-reachable', level: 'error' });
});

test('a host that refuses is an error with the reason', async () => {
  const findings = await checkSegment({ delivery: delivery('https://127.0.0.1:1'), timeoutMs: 2_000 });
  expect(findings.at(-1)).toMatchObject({ id: 'segment-reachable', level: 'error' });
  expect(findings.at(-1)?.what).toContain('ECONNREFUSED');
});

test('clear text to another machine is a warning', async () => {
  const findings = await checkSegment({ delivery: delivery('http://proxy.invalid'), timeoutMs: 500 });
  expect(findings[1]).toMatchObject({
    id: 'segment-scheme',
    level: 'warning',
    fix: 'SEGMENT_HOST=https://proxy.invalid',
  });
});

test.each([{ settings: null }, { settings: delivery('https://127.0.0.1:1', ' ') }])(
  'a missing or blank write key is an error',
  async ({ settings }) => {
    const findings = await checkSegment({ delivery: settings, timeoutMs: 500 });
    expect(findings[0]).toMatchObject({ id: 'write-key', level: 'error' });
  },
);
