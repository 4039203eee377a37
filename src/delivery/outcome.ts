import type { SegmentResponse } from './segment-client.js';

/** What an attempt means for the calls in it. */
export type Outcome =
  | { readonly tag: 'delivered' }
  /** Too fast: nobody sends for this source until then. Null: the answer named no time. */
  | { readonly tag: 'pause'; readonly pauseMs: number | null; readonly status: number }
  /** Not the calls' fault: the same calls again, for ever. */
  | { readonly tag: 'retry'; readonly detail: string }
  /** Something in the batch is at fault: halve until it stands alone. */
  | { readonly tag: 'refused'; readonly status: number; readonly bodyExcerpt: string }
  /** Not the calls' fault, and trying on would not help: a person must look. */
  | { readonly tag: 'stop'; readonly status: number; readonly detail: string }
  | { readonly tag: 'aborted' };

/** Bounds for what a 429 asks for: a mistaken header must neither hammer Segment nor park the source for a day. */
export const MIN_PAUSE_MS = 250;
export const MAX_PAUSE_MS = 5 * 60_000;

/** Status of a refusal that never left this process. */
export const UNSENDABLE_STATUS = 0;

/** @see https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#errors */
export function classify(response: SegmentResponse, nowMs: number): Outcome {
  switch (response.tag) {
    case 'unsendable':
      return { tag: 'refused', status: UNSENDABLE_STATUS, bodyExcerpt: response.detail };
    case 'no_response':
      if (response.reason === 'aborted') return { tag: 'aborted' };
      return { tag: 'retry', detail: `${response.reason}: ${response.error.message}` };
    case 'response':
      return classifyStatus(response, nowMs);
    default: {
      const never: never = response;
      throw new RangeError(`unknown response ${JSON.stringify(never)}`);
    }
  }
}

function classifyStatus(response: Extract<SegmentResponse, { tag: 'response' }>, nowMs: number): Outcome {
  const { status, bodyExcerpt } = response;
  if (status >= 200 && status < 300) return { tag: 'delivered' };
  if (status === 429) return { tag: 'pause', status, pauseMs: pauseOf(response, nowMs) };
  if (status === 400 || status === 413) return { tag: 'refused', status, bodyExcerpt };
  if (status === 401 || status === 403 || status === 404) return { tag: 'stop', status, detail: bodyExcerpt };
  if (status >= 300 && status < 400) {
    return { tag: 'stop', status, detail: `redirected to ${response.location ?? 'nowhere'}` };
  }
  // 408 and 5xx, and whatever a proxy may invent: nothing says that the calls are at fault.
  return { tag: 'retry', detail: `status ${status}` };
}

function pauseOf(
  headers: { readonly retryAfter: string | null; readonly rateLimitReset: string | null },
  nowMs: number,
): number | null {
  const ms = afterMs(headers.retryAfter, nowMs) ?? afterMs(headers.rateLimitReset, nowMs);
  return ms === null ? null : Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, ms));
}

/** Larger numbers are seconds since 1970, not a wait. */
const EPOCH_SECONDS = 1_000_000_000;

/** A wait from `Retry-After` or `X-RateLimit-Reset`: seconds, an HTTP date, or seconds since 1970. */
function afterMs(header: string | null, nowMs: number): number | null {
  const text = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) {
    const seconds = Number(text);
    return seconds >= EPOCH_SECONDS ? seconds * 1_000 - nowMs : seconds * 1_000;
  }
  const date = text === '' ? Number.NaN : Date.parse(text);
  return Number.isNaN(date) ? null : date - nowMs;
}
