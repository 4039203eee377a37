/**
 * What Segment documents about a batch request, written down a second time: this file shares nothing with the rooms that
 * produce events, so that a misreading there is caught here.
 * @see https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
 */
export const MAX_EVENT_BYTES = 32 * 1024;
export const MAX_BATCH_BYTES = 500 * 1024;
export const MAX_BATCH_EVENTS = 2_500;
export const MAX_MESSAGE_ID_CHARACTERS = 99;

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const CALL_TYPES = new Set(['track', 'identify', 'page', 'screen', 'group', 'alias']);
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)$/;

function isNonEmptyText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

/** Why Segment would answer 200 and then drop (or garble) this call; null when it would keep it. */
export function dropReason(call: unknown): string | null {
  if (!isObject(call)) return 'not an object';
  const type = call['type'];
  if (typeof type !== 'string' || !CALL_TYPES.has(type)) return 'type is not a call of the spec';
  if (!isNonEmptyText(call['userId']) && !isNonEmptyText(call['anonymousId'])) {
    return 'neither userId nor anonymousId';
  }
  const messageId = call['messageId'];
  if (!isNonEmptyText(messageId)) return 'no messageId';
  if (messageId.length > MAX_MESSAGE_ID_CHARACTERS) return 'messageId of 100 characters or more';
  if (type === 'track') {
    if (!isNonEmptyText(call['event'])) return 'track without an event name';
    if (call['properties'] !== undefined && !isObject(call['properties']))
      return 'properties is not an object';
  }
  if (type === 'identify' && call['traits'] !== undefined && !isObject(call['traits'])) {
    return 'traits is not an object';
  }
  const timestamp = call['timestamp'];
  if (timestamp !== undefined && (typeof timestamp !== 'string' || !ISO_TIME.test(timestamp))) {
    return 'timestamp is not ISO 8601';
  }
  return null;
}

/** A 400 for the whole request, or null. `bodyBytes` are the true bytes of the request. */
export function refusal(body: unknown, bodyBytes: number): string | null {
  if (bodyBytes > MAX_BATCH_BYTES) return 'request over 500 KB';
  if (!isObject(body)) return 'body is not a JSON object';
  const batch = body['batch'];
  if (!Array.isArray(batch) || batch.length === 0) return 'no batch of calls';
  // No call can be over its limit in a request that is not.
  if (bodyBytes <= MAX_EVENT_BYTES) return null;
  const over = batch.findIndex((call) => Buffer.byteLength(JSON.stringify(call)) > MAX_EVENT_BYTES);
  return over === -1 ? null : `call ${over} over 32 KB`;
}

/** Counts of the last second, to answer as a limit per sliding second would. */
export class SlidingSecond {
  #entries: { readonly atMs: number; readonly events: number }[] = [];
  #sum = 0;

  /** Events within the second that ends at `nowMs`. */
  count(nowMs: number): number {
    let expired = 0;
    for (const entry of this.#entries) {
      if (entry.atMs > nowMs - 1_000) break;
      this.#sum -= entry.events;
      expired += 1;
    }
    if (expired > 0) this.#entries = this.#entries.slice(expired);
    return this.#sum;
  }

  add(nowMs: number, events: number): void {
    this.#entries.push({ atMs: nowMs, events });
    this.#sum += events;
  }
}

/** The body as JSON; undefined when it is none. */
export function parseBody(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    // Not JSON: answered with 400 by the rules.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
