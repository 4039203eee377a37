import type { QueuedCall } from '../queue/job.js';

/**
 * One attempt to hand a batch to Segment.
 *
 * Guarantee: the calls go out as one request, all of them, in array order, with a `sentAt` of this very attempt; the answer is
 * the one the server gave. A client never retries, splits, drops or reorders, and never throws for what the network or
 * the server did: whoever calls it decides. At least once: after `no_response` the batch may have arrived or not, and Segment
 * de-duplicates by messageId.
 */
export interface SegmentClient {
  send(batch: OutgoingBatch): Promise<SegmentResponse>;
  close(): Promise<void>;
}

export interface OutgoingBatch {
  /** At least one, at most MAX_REQUEST_CALLS, together within MAX_REQUEST_BYTES. */
  readonly calls: readonly QueuedCall[];
  /** Gives the attempt up. */
  readonly signal?: AbortSignal;
}

/** Segment's ceiling is 500 KB and 2,500 calls; this stays below in true UTF-8 bytes, envelope included. */
export const MAX_REQUEST_BYTES = 480 * 1024;
export const MAX_REQUEST_CALLS = 2_500;

export type SegmentResponse =
  | {
      readonly tag: 'response';
      readonly status: number;
      readonly retryAfter: string | null;
      readonly rateLimitReset: string | null;
      readonly location: string | null;
      /** The first part of the body; empty for 2xx. */
      readonly bodyExcerpt: string;
      readonly roundTripMs: number;
    }
  | {
      readonly tag: 'no_response';
      readonly reason: 'timeout' | 'network' | 'aborted';
      readonly error: Error;
      readonly roundTripMs: number;
    }
  /** The client could not put the batch into a request as it is: at least one call in it is at fault. */
  | { readonly tag: 'unsendable'; readonly detail: string };
