import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { StreamFloor } from '../../src/capture/stream-floor.js';
import { ConnectorError } from '../../src/errors/connector-error.js';
import { systemClock } from '../../src/lifecycle/clock.js';
import { silentLogger } from '../../src/observability/logger.js';
import { WalStream } from '../../src/replication/wal-stream.js';
import { runs } from '../support/fuzz-runs.js';
import { FakeWalsender, keepalive, walData } from './fake-walsender.js';
import { damagedStream, wholeStream } from './hostile-streams.js';
import { commitMessage, beginMessage } from './pgoutput-messages.js';
import { changeOf, ReferenceReader, Refused } from './reference-reader.js';

const START = 1_000n;
const FAR = 9_000_000n;

let server: FakeWalsender;
let spillDir: string;

beforeAll(async () => {
  server = await FakeWalsender.listen(START);
  spillDir = mkdtempSync(join(tmpdir(), 'hostile-server-'));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(spillDir, { recursive: true, force: true });
});

interface Meaning {
  /** Ends of the transactions that can be read from the first to the last row. */
  readonly ends: readonly bigint[];
  /** What ends the stream; null: nothing does. */
  readonly code: string | null;
  /** The highest position that may be confirmed. */
  readonly limit: bigint;
}

/** What the frames mean: up to where they are whole, and what of it may be confirmed. */
function meaningOf(frames: readonly Buffer[]): Meaning {
  const reader = new ReferenceReader();
  const ends: bigint[] = [];
  let limit = START;
  let open = false;
  for (const frame of frames) {
    try {
      if (frame[0] === 0x77 && frame.length >= 25) {
        const message = frame.subarray(25);
        const transaction = reader.accept(message);
        open = message[0] === 0x42 || (open && transaction === null);
        if (transaction === null) continue;
        for (const row of transaction.rows) changeOf(row);
        ends.push(transaction.endLsn);
        limit = transaction.endLsn > limit ? transaction.endLsn : limit;
      } else if (frame[0] === 0x6b && frame.length === 18) {
        const position = frame.readBigUInt64BE(1);
        if (!open && position > limit) limit = position;
      } else throw new Refused();
    } catch (error) {
      if (error instanceof Refused) return { ends, limit, code: error.code };
      throw error;
    }
  }
  return { ends, limit, code: null };
}

/** Takes what the server streams as a capture session does, until `enough` transactions were read or the stream fails. */
async function taken(
  frames: readonly Buffer[],
  enough: number,
  apart = false,
): Promise<{ ends: bigint[]; error: unknown }> {
  server.stream(frames, { apart });
  const floor = new StreamFloor(() => stream.assembling);
  const stream: WalStream = new WalStream({
    connection: { host: '127.0.0.1', port: server.port, user: 'u', database: 'd' },
    slotName: 'slot',
    publicationName: 'pub',
    spillDir,
    transactionMemoryBytes: 400,
    logger: silentLogger,
    clock: systemClock,
    observer: {
      onKeepalive: (walEnd) => {
        floor.onKeepalive(walEnd);
        if (floor.begun) stream.confirm(floor.progress.endLsn);
      },
    },
  });
  const ends: bigint[] = [];
  let error: unknown = null;
  try {
    await stream.start();
    floor.begin(stream.confirmed, null);
    while (ends.length < enough || enough === 0) {
      const gulp = await stream.next();
      if (gulp.length === 0) break;
      const tickets = gulp.map((transaction) => floor.opened(transaction));
      floor.deriving(true);
      for (const [i, transaction] of gulp.entries()) {
        await transaction.forEachChange(() => undefined);
        ends.push(transaction.endLsn);
        transaction.release();
        floor.settled(tickets[i] as (typeof tickets)[number]);
        stream.confirm(floor.progress.endLsn);
      }
      floor.deriving(false);
      stream.confirm(floor.progress.endLsn);
    }
  } catch (thrown) {
    error = thrown;
  }
  await stream.stop();
  expect(readdirSync(spillDir)).toEqual([]);
  return { ends, error };
}

/** Keepalives between the messages: where the stream stands, or far ahead while a transaction is open. */
const keepalives = fc.array(fc.record({ after: fc.nat(60), askReply: fc.boolean() }), { maxLength: 5 });

function framesOf(
  messages: readonly Buffer[],
  among: readonly { after: number; askReply: boolean }[],
): Buffer[] {
  let position = START;
  let open = false;
  return messages.flatMap((message, i) => {
    if (message[0] === 0x42) open = true;
    if (message[0] === 0x43 && message.length === 26) {
      position = message.readBigUInt64BE(10);
      open = false;
    }
    const here = among.filter(({ after }) => after % messages.length === i);
    return [walData(message), ...here.map(({ askReply }) => keepalive(open ? FAR : position, askReply))];
  });
}

const frameDamage = fc.option(
  fc.record({ at: fc.nat(1_000), how: fc.constantFrom('cut', 'kind', 'empty', 'long'), by: fc.nat(24) }),
);

function damaged(frames: Buffer[], damage: { at: number; how: string; by: number } | null): Buffer[] {
  if (damage === null || frames.length === 0) return frames;
  const copy = [...frames];
  const at = damage.at % frames.length;
  const frame = Buffer.from(frames[at] as Buffer);
  if (damage.how === 'cut') copy[at] = frame.subarray(0, damage.by % Math.min(25, frame.length));
  else if (damage.how === 'empty') copy[at] = Buffer.alloc(0);
  else if (damage.how === 'long') copy[at] = Buffer.concat([frame, Buffer.alloc(damage.by + 1)]);
  else copy[at] = Buffer.concat([Buffer.from([damage.by]), frame.subarray(1)]);
  return copy;
}

test('whatever a server sends: what is whole is handed out, the rest ends the stream with a code, and nothing past it is confirmed', async () => {
  const stream = fc.oneof(damagedStream(START), wholeStream(START));
  await fc.assert(
    fc.asyncProperty(
      stream,
      keepalives,
      frameDamage,
      fc.boolean(),
      async (messages, among, damage, apart) => {
        const frames = damaged(framesOf(messages, among), damage);
        const meaning = meaningOf(frames);
        fc.pre(meaning.code !== null || meaning.ends.length > 0);
        const { ends, error } = await taken(frames, meaning.code === null ? meaning.ends.length : 0, apart);
        // Only whole ones count: of the one that cannot be read to its end nothing is settled.
        expect(ends).toEqual(meaning.ends);
        if (meaning.code === null) expect(error).toBeNull();
        else {
          expect(error).toBeInstanceOf(ConnectorError);
          expect(error).toMatchObject({ code: meaning.code, action: 'stop' });
        }
        for (const [i, position] of server.confirmed.entries()) {
          expect(position).toBeLessThanOrEqual(meaning.limit);
          expect(position).toBeGreaterThanOrEqual(server.confirmed[i - 1] ?? START);
        }
      },
    ),
    runs(80),
  );
});

test('a session that the server ends with its first words is a failure of the stream, not of the process', async () => {
  server.endAtOnce(true);
  try {
    const { ends, error } = await taken([], 1);
    expect(ends).toEqual([]);
    expect(error).toMatchObject({ code: 'REPLICATION_LOST', action: 'retry' });
  } finally {
    server.endAtOnce(false);
  }
});

test('frames before the server has accepted streaming are refused', async () => {
  await using eager = await FakeWalsender.listen(START);
  eager.stream([]);
  eager.beforeStreaming([
    walData(beginMessage()),
    walData(commitMessage({ commitLsn: 90n, endLsn: 2_000n })),
  ]);
  const stream = new WalStream({
    connection: { host: '127.0.0.1', port: eager.port, user: 'u', database: 'd' },
    slotName: 'slot',
    publicationName: 'pub',
    spillDir,
    logger: silentLogger,
    clock: systemClock,
  });
  await expect(stream.start()).rejects.toMatchObject({ code: 'WAL_DECODE' });
  await stream.stop();
  expect(eager.confirmed).toEqual([]);
});

test('a transaction that ends before the position confirmed is refused, not opened', async () => {
  const frames = [
    walData(beginMessage({ commitLsn: 500n })),
    walData(commitMessage({ commitLsn: 500n, endLsn: 600n })),
  ];
  const { ends, error } = await taken(frames, 0);
  expect(ends).toEqual([]);
  expect(error).toMatchObject({ code: 'WAL_DECODE' });
});
