import fc from 'fast-check';
import { expect, test } from 'vitest';
import { callsThatFit, maxCallsPerRequest, RoundTrip } from '../../src/delivery/request-plan.js';
import { MAX_REQUEST_BYTES, MAX_REQUEST_CALLS } from '../../src/delivery/segment-client.js';
import { queuedCall } from '../queue/sample-calls.js';
import { runs } from '../support/fuzz-runs.js';

test.each([
  [1_000, 5, 50],
  [1_000, 80, 100],
  [1_000, 250, 250],
  [1_000, 60_000, 1_000],
  [5, 5, 1],
  [0.5, 5, 1],
  [100_000, 5, 2_500],
  [null, 5, 2_500],
])('at %s events/s and a round trip of %i ms a request holds %i', (ratePerSecond, roundTripMs, calls) => {
  expect(maxCallsPerRequest({ ratePerSecond, roundTripMs })).toBe(calls);
});

test('a request stays within 480 KiB of true UTF-8 bytes, and takes one call at least', () => {
  const calls = Array.from({ length: 40 }, (_, i) => ({
    ...queuedCall(`m${i}`),
    json: `"${'é'.repeat(15_000)}"`,
  }));
  const fit = callsThatFit(calls, 3, 40);
  const bytes = calls.slice(3, 3 + fit).reduce((sum, call) => sum + Buffer.byteLength(call.json) + 1, 0);
  expect(bytes).toBeLessThan(MAX_REQUEST_BYTES);
  expect(bytes + 30_003).toBeGreaterThan(MAX_REQUEST_BYTES - 600);
  expect(callsThatFit([{ ...queuedCall('big'), json: 'x'.repeat(MAX_REQUEST_BYTES * 2) }], 0, 1)).toBe(1);
});

test('whatever the calls, requests take them all, in order, each as many as fit and no more', () => {
  const lengths = fc.array(fc.constantFrom(2, 300, 30_000, 240_000, 600_000), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 50 }), (sizes, most) => {
      const calls = sizes.map((length, i) => ({ ...queuedCall(`m${i}`), json: 'x'.repeat(length) }));
      for (let from = 0; from < calls.length;) {
        const to = Math.min(calls.length, from + most);
        const fit = callsThatFit(calls, from, to);
        const bytes = (n: number): number =>
          sizes.slice(from, from + n).reduce((sum, length) => sum + length + 1, 512);
        expect(fit).toBeGreaterThanOrEqual(1);
        expect(from + fit).toBeLessThanOrEqual(to);
        if (fit > 1) expect(bytes(fit)).toBeLessThanOrEqual(MAX_REQUEST_BYTES);
        if (from + fit < to) expect(bytes(fit + 1)).toBeGreaterThan(MAX_REQUEST_BYTES);
        from += fit;
      }
    }),
    runs(100),
  );
});

test('a request holds at most a tenth of the limit, or what goes out in one round trip, and never nothing', () => {
  const rate = fc.oneof(fc.double({ min: 0.01, max: 200_000, noNaN: true }), fc.constant(null));
  const ms = fc.double({ min: 0, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(rate, fc.array(ms, { maxLength: 30 }), (ratePerSecond, roundTrips) => {
      const roundTrip = new RoundTrip();
      for (const one of roundTrips) roundTrip.add(one);
      expect(roundTrip.averageMs).toBeLessThanOrEqual(Math.max(0, ...roundTrips));
      const calls = maxCallsPerRequest({ ratePerSecond, roundTripMs: roundTrip.averageMs });
      expect(Number.isInteger(calls)).toBe(true);
      expect(calls).toBeGreaterThanOrEqual(1);
      expect(calls).toBeLessThanOrEqual(MAX_REQUEST_CALLS);
      if (ratePerSecond === null) return;
      const spanMs = Math.max(100, Math.min(1_000, roundTrip.averageMs));
      expect(calls).toBeLessThanOrEqual(Math.max(1, (ratePerSecond * spanMs) / 1_000));
    }),
    runs(500),
  );
});
