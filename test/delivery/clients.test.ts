import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { BatchClient } from '../../src/delivery/batch-client.js';
import { SdkClient } from '../../src/delivery/sdk-client.js';
import type { SegmentClient } from '../../src/delivery/segment-client.js';
import { startReceiver, type ReceivedEvent, type Receiver } from '../../src/demo/receiver.js';
import type { QueuedCall } from '../../src/queue/job.js';
import { queuedCall } from '../queue/sample-calls.js';

const KEY = 'wk_test';

function client(kind: 'batch' | 'sdk', host: string, requestTimeoutMs = 2_000): SegmentClient {
  const options = { writeKey: KEY, host, requestTimeoutMs };
  return kind === 'batch' ? new BatchClient(options) : new SdkClient({ ...options, oauth: null });
}

async function rig(kind: 'batch' | 'sdk', timeoutMs?: number) {
  const receiver = await startReceiver({ writeKeys: [KEY], limitPerSecond: null });
  const segment = client(kind, receiver.url, timeoutMs);
  return {
    receiver,
    segment,
    async [Symbol.asyncDispose]() {
      await segment.close();
      await receiver.close();
    },
  };
}

/** Every example of the nine events and the identify call, as a job would hold them. */
function examples(): QueuedCall[] {
  const directory = new URL('../events/examples/', import.meta.url);
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => {
      const json = JSON.stringify(JSON.parse(readFileSync(new URL(file, directory), 'utf8')));
      return { ...queuedCall('x'), messageId: (JSON.parse(json) as { messageId: string }).messageId, json };
    });
}

/** An event without what an SDK adds to it. */
function bare(event: ReceivedEvent): unknown {
  const { _metadata: _unused, integrations: _none, ...call } = structuredClone(event.call);
  delete (call['context'] as Record<string, unknown>)['library'];
  return call;
}

function arrived(receiver: Receiver): unknown[] {
  return receiver.events.map(bare);
}

test('on the wire both clients say the same, but for sentAt, library and what the SDK says of itself', async () => {
  await using batch = await rig('batch');
  await using sdk = await rig('sdk');
  const calls = [...examples(), ...Array.from({ length: 50 }, (_, i) => queuedCall(`m${i}`))];
  expect(await batch.segment.send({ calls })).toMatchObject({ tag: 'response', status: 200 });
  expect(await sdk.segment.send({ calls })).toMatchObject({ tag: 'response', status: 200 });
  expect(arrived(sdk.receiver)).toEqual(arrived(batch.receiver));
  expect(batch.receiver.events.map((event) => event.call)).toEqual(
    calls.map((call) => JSON.parse(call.json)),
  );
  for (const { requests } of [batch.receiver, sdk.receiver]) {
    expect(requests).toHaveLength(1);
    expect(Math.abs(Date.parse(requests[0]?.sentAt ?? '') - Date.now())).toBeLessThan(5_000);
  }
  expect(sdk.receiver.requests[0]?.authorization).toBe(batch.receiver.requests[0]?.authorization);
});

for (const kind of ['batch', 'sdk'] as const) {
  test(`${kind}: an answer is reported as the server gave it, and asked for once`, async () => {
    await using r = await rig(kind);
    const calls = [queuedCall('a'), queuedCall('b')];
    for (const status of [200, 400, 401, 403, 404, 408, 413, 429, 500, 503]) {
      const before = r.receiver.counts.requests;
      r.receiver.respondWith(() => ({
        tag: 'status',
        status,
        body: 'because',
        headers: { 'Retry-After': '17', Location: 'http://elsewhere/' },
      }));
      expect(await r.segment.send({ calls })).toMatchObject({
        tag: 'response',
        status,
        retryAfter: '17',
        bodyExcerpt: status === 200 ? '' : 'because',
      });
      expect(r.receiver.counts.requests).toBe(before + 1);
    }
    // After all those, the next batch is still sent as usual.
    r.receiver.respondWith(null);
    expect(await r.segment.send({ calls })).toMatchObject({ status: 200 });
    expect(r.receiver.events.slice(-2).map((event) => event.messageId)).toEqual(['a', 'b']);
  });

  test(`${kind}: a redirect is not followed`, async () => {
    await using r = await rig(kind);
    await using other = await rig('batch');
    r.receiver.respondWith(() => ({
      tag: 'status',
      status: 307,
      headers: { Location: `${other.receiver.url}/v1/batch` },
    }));
    expect(await r.segment.send({ calls: [queuedCall('a')] })).toMatchObject({ status: 307 });
    expect(other.receiver.counts.requests).toBe(0);
  });

  test(`${kind}: reset, hang, a server that is gone and giving up are no responses`, async () => {
    await using r = await rig(kind, 300);
    const calls = [queuedCall('a')];
    r.receiver.respondWith(() => ({ tag: 'reset', accept: true }));
    expect(await r.segment.send({ calls })).toMatchObject({ tag: 'no_response', reason: 'network' });
    r.receiver.respondWith(() => ({ tag: 'hang' }));
    expect(await r.segment.send({ calls })).toMatchObject({ tag: 'no_response', reason: 'timeout' });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    expect(await r.segment.send({ calls, signal: abort.signal })).toMatchObject({ reason: 'aborted' });
    r.receiver.respondWith(() => ({ tag: 'slow_body', ms: 10_000 }));
    expect(await r.segment.send({ calls })).toMatchObject({ tag: 'response', status: 200 });
    await r.receiver.close();
    expect(await r.segment.send({ calls })).toMatchObject({ tag: 'no_response', reason: 'network' });
  });

  test(`${kind}: 250 calls with many accents leave as one request below 500 KB`, async () => {
    await using r = await rig(kind);
    const calls = Array.from({ length: 250 }, (_, i) => queuedCall(`m${i}`));
    expect(await r.segment.send({ calls })).toMatchObject({ status: 200 });
    expect(r.receiver.events.map((event) => event.messageId)).toEqual(calls.map((call) => call.messageId));
    expect(r.receiver.counts.requests).toBe(1);
  });
}

test('sdk: a call it would drop in silence makes the batch unsendable, and nothing of it is sent later', async () => {
  await using r = await rig('sdk');
  const tooBig = queuedCall('big', { more: { fill: ' '.repeat(40_000) } });
  const calls = [queuedCall('a'), tooBig, queuedCall('b')];
  expect(await r.segment.send({ calls })).toMatchObject({ tag: 'unsendable' });
  expect(await r.segment.send({ calls: [tooBig] })).toMatchObject({ tag: 'unsendable' });
  const invalid = {
    ...queuedCall('c'),
    json: '{"type":"track","messageId":"c","userId":"1","properties":{}}',
  };
  expect(await r.segment.send({ calls: [queuedCall('a'), invalid] })).toMatchObject({ tag: 'unsendable' });
  expect(r.receiver.counts.requests).toBe(0);
  expect(await r.segment.send({ calls: [queuedCall('d')] })).toMatchObject({ status: 200 });
  expect(r.receiver.events.map((event) => event.messageId)).toEqual(['d']);
});

test('oauth: the SDK sends with the token it fetched; refused credentials and a broken token server are told apart', async () => {
  await using receiver = await startReceiver({
    writeKeys: [KEY],
    bearerTokens: ['token-1'],
    limitPerSecond: null,
  });
  let tokenStatus = 200;
  const server: Server = createServer((request, answer) => {
    request.resume().on('end', () => {
      answer.writeHead(tokenStatus, { 'Content-Type': 'application/json' });
      answer.end(tokenStatus === 200 ? '{"access_token":"token-1","expires_in":3600}' : '{"error":"no"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const authServer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const clientKey = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const oauth = { clientId: 'id', clientKey, keyId: 'kid', authServer, scope: null };
  const make = (): SdkClient =>
    new SdkClient({ writeKey: KEY, host: receiver.url, requestTimeoutMs: 1_000, oauth });
  const calls = [queuedCall('a')];
  const [good, refused, broken] = [make(), make(), make()];
  try {
    expect(await good.send({ calls })).toMatchObject({ status: 200 });
    expect(receiver.requests[0]?.authorization).toBe('Bearer token-1');
    tokenStatus = 401;
    expect(await refused.send({ calls })).toMatchObject({ tag: 'response', status: 401 });
    tokenStatus = 503;
    expect(await broken.send({ calls })).toMatchObject({ tag: 'no_response', reason: 'network' });
    tokenStatus = 200;
    expect(await broken.send({ calls })).toMatchObject({ status: 200 });
    const badKey = { ...oauth, clientKey: 'not a key' };
    expect(
      () => new SdkClient({ writeKey: KEY, host: receiver.url, requestTimeoutMs: 1_000, oauth: badKey }),
    ).toThrow('private key');
  } finally {
    for (const each of [good, refused, broken]) await each.close();
    await new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
  }
});
