import { isUtf8 } from 'node:buffer';
import { brotliDecompressSync } from 'node:zlib';
import { tryParseLsn } from '../postgres/lsn.js';
import {
  foreign,
  isCount,
  unescaped,
  type DecodedJob,
  type JobData,
  type QueuedCall,
  type RawJob,
} from './job-format.js';

/** Far above what a job may hold; a bound for bytes that claim to inflate to anything. */
const MAX_RAW_BYTES = 4 * 1024 * 1024;
/** Its base64: compression adds next to nothing, even to bytes that do not compress. */
const MAX_BODY_CHARS = 6 * 1024 * 1024;

/** Lines of calls, compressed with brotli. Never throws. */
export function readJobV1(job: RawJob, seq: number | null): DecodedJob {
  if (!isJobData(job)) return foreign('a field is missing or of another type', seq);
  const lines = inflate(job);
  if (lines === null) return foreign('body does not inflate to its stated length', seq);
  const calls: QueuedCall[] = [];
  for (const line of lines) {
    const call = parseCallLine(line);
    if (call === null) return foreign('a line is not a call', seq);
    calls.push(call);
  }
  if (calls.length !== job.n) return foreign('number of calls differs from the stated', seq);
  return { tag: 'job', data: job, calls };
}

function isJobData(job: RawJob): job is RawJob & JobData {
  return (
    isCount(job.seq) &&
    isCount(job.epoch) &&
    isCount(job.n) &&
    isCount(job.rawBytes) &&
    Number.isFinite(job.receivedAtMs) &&
    Number.isFinite(job.queuedAtMs) &&
    isPosition(job.first) &&
    isPosition(job.last) &&
    typeof job.body === 'string' &&
    job.enc === 'br' &&
    job.n > 0 &&
    job.rawBytes <= MAX_RAW_BYTES &&
    job.body.length <= MAX_BODY_CHARS
  );
}

function isPosition(value: unknown): value is string {
  return typeof value === 'string' && tryParseLsn(value) !== null;
}

function inflate(job: JobData): string[] | null {
  let raw: Buffer;
  try {
    raw = brotliDecompressSync(Buffer.from(job.body, 'base64'), {
      // One chunk for the whole: measured, inflating in zlib's 16 KiB steps costs more than the inflating.
      chunkSize: Math.max(1_024, job.rawBytes + 64),
      maxOutputLength: Math.max(1_024, job.rawBytes + 64),
    });
  } catch {
    // Truncated or never brotli: the caller sets the job aside with this as its reason.
    return null;
  }
  return raw.length === job.rawBytes && isUtf8(raw) ? raw.toString('utf8').split('\n') : null;
}

const WHOLE_NUMBER = /^-?\d{1,15}$/;

function parseCallLine(line: string): QueuedCall | null {
  const fields: string[] = [];
  let from = 0;
  for (let i = 0; i < 6; i += 1) {
    const tab = line.indexOf('\t', from);
    if (tab === -1) return null;
    fields.push(line.slice(from, tab));
    from = tab + 1;
  }
  const [accountKey, guestId, commitTimeMs, position, name, messageId] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const json = line.slice(from);
  // JSON text holds no raw tab: one more field, or something that is no JSON.
  if (!json.startsWith('{') || json.includes('\t') || !WHOLE_NUMBER.test(commitTimeMs)) return null;
  return {
    accountKey: unescaped(accountKey),
    guestId: guestId === '' ? null : unescaped(guestId),
    commitTimeMs: Number(commitTimeMs),
    position,
    name,
    messageId,
    json,
  };
}
