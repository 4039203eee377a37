import { expect, test } from 'vitest';
import { startReceiver, type ReceiverOptions } from '../../src/demo/receiver.js';

const KEY = 'wk_test';

function call(id: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { type: 'track', event: 'Check-In', messageId: id, userId: 'u1', properties: {}, ...more };
}

async function start(options: Partial<ReceiverOptions> = {}) {
  const receiver = await startReceiver({ writeKeys: [KEY], ...options });
  const post = async (body: unknown, key = KEY, path = '/v1/batch', method = 'POST') => {
    const init = { method, headers: { Authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` } };
    const answer = await fetch(
      receiver.url + path,
      method === 'POST' ? { ...init, body: typeof body === 'string' ? body : JSON.stringify(body) } : init,
    );
    await answer.text();
    return answer;
  };
  return { receiver, post, [Symbol.asyncDispose]: () => receiver.close() };
}

test('a good batch is kept with its order and a repeated message id is flagged', async () => {
  await using r = await start();
  const answer = await r.post({ batch: [call('a'), call('b')], sentAt: '2026-01-01T00:00:00Z' });
  expect(answer.status).toBe(200);
  await r.post({ batch: [call('b')], sentAt: '2026-01-01T00:00:00Z' });
  expect(r.receiver.events.map((event) => [event.messageId, event.duplicate])).toEqual([
    ['a', false],
    ['b', false],
    ['b', true],
  ]);
  expect(r.receiver.requests[0]).toMatchObject({
    status: 200,
    messageIds: ['a', 'b'],
    sentAt: '2026-01-01T00:00:00Z',
  });
});

test('an unknown write key, another path and another method are refused', async () => {
  await using r = await start();
  expect((await r.post({ batch: [call('a')] }, 'other')).status).toBe(401);
  expect((await r.post({ batch: [call('a')] }, KEY, '/v1/track')).status).toBe(404);
  expect((await r.post(null, KEY, '/v1/batch', 'GET')).status).toBe(405);
  expect(r.receiver.counts).toMatchObject({ events: 0, refused: 3 });
});

test('sizes count in true bytes: a call over 32 KB, a request over 500 KB and broken JSON get 400', async () => {
  await using r = await start();
  const wide = 'é'.repeat(17 * 1024);
  expect((await r.post({ batch: [call('a', { properties: { wide } })] })).status).toBe(400);
  const fill = 'x'.repeat(20 * 1024);
  const big = Array.from({ length: 26 }, (_, i) => call(`b${i}`, { properties: { fill } }));
  expect((await r.post({ batch: big })).status).toBe(400);
  expect((await r.post({ batch: big.slice(0, 24) })).status).toBe(200);
  expect((await r.post('{"batch":[')).status).toBe(400);
  expect((await r.post({ batch: [] })).status).toBe(400);
});

test('what Segment accepts and then drops is answered 200 and flagged', async () => {
  await using r = await start({ limitPerSecond: null });
  const bad = [
    call('a', { userId: '' }),
    call('', {}),
    call('m'.repeat(100)),
    call('b', { event: '' }),
    call('c', { properties: [] }),
    call('d', { timestamp: 'yesterday' }),
    call('good', { userId: undefined, anonymousId: 'x' }),
  ];
  expect((await r.post({ batch: bad })).status).toBe(200);
  expect(r.receiver.dropped.map((event) => event.indexInRequest)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(r.receiver.events.map((event) => event.messageId)).toEqual(['good']);
  r.receiver.clear();
  const many = Array.from({ length: 2_501 }, (_, i) => call(`m${i}`));
  expect((await r.post({ batch: many })).status).toBe(200);
  expect(r.receiver.counts).toMatchObject({ events: 0, dropped: 2_501 });
});

test('too many events in a sliding second get 429 with Retry-After', async () => {
  await using r = await start({ limitPerSecond: 100, limitTolerance: 1 });
  const batch = (n: number) => ({ batch: Array.from({ length: n }, (_, i) => call(`${n}-${i}`)) });
  expect((await r.post(batch(60))).status).toBe(200);
  const limited = await r.post(batch(41));
  expect(limited.status).toBe(429);
  expect(limited.headers.get('retry-after')).toBe('1');
  expect((await r.post(batch(40))).status).toBe(200);
});

test('scripted faults: status, reset after acceptance, delay, slow body and an answer that breaks off', async () => {
  await using r = await start();
  const faults = [
    { tag: 'status', status: 503 },
    { tag: 'reset', accept: true },
    { tag: 'delay', ms: 5 },
    { tag: 'slow_body', ms: 5 },
    { tag: 'truncate', status: 200, body: '{"success":true}', accept: true },
  ] as const;
  r.receiver.respondWith((request) => faults[request.no - 1] ?? null);
  expect((await r.post({ batch: [call('a')] })).status).toBe(503);
  await expect(r.post({ batch: [call('a')] })).rejects.toThrow();
  expect(r.receiver.counts.events).toBe(1);
  expect((await r.post({ batch: [call('a')] })).status).toBe(200);
  expect((await r.post({ batch: [call('b')] })).status).toBe(200);
  await expect(r.post({ batch: [call('c')] })).rejects.toThrow();
  expect(r.receiver.requests.at(-1)?.status).toBe(200);
  expect(r.receiver.counts).toMatchObject({ events: 4, duplicates: 1 });
});
