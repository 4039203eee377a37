import { systemClock, type Clock } from '../lifecycle/clock.js';
import { HttpPost } from './http-post.js';
import type { OutgoingBatch, SegmentClient, SegmentResponse } from './segment-client.js';

export interface BatchClientOptions {
  readonly writeKey: string;
  /** Origin, with a path when a proxy stands before Segment; `/v1/batch` is added. */
  readonly host: string;
  readonly requestTimeoutMs: number;
  /** Default `paytronix-segment-source`. */
  readonly userAgent?: string;
  readonly clock?: Clock;
}

/** Posts the stored bytes of the calls to the documented batch API; they are never parsed on the way. */
export class BatchClient implements SegmentClient {
  readonly #post: HttpPost;
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #clock: Clock;

  constructor(options: BatchClientOptions) {
    this.#post = new HttpPost({ timeoutMs: options.requestTimeoutMs });
    this.#url = batchUrl(options.host);
    this.#headers = {
      'Content-Type': 'application/json',
      Authorization: `Basic ${Buffer.from(`${options.writeKey}:`).toString('base64')}`,
      'User-Agent': options.userAgent ?? 'paytronix-segment-source',
    };
    this.#clock = options.clock ?? systemClock;
  }

  async send(batch: OutgoingBatch): Promise<SegmentResponse> {
    const lines = batch.calls.map((call) => call.json).join(',');
    const sentAt = new Date(this.#clock.now()).toISOString();
    return this.#post.post({
      url: this.#url,
      headers: this.#headers,
      body: `{"batch":[${lines}],"sentAt":"${sentAt}"}`,
      ...(batch.signal === undefined ? {} : { signal: batch.signal }),
    });
  }

  async close(): Promise<void> {
    await this.#post.close();
  }
}

export function batchUrl(host: string): string {
  return `${host.replace(/\/+$/, '')}/v1/batch`;
}
