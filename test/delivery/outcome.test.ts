import { expect, test } from 'vitest';
import { classify, MAX_PAUSE_MS, MIN_PAUSE_MS } from '../../src/delivery/outcome.js';
import type { SegmentResponse } from '../../src/delivery/segment-client.js';

const NOW = Date.parse('2026-11-20T12:00:00Z');

function response(
  status: number,
  more: Partial<Extract<SegmentResponse, { tag: 'response' }>> = {},
): SegmentResponse {
  return {
    tag: 'response',
    status,
    retryAfter: null,
    rateLimitReset: null,
    location: null,
    bodyExcerpt: 'why',
    roundTripMs: 1,
    ...more,
  };
}

test.each([
  [200, 'delivered'],
  [202, 'delivered'],
  [301, 'stop'],
  [307, 'stop'],
  [400, 'refused'],
  [401, 'stop'],
  [403, 'stop'],
  [404, 'stop'],
  [408, 'retry'],
  [410, 'retry'],
  [413, 'refused'],
  [429, 'pause'],
  [500, 'retry'],
  [501, 'retry'],
  [503, 'retry'],
  [529, 'retry'],
])('status %i means %s', (status, tag) => {
  expect(classify(response(status), NOW).tag).toBe(tag);
});

test.each([
  ['seconds', { retryAfter: '7' }, 7_000],
  ['an HTTP date', { retryAfter: 'Fri, 20 Nov 2026 12:00:30 GMT' }, 30_000],
  ['a reset in seconds', { rateLimitReset: '3' }, 3_000],
  ['a reset in seconds since 1970', { rateLimitReset: String(NOW / 1_000 + 4) }, 4_000],
  ['Retry-After before the reset', { retryAfter: '2', rateLimitReset: '9' }, 2_000],
  ['nothing', {}, null],
  ['rubbish', { retryAfter: 'soon' }, null],
  ['no wait at all', { retryAfter: '0' }, MIN_PAUSE_MS],
  ['a time that is past', { retryAfter: 'Fri, 20 Nov 2026 11:00:00 GMT' }, MIN_PAUSE_MS],
  ['a day', { retryAfter: '86400' }, MAX_PAUSE_MS],
])('a 429 with %s pauses for %o', (_name, headers, pauseMs) => {
  expect(classify(response(429, headers), NOW)).toEqual({ tag: 'pause', status: 429, pauseMs });
});

test('what the network did is retried, giving up is not, and a call that fits no request is refused', () => {
  const error = new Error('reset');
  expect(classify({ tag: 'no_response', reason: 'network', error, roundTripMs: 1 }, NOW).tag).toBe('retry');
  expect(classify({ tag: 'no_response', reason: 'timeout', error, roundTripMs: 1 }, NOW).tag).toBe('retry');
  expect(classify({ tag: 'no_response', reason: 'aborted', error, roundTripMs: 1 }, NOW).tag).toBe('aborted');
  expect(classify({ tag: 'unsendable', detail: 'too big' }, NOW)).toMatchObject({
    tag: 'refused',
    status: 0,
  });
});
