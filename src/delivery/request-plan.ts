import type { QueuedCall } from '../queue/job.js';
import { MAX_REQUEST_BYTES, MAX_REQUEST_CALLS } from './segment-client.js';

/** `{"batch":[…],"sentAt":"…"}` around the calls, and what the SDK adds to it. */
const ENVELOPE_BYTES = 512;

/**
 * Where a round trip is short. Half of what 110 % would allow: requests of 100 ms fill a second to the brim, and the first that is
 * a little late beside one that is a little early is refused (`npm run bench -- rate-limit`: two 429 in six seconds, each of
 * which makes everybody wait for one).
 */
const NEAR = { upToMs: 40, spanMs: 50 };
/** Elsewhere at least this: what is in between requests must not keep one lane from reaching the limit. */
const FAR_SPAN_MS = 100;
const MAX_SPAN_MS = 1_000;

/**
 * The most calls one request may hold: what the limit allows in 50 ms near by, farther away in 100 ms, or in a round trip when
 * that is longer (else one lane could not reach the limit). Requests are spaced by what they hold, so a sliding second sees at
 * most the limit and one request more: 105 % near by.
 */
export function maxCallsPerRequest(limits: {
  /** Null: no limit. */
  readonly ratePerSecond: number | null;
  readonly roundTripMs: number;
}): number {
  if (limits.ratePerSecond === null) return MAX_REQUEST_CALLS;
  const { roundTripMs } = limits;
  const spanMs =
    roundTripMs <= NEAR.upToMs ? NEAR.spanMs : Math.min(MAX_SPAN_MS, Math.max(FAR_SPAN_MS, roundTripMs));
  const calls = Math.floor((limits.ratePerSecond * spanMs) / 1_000);
  return Math.min(MAX_REQUEST_CALLS, Math.max(1, calls));
}

/** How many of `calls` from `from` on fit in one request, looking no further than `to`. At least one. */
export function callsThatFit(calls: readonly QueuedCall[], from: number, to: number): number {
  let bytes = ENVELOPE_BYTES;
  let end = from;
  while (end < to && end - from < MAX_REQUEST_CALLS) {
    bytes += Buffer.byteLength(calls[end]?.json ?? '') + 1;
    if (bytes > MAX_REQUEST_BYTES && end > from) break;
    end += 1;
  }
  return end - from;
}

/** A round trip as it was lately: an average that follows within some ten requests. */
export class RoundTrip {
  #averageMs = 0;

  get averageMs(): number {
    return this.#averageMs;
  }

  add(ms: number): void {
    this.#averageMs = this.#averageMs === 0 ? ms : this.#averageMs * 0.8 + ms * 0.2;
  }
}
