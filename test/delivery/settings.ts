import type { DeliverySettings } from '../../src/config/source.js';

export const WRITE_KEY = 'wk_test';

/** One source `default` with one lane and no rate limit, unless said otherwise. */
export function delivering(host: string, more: Partial<DeliverySettings> = {}): DeliverySettings {
  return {
    name: 'default',
    writeKey: WRITE_KEY,
    host,
    client: 'batch',
    oauth: null,
    rateLimitPerSecond: 0,
    rateLimitGroup: null,
    lanes: 1,
    requestTimeoutMs: 2_000,
    paused: false,
    ...more,
  };
}
