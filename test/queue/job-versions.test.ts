import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  decodeJob,
  encodeJob,
  formatCallLine,
  JOB_FORMAT_VERSION,
  JOB_READERS,
  type JobData,
  type QueuedCall,
} from '../../src/queue/job.js';

/** Jobs as releases have left them in Redis, byte for byte. Never regenerated: a queue may still hold such bytes. */
const FIXTURES = new URL('fixtures/', import.meta.url);

interface Fixture {
  readonly data: string;
  readonly calls: readonly QueuedCall[];
}

function fixture(version: number): Fixture {
  return JSON.parse(readFileSync(new URL(`job-v${version}.json`, FIXTURES), 'utf8')) as Fixture;
}

const versions = [...JOB_READERS.keys()];

test.each(versions)('a job of version %i is read as it was queued', (version) => {
  const { data, calls } = fixture(version);
  const decoded = decodeJob(JSON.parse(data));
  expect(decoded).toMatchObject({ tag: 'job', calls, data: { seq: 12, epoch: 3 } });
});

test('each version that is written or read has a job frozen, and the newest one is written', () => {
  const frozen = readdirSync(FIXTURES).map((file) => Number(/^job-v(\d+)\.json$/.exec(file)?.[1]));
  expect(new Set(frozen)).toEqual(new Set(versions));
  expect(Math.max(...versions)).toBe(JOB_FORMAT_VERSION);
});

test('what is written today is what a release of the same version reads: another form needs another version', () => {
  const { data, calls } = fixture(JOB_FORMAT_VERSION);
  const frozen = JSON.parse(data) as JobData;
  const { seq, epoch, first, last, receivedAtMs, queuedAtMs } = frozen;
  const written = encodeJob(
    { seq, epoch, first, last, receivedAtMs, queuedAtMs },
    calls.map((call) => formatCallLine(call)),
  );
  const { body: _unused, ...head } = written;
  const { body: _frozen, ...frozenHead } = frozen;
  expect(head).toEqual(frozenHead);
});
