import { expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/demo/embedded-postgres.js';
import { streaming, takeLabels, tier, until } from './streaming.js';

test('a server shuts down within seconds although not all it sent is confirmed, and sends that again afterwards', async () => {
  await using server = await startEmbeddedPostgres();
  await using s = await streaming({ server: server.url() });
  const stream = s.stream();
  await stream.start();
  await s.db.sql(tier('a'));
  expect((await takeLabels(stream, 1)).labels).toEqual(['a']);
  const began = Date.now();
  const ended = expect(stream.next()).rejects.toMatchObject({ code: 'REPLICATION_LOST', action: 'retry' });
  await server.halt('fast');
  expect(Date.now() - began).toBeLessThan(30_000);
  await ended;
  await stream.stop();
  await server.start();
  const next = s.stream();
  await next.start();
  expect((await takeLabels(next, 1)).labels).toEqual(['a']);
});

test('a server shuts down within seconds although whoever took its last transactions stands still', async () => {
  await using server = await startEmbeddedPostgres();
  await using s = await streaming({ server: server.url() });
  const stream = s.stream();
  await stream.start();
  await s.db.sql(tier('a'));
  const [taken] = await stream.next();
  const began = Date.now();
  await server.halt('fast');
  expect(Date.now() - began).toBeLessThan(30_000);
  expect(stream.failure).toMatchObject({ code: 'REPLICATION_LOST' });
  taken?.release();
  await stream.stop();
  await server.start();
});

test('a server shuts down within seconds although reading rests because too much is held', async () => {
  await using server = await startEmbeddedPostgres();
  await using s = await streaming({ server: server.url() });
  const pauses: boolean[] = [];
  const stream = s.stream({
    maxBufferedBytes: 100_000,
    observer: { onBackpressure: (paused) => pauses.push(paused) },
  });
  await stream.start();
  // More than the buffers of both sockets take, so that the server is stopped in the midst of sending.
  for (let i = 0; i < 30; i++) {
    await s.db.sql(
      `INSERT INTO loyalty.tier SELECT 1, 1, ${20_000 + i * 1_000} + i, repeat('x', 1000) FROM generate_series(1, 500) i`,
    );
  }
  await until(() => pauses.length === 1, 'reading paused');
  const began = Date.now();
  await server.halt('fast');
  expect(Date.now() - began).toBeLessThan(40_000);
  expect(stream.failure).toMatchObject({ code: 'REPLICATION_LOST', action: 'retry' });
  await stream.stop();
  await server.start();
  const next = s.stream();
  await next.start();
  expect((await takeLabels(next, 15_000)).labels).toHaveLength(15_000);
});

test('a server that goes on running asks no more often while something is unconfirmed, and is not given up', async () => {
  await using server = await startEmbeddedPostgres();
  await using s = await streaming({ server: server.url() });
  let keepalives = 0;
  let statuses = 0;
  const stream = s.stream({
    walSenderTimeoutMs: 900,
    observer: {
      onKeepalive: (_walEnd, asked) => {
        if (asked) keepalives += 1;
      },
      onStatus: () => {
        statuses += 1;
      },
    },
  });
  await stream.start();
  await s.db.sql(tier('a'));
  await takeLabels(stream, 1);
  const from = statuses;
  await until(() => statuses >= from + 8, 'more than two seconds of statuses');
  expect(keepalives).toBeLessThan(8);
  expect(stream.failure).toBeNull();
});
