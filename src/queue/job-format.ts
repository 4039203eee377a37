/**
 * The job format: the only thing capture and deliver share. A job is a batch of calls of one lane.
 *
 * `body` is base64 of compressed lines, one call a line, `\n` between:
 *   `<accountKey>\t<guestId or empty>\t<commitTimeMs>\t<endLsn text>\t<name>\t<messageId>\t<json>`
 * JSON text has no raw tab or line feed, and the other fields none either, so splitting needs no parser: in accountKey and
 * guestId, which a database may have anything in, they are written %09 and %0A, and % itself %25.
 */
export const JOB_FORMAT_VERSION = 1;

/** A job holds no more calls, and no more bytes of their JSON (UTF-8): it always fits one request of 480 KiB. */
export const MAX_JOB_CALLS = 500;
export const MAX_JOB_JSON_BYTES = 400 * 1024;

export interface JobData {
  readonly v: typeof JOB_FORMAT_VERSION;
  /**
   * Lane's sequence number: 1, 2, 3 … without holes. 0: outside the sequence (a dead letter put back), sent in its turn
   * without being counted.
   */
  readonly seq: number;
  /** Which taking-over of the lane by a capture process queued this; see lane-state.ts. 0 with seq 0. */
  readonly epoch: number;
  /** Number of calls. */
  readonly n: number;
  /** Position text of the first and last transaction with calls in this job. */
  readonly first: string;
  readonly last: string;
  /** When the oldest call's commit message was received, and when the job was made: milliseconds since 1970. */
  readonly receivedAtMs: number;
  readonly queuedAtMs: number;
  readonly enc: 'br';
  /** Bytes of the lines before compression. */
  readonly rawBytes: number;
  readonly body: string;
}

/** One call as a lane worker sees it: the stored bytes are never parsed again on the way out. */
export interface QueuedCall {
  readonly accountKey: string;
  readonly guestId: string | null;
  readonly commitTimeMs: number;
  readonly position: string;
  readonly name: string;
  readonly messageId: string;
  readonly json: string;
}

/** What a job's data turned out to be. */
export type DecodedJob =
  | { readonly tag: 'job'; readonly data: JobData; readonly calls: readonly QueuedCall[] }
  /** Made by a newer release: a rolling upgrade is on, so the job is kept for the one that can read it. */
  | { readonly tag: 'newer'; readonly version: number }
  /** Not ours, or broken. `seq` when it at least says its place in the lane. */
  | { readonly tag: 'foreign'; readonly reason: string; readonly seq: number | null };

export function formatCallLine(call: QueuedCall): string {
  return `${escaped(call.accountKey)}\t${escaped(call.guestId ?? '')}\t${call.commitTimeMs}\t${call.position}\t${call.name}\t${call.messageId}\t${call.json}`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\t': '%09', '\n': '%0A', '%': '%25' };
const UNESCAPES: Readonly<Record<string, string>> = { '%09': '\t', '%0A': '\n', '%25': '%' };

function escaped(key: string): string {
  return key.replaceAll(/[\t\n%]/g, (character) => ESCAPES[character] ?? character);
}

export function unescaped(field: string): string {
  return field.includes('%')
    ? field.replaceAll(/%(?:09|0A|25)/g, (escape) => UNESCAPES[escape] ?? escape)
    : field;
}

/** What a queue gave, before anything is known of it. */
export type RawJob = Partial<Record<keyof JobData, unknown>>;

/** Reads a job of one version. Anything can be in Redis, so nothing is taken on trust; never throws. */
export type JobReader = (job: RawJob, seq: number | null) => DecodedJob;

export function foreign(reason: string, seq: number | null): DecodedJob {
  return { tag: 'foreign', reason, seq };
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
