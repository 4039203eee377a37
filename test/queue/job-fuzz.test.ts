import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeJob, encodeJob, formatCallLine, type DecodedJob, type JobData } from '../../src/queue/job.js';
import { readLaneJob } from '../../src/queue/lane-job.js';
import { laneJobId, letterJobId, originOfJobId } from '../../src/queue/job-id.js';
import { runs } from '../support/fuzz-runs.js';
import { brotliBomb, queuedCall } from './sample-calls.js';

const HEAD = { seq: 7, epoch: 2, first: '0/10', last: '16/B374D848', receivedAtMs: 1, queuedAtMs: 2 };
const WHOLE = encodeJob(
  HEAD,
  ['a', 'b', 'c'].map((id) => formatCallLine(queuedCall(id))),
);

/** The format as its page says it, written for reading: null where the bytes are not such a job. */
function read(data: JobData): string[][] | null {
  try {
    const raw = brotliDecompressSync(Buffer.from(data.body, 'base64'), { maxOutputLength: 8 * 1024 * 1024 });
    if (raw.length !== data.rawBytes) return null;
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
    const lines = text.split('\n').map((line) => line.split('\t'));
    const whole = lines.every(
      (line) => line.length === 7 && /^-?[0-9]{1,15}$/.test(line[2] ?? '') && line[6]?.[0] === '{',
    );
    return whole && lines.length === data.n ? lines.map(keysEscaped) : null;
  } catch {
    return null;
  }
}

/** A percent sign in a key that escapes nothing stands for itself, and is escaped when it is written again. */
function keysEscaped([accountKey = '', guestId = '', ...rest]: readonly string[]): string[] {
  return [...[accountKey, guestId].map((key) => key.replaceAll(/%(?!09|0A|25)/g, '%25')), ...rest];
}

function linesOf(decoded: DecodedJob): string[][] | null {
  if (decoded.tag !== 'job') return null;
  return decoded.calls.map((call) => formatCallLine(call).split('\t'));
}

/** As it comes out of Redis. */
function stored(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data) ?? 'null');
}

function withLines(lines: readonly string[]): JobData {
  return encodeJob(HEAD, lines);
}

describe('anything at all', () => {
  test('is one of the three tags, without an exception', () => {
    const hostile = fc.oneof(
      fc.anything({
        withNullPrototype: true,
        withBigInt: true,
        withDate: true,
        withMap: true,
        withTypedArray: true,
      }),
      fc.jsonValue(),
      // The right shape with any value in each place, inherited ones too.
      fc
        .tuple(fc.constantFrom(...Object.keys(WHOLE)), fc.anything())
        .map(([key, value]) => ({ ...WHOLE, [key]: value })),
      fc.constantFrom(...Object.keys(WHOLE)).map((key) => {
        const { [key as 'v']: _gone, ...rest } = WHOLE;
        return rest;
      }),
      fc
        .jsonValue()
        .map((value) => JSON.parse(`{"__proto__": ${JSON.stringify(value)}, "constructor": 1}`) as unknown),
    );
    fc.assert(
      fc.property(hostile, fc.string(), (data, id) => {
        expect(['job', 'newer', 'foreign']).toContain(decodeJob(data).tag);
        expect(['job', 'newer', 'foreign']).toContain(readLaneJob(id, data).tag);
      }),
      runs(2_000),
    );
  });

  test('a version that is not a whole number from 1 on is none', () => {
    for (const v of [0, -1, 1.5, '1', null, true, [1], Number.MAX_SAFE_INTEGER + 1]) {
      expect(decodeJob({ ...WHOLE, v }).tag).toBe('foreign');
    }
  });

  test.each([
    ['receivedAtMs', '1e999'],
    ['queuedAtMs', '-1e999'],
    ['first', '"nowhere"'],
    ['last', '""'],
    ['seq', '-1'],
    ['seq', '0.5'],
    ['n', '0'],
    ['rawBytes', '1e12'],
  ])('%s of %s is foreign: what is read later would stumble over it', (key, value) => {
    const text = JSON.stringify(WHOLE).replace(new RegExp(`"${key}":[^,}]+`), `"${key}":${value}`);
    expect(decodeJob(JSON.parse(text)).tag).toBe('foreign');
  });
});

describe('a job that was changed on its way', () => {
  const bodies = fc.oneof(
    fc.nat(WHOLE.body.length).map((length) => WHOLE.body.slice(0, length)),
    fc
      .tuple(fc.nat(WHOLE.body.length - 1), fc.base64String({ minLength: 4, maxLength: 8 }))
      .map(([at, text]) => WHOLE.body.slice(0, at) + text + WHOLE.body.slice(at + text.length)),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('base64')),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => brotliCompressSync(bytes).toString('base64')),
    fc.string(),
  );

  test('is read as the format says, or not at all', () => {
    fc.assert(
      fc.property(bodies, fc.option(fc.nat(3_000)), fc.option(fc.nat(5)), (body, rawBytes, n) => {
        const data = { ...WHOLE, body, rawBytes: rawBytes ?? WHOLE.rawBytes, n: n ?? WHOLE.n };
        expect(linesOf(decodeJob(stored(data)))).toEqual(data.n === 0 ? null : read(data));
      }),
      runs(2_000),
    );
  });

  test('lines with too few or too many fields, blank ones and numbers that are none are not calls', () => {
    const field = fc.string({ maxLength: 8 }).map((text) => text.replace(/[\t\n]/g, ' '));
    const line = fc
      .tuple(
        fc.array(field, { maxLength: 9 }),
        fc.constantFrom('{}', '{"a":1}', '', '[]', ' {}'),
        fc.constantFrom('5', '-5', '', '5.5', 'NaN'),
      )
      .map(([fields, json, time]) => [...fields.slice(0, 2), time, ...fields.slice(2), json].join('\t'));
    const good = formatCallLine(queuedCall('a'));
    fc.assert(
      fc.property(fc.array(fc.oneof(line, fc.constant(good)), { minLength: 1, maxLength: 4 }), (lines) => {
        const data = withLines(lines);
        expect(linesOf(decodeJob(stored(data)))).toEqual(read(data));
      }),
      runs(1_000),
    );
  });
});

test('a body that inflates to more than it says costs no more memory than it says', () => {
  const bomb = brotliBomb(256);
  expect(bomb.length).toBeLessThan(1_000);
  const before = process.memoryUsage();
  for (const rawBytes of [0, 100, 4 * 1024 * 1024]) {
    for (let i = 0; i < 10; i += 1) expect(decodeJob({ ...WHOLE, rawBytes, body: bomb }).tag).toBe('foreign');
  }
  const after = process.memoryUsage();
  expect(after.rss - before.rss).toBeLessThan(150 * 1024 * 1024);
  expect(after.external - before.external).toBeLessThan(64 * 1024 * 1024);
});

test('a body longer than any job is not even decoded', () => {
  const started = performance.now();
  expect(decodeJob({ ...WHOLE, body: 'A'.repeat(200 * 1024 * 1024) }).tag).toBe('foreign');
  expect(performance.now() - started).toBeLessThan(1_000);
});

describe('ids of jobs', () => {
  const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });

  test('say the place they were made for, and nothing else does', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat({ max: 10 ** 14 }),
        fc.stringMatching(/^[0-9a-f]{8}$/),
        (seq, epoch, nonce) => {
          expect(originOfJobId(laneJobId({ seq, epoch }, nonce))).toEqual({ tag: 'lane', seq, epoch });
        },
      ),
    );
    expect(originOfJobId(letterJobId(`d-${'x'.repeat(27)}`))).toEqual({ tag: 'letter' });
    for (const id of [
      '',
      '1',
      '17',
      'b',
      'b1',
      'b1-',
      'b1-2',
      'bx-1-a',
      'x b1-2-a',
      'r-',
      'r-d-',
      'repeat:x:1',
    ]) {
      expect(originOfJobId(id)).toBeNull();
    }
  });

  test('a job under any id but its own place’s is a copy', () => {
    fc.assert(
      fc.property(count, count, (seq, epoch) => {
        fc.pre(seq !== HEAD.seq || epoch !== HEAD.epoch);
        expect(readLaneJob(laneJobId({ seq, epoch }, 'x'), WHOLE)).toMatchObject({
          tag: 'foreign',
          seq: null,
        });
      }),
    );
    expect(readLaneJob(laneJobId(HEAD, 'x'), WHOLE).tag).toBe('job');
    expect(readLaneJob(letterJobId(`d-${'x'.repeat(27)}`), WHOLE).tag).toBe('foreign');
    expect(readLaneJob(letterJobId(`d-${'x'.repeat(27)}`), { ...WHOLE, seq: 0 }).tag).toBe('job');
  });
});
