import { connect, createServer, type Server, type Socket } from 'node:net';

import { expect, test } from 'vitest';

import { systemClock, type Clock } from '../../src/lifecycle/clock.js';
import { streaming, takeLabels, tier, until } from './streaming.js';

test('a paused stream stays alive far past wal_sender_timeout, and loses nothing', async () => {
  await using s = await streaming();
  await s.db.sql(`ALTER DATABASE ${s.db.name} SET wal_sender_timeout = '600ms'`);
  const pauses: boolean[] = [];
  let sent = 0;
  const stream = s.stream({
    maxBufferedBytes: 100_000,
    observer: {
      onBackpressure: (paused) => pauses.push(paused),
      onStatus: () => {
        sent += 1;
      },
    },
  });
  await stream.start();
  const pid = await s.senderPid();
  // More than the buffers of both sockets take, so that the server is stopped in the midst of sending.
  for (let i = 0; i < 30; i++) {
    await s.db.sql(
      `INSERT INTO loyalty.tier SELECT 1, 1, ${10_000 + i * 1_000} + i, repeat('x', 1000) FROM generate_series(1, 500) i`,
    );
  }
  await until(() => pauses.length === 1, 'reading paused');
  expect(stream.bufferedBytes).toBeLessThan(3_000_000);
  const target = sent + 12;
  await until(() => sent >= target, 'twelve statuses, four times the limit');
  expect(stream.failure).toBeNull();
  expect((await takeLabels(stream, 15_000)).labels).toHaveLength(15_000);
  expect(pauses.length % 2).toBe(0);
  expect(await s.senderPid()).toBe(pid);
});

test('an idle server is asked and answers: silence alone is no failure', async () => {
  await using s = await streaming();
  let sent = 0;
  const stream = s.stream({
    walSenderTimeoutMs: 600,
    observer: {
      onStatus: () => {
        sent += 1;
      },
    },
  });
  await stream.start();
  await until(() => sent >= 12, 'four times the limit');
  expect(stream.failure).toBeNull();
  await s.db.sql(tier('a'));
  expect((await takeLabels(stream, 1)).labels).toEqual(['a']);
});

test('a connection that has gone dead without closing is found out and can be retried', async () => {
  await using s = await streaming();
  await using proxy = await mutableProxy(new URL(s.db.url));
  const url = new URL(s.db.url);
  url.port = String(proxy.port);
  const stream = s.stream({
    connection: { connectionString: url.href },
    walSenderTimeoutMs: 600,
    stopGraceMs: 100,
  });
  await stream.start();
  await s.db.sql(tier('a'));
  expect((await takeLabels(stream, 1)).labels).toEqual(['a']);
  proxy.mute();
  await expect(stream.next()).rejects.toMatchObject({ code: 'REPLICATION_SILENT', action: 'retry' });
  await stream.stop();
});

test('where the server sets no limit, two idle minutes are borne and a connection that has gone dead is found out all the same', async () => {
  await using s = await streaming();
  await s.db.sql(`ALTER DATABASE ${s.db.name} SET wal_sender_timeout = 0`);
  await using proxy = await mutableProxy(new URL(s.db.url));
  const url = new URL(s.db.url);
  url.port = String(proxy.port);
  const clock = timesTwenty();
  const stream = s.stream({ connection: { connectionString: url.href }, clock, stopGraceMs: 100 });
  await stream.start();
  const startedMs = clock.now();
  const pid = await s.senderPid();
  await until(() => clock.now() - startedMs > 120_000, 'two minutes');
  expect(stream.failure).toBeNull();
  await s.db.sql(tier('a'));
  expect((await takeLabels(stream, 1)).labels).toEqual(['a']);
  expect(await s.senderPid()).toBe(pid);
  proxy.mute();
  const mutedMs = clock.now();
  await expect(stream.next()).rejects.toMatchObject({ code: 'REPLICATION_SILENT', action: 'retry' });
  expect(clock.now() - mutedMs).toBeLessThan(90_000);
  await stream.stop();
});

/** A clock that runs twenty times as fast; the server's answers take a little longer on it, and no more than that. */
function timesTwenty(): Clock {
  const beginMs = systemClock.now();
  return {
    now: () => beginMs + (systemClock.now() - beginMs) * 20,
    sleep: async (ms, signal) => systemClock.sleep(ms / 20, signal),
  };
}

interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** From now on nothing passes, and nothing is closed. */
  mute(): void;
}

async function mutableProxy(target: URL): Promise<Proxy> {
  let muted = false;
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (!muted) to.write(chunk);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        if (!muted) to.destroy();
      });
    } // prettier-ignore
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    mute: () => {
      muted = true;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
