import { subscribe } from 'node:diagnostics_channel';
import { Agent, request } from 'undici';
import { toError } from '../errors/connector-error.js';
import { failpoint } from '../lifecycle/failpoint.js';
import type { SegmentResponse } from './segment-client.js';

export interface HttpPostOptions {
  /** For one attempt, from connecting to the answer's end. */
  readonly timeoutMs: number;
  /** Connections per origin. Default 16: one for each lane that may send at a time. */
  readonly connections?: number;
}

export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal?: AbortSignal;
  /** Read this much of a 2xx body too. Default 0: a delivery's answer says nothing. */
  readonly successBodyBytes?: number;
}

export type HttpAnswer = Exclude<SegmentResponse, { tag: 'unsendable' }>;

// The one moment of a request that undici tells only so.
subscribe('undici:request:bodySent', () => failpoint('request-sent'));

const EXCERPT_BYTES = 2_048;
const KEEP_ALIVE_MS = 60_000;

/** POSTs over kept-alive connections. Redirects are not followed: they would carry events and keys to who knows where. */
export class HttpPost {
  readonly #agent: Agent;
  readonly #timeoutMs: number;

  constructor(options: HttpPostOptions) {
    this.#timeoutMs = options.timeoutMs;
    this.#agent = new Agent({
      connections: options.connections ?? 16,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: { timeout: options.timeoutMs },
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
    });
  }

  /** Never throws for what the network or the server did. */
  async post(post: PostRequest): Promise<HttpAnswer> {
    const startedMs = performance.now();
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const signal = post.signal === undefined ? timeout : AbortSignal.any([timeout, post.signal]);
    try {
      const { statusCode, headers, body } = await request(post.url, {
        dispatcher: this.#agent,
        method: 'POST',
        headers: { ...post.headers },
        body: post.body,
        signal,
      });
      const roundTripMs = performance.now() - startedMs;
      const succeeded = statusCode >= 200 && statusCode < 300;
      const excerptBytes = succeeded ? (post.successBodyBytes ?? 0) : EXCERPT_BYTES;
      return {
        tag: 'response',
        status: statusCode,
        retryAfter: header(headers['retry-after']),
        rateLimitReset: header(headers['x-ratelimit-reset']),
        location: header(headers['location']),
        bodyExcerpt: await excerptOf(body, excerptBytes),
        roundTripMs,
      };
    } catch (error) {
      const reason =
        post.signal?.aborted === true ? 'aborted' : timeout.aborted ? 'timeout' : reasonOf(error);
      return {
        tag: 'no_response',
        reason,
        error: toError(error),
        roundTripMs: performance.now() - startedMs,
      };
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function header(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

const TIMEOUT_CODES = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

function reasonOf(error: unknown): 'timeout' | 'network' {
  const code = (toError(error) as NodeJS.ErrnoException).code ?? '';
  return TIMEOUT_CODES.has(code) ? 'timeout' : 'network';
}

/** The status has decided already, so a body that breaks off changes nothing. */
async function excerptOf(
  body: AsyncIterable<Buffer> & { dump(): Promise<void> },
  most: number,
): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    if (most === 0) {
      await body.dump();
      return '';
    }
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= most) break;
    }
  } catch {
    // What did arrive is enough.
  }
  return Buffer.concat(chunks).subarray(0, most).toString('utf8');
}
