import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeJob, encodeJob, formatCallLine, type JobData, type QueuedCall } from '../../src/queue/job.js';
import { queuedCall } from './sample-calls.js';

const HEAD = { seq: 7, epoch: 2, first: '0/10', last: '0/20', receivedAtMs: 1, queuedAtMs: 2 };

function encode(calls: readonly QueuedCall[]): JobData {
  return encodeJob(HEAD, calls.map(formatCallLine));
}

test('every call comes out of a job as it went in, byte for byte', () => {
  const field = fc.string().map((text) => text.replace(/[\t\n]/g, ''));
  // A database's keys may hold anything.
  const key = fc.string({
    unit: fc.constantFrom('\t', '\n', '%', '0', '9', 'A', '25', ' ', 'é'),
    minLength: 1,
  });
  const call = fc.record({
    accountKey: key,
    guestId: fc.option(key, { nil: null }),
    commitTimeMs: fc.nat(),
    position: fc.constant('16/B374D848'),
    name: field,
    messageId: field,
    json: fc.dictionary(fc.string(), fc.string()).map((value) => JSON.stringify(value)),
  });
  fc.assert(
    fc.property(fc.array(call, { minLength: 1, maxLength: 20 }), (calls) => {
      const decoded = decodeJob(JSON.parse(JSON.stringify(encode(calls))));
      expect(decoded).toMatchObject({ tag: 'job', calls });
    }),
  );
});

test('a job whose body lost its end is foreign and still says its place', () => {
  const data = encode([queuedCall('a'), queuedCall('b')]);
  for (let cut = 4; cut < data.body.length; cut += 40) {
    expect(decodeJob({ ...data, body: data.body.slice(0, -cut) })).toMatchObject({ tag: 'foreign', seq: 7 });
  }
});

test.each([
  ['nothing', undefined],
  ['text', 'hello'],
  ['another producer', { to: 'someone', subject: 'hello' }],
  ['a count that is wrong', { ...encode([queuedCall('a')]), n: 2 }],
  ['a length that is wrong', { ...encode([queuedCall('a')]), rawBytes: 10 }],
  ['another compression', { ...encode([queuedCall('a')]), enc: 'gz' }],
  ['a line that is no call', encodeJob(HEAD, ['no\tcall'])],
])('%s is foreign, never an exception', (_name, data) => {
  expect(decodeJob(data).tag).toBe('foreign');
});

test('a job of a newer format is told apart, for it must be kept', () => {
  expect(decodeJob({ ...encode([queuedCall('a')]), v: 2, body: { other: true } })).toEqual({
    tag: 'newer',
    version: 2,
  });
});

test('a small body that claims to inflate to gigabytes is not inflated', () => {
  const bomb = { ...encode([queuedCall('a')]), rawBytes: 2 ** 31 };
  expect(decodeJob(bomb).tag).toBe('foreign');
});
