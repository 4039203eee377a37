import { createPrivateKey } from 'node:crypto';
import { Analytics } from '@segment/analytics-node';
import type { OAuthSettings } from '../config/source.js';
import { ConnectorError, toError } from '../errors/connector-error.js';
import { batchUrl } from './batch-client.js';
import { HttpPost, type HttpAnswer } from './http-post.js';
import {
  MAX_REQUEST_CALLS,
  type OutgoingBatch,
  type SegmentClient,
  type SegmentResponse,
} from './segment-client.js';

export interface SdkClientOptions {
  readonly writeKey: string;
  /** Origin. */
  readonly host: string;
  readonly requestTimeoutMs: number;
  readonly oauth: OAuthSettings | null;
}

type MakeRequest = Extract<
  NonNullable<ConstructorParameters<typeof Analytics>[0]['httpClient']>,
  { makeRequest: unknown }
>['makeRequest'];
type SdkRequest = Parameters<MakeRequest>[0];
type SdkResponse = Awaited<ReturnType<MakeRequest>>;

/** What was seen on the wire during one flush. */
interface Attempt {
  readonly expected: number;
  readonly signal: AbortSignal | undefined;
  /** Call it when the SDK has already left calls behind: its flush might never end. */
  readonly giveUp: () => void;
  tokenRequests: number;
  answer: SegmentResponse | null;
  /** Of the authorization server, when a token was asked for and refused. */
  tokenAnswer: HttpAnswer | null;
  failure: Error | null;
}

const TOKEN_BODY_BYTES = 64 * 1024;
const FLUSH_SLACK_MS = 5_000;
/** Only `flush` sends. This is how long the timer of an abandoned SDK object lives. */
const FLUSH_INTERVAL_MS = 30_000;

/**
 * Segment's own SDK as a client: one flush a batch, its retries off, and the truth taken from its HTTP client, because its
 * callbacks report success for events that it could not serialise and lose the status of a failed batch.
 */
export class SdkClient implements SegmentClient {
  readonly #options: SdkClientOptions;
  readonly #post: HttpPost;
  #session: SdkSession;
  /** Sends wait for one another: the SDK has one buffer, and a flush takes all of it. */
  #tail: Promise<unknown> = Promise.resolve();

  /** @throws ConnectorError CONFIG_INVALID when the OAuth key is none */
  constructor(options: SdkClientOptions) {
    if (options.oauth !== null) checkKey(options.oauth);
    this.#options = options;
    this.#post = new HttpPost({ timeoutMs: options.requestTimeoutMs });
    this.#session = new SdkSession(options, this.#post);
  }

  async send(batch: OutgoingBatch): Promise<SegmentResponse> {
    const turn = this.#tail.then(async () => this.#sendAlone(batch));
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    await this.#tail;
    await this.#session.close();
    await this.#post.close();
  }

  async #sendAlone(batch: OutgoingBatch): Promise<SegmentResponse> {
    const session = this.#session;
    const response = await session.send(batch);
    if (response.tag === 'unsendable') {
      // Its buffer may hold calls of this batch, which would leave with the next one.
      session.abandon();
      this.#session = new SdkSession(this.#options, this.#post);
    }
    return response;
  }
}

/** One SDK object with an HTTP client of ours. */
class SdkSession {
  readonly #options: SdkClientOptions;
  readonly #post: HttpPost;
  readonly #analytics: Analytics;
  readonly #batchUrl: string;
  #attempt: Attempt | null = null;
  #abandoned = false;

  constructor(options: SdkClientOptions, post: HttpPost) {
    this.#options = options;
    this.#post = post;
    this.#batchUrl = batchUrl(options.host);
    const { oauth } = options;
    this.#analytics = new Analytics({
      writeKey: options.writeKey,
      host: options.host.replace(/\/+$/, ''),
      path: '/v1/batch',
      maxRetries: 0,
      flushAt: MAX_REQUEST_CALLS,
      flushInterval: FLUSH_INTERVAL_MS,
      httpRequestTimeout: options.requestTimeoutMs,
      httpClient: { makeRequest: async (request) => this.#makeRequest(request) },
      ...(oauth === null ? {} : { oauthSettings: sdkOAuth(oauth) }),
    });
    this.#analytics.on('error', (failure) => this.#onError(toError(failure.reason)));
  }

  async send(batch: OutgoingBatch): Promise<SegmentResponse> {
    const startedMs = performance.now();
    let giveUp = (): void => undefined;
    const over = new Promise<void>((resolve) => {
      giveUp = resolve;
    });
    const attempt: Attempt = {
      expected: batch.calls.length,
      signal: batch.signal,
      giveUp,
      tokenRequests: 0,
      answer: null,
      tokenAnswer: null,
      failure: null,
    };
    this.#attempt = attempt;
    try {
      for (const call of batch.calls) this.#hand(call.json);
      const timeout = this.#options.requestTimeoutMs + FLUSH_SLACK_MS;
      await Promise.race([this.#analytics.flush({ timeout }), over]);
    } catch (error) {
      // The SDK's own checks refuse a call.
      return { tag: 'unsendable', detail: toError(error).message };
    } finally {
      this.#attempt = null;
    }
    return resultOf(attempt, performance.now() - startedMs);
  }

  /** Nothing it still holds is sent. */
  abandon(): void {
    this.#abandoned = true;
  }

  async close(): Promise<void> {
    this.abandon();
    await this.#analytics.closeAndFlush({ timeout: 1 });
  }

  #hand(json: string): void {
    const { type, ...call } = JSON.parse(json) as { type: string };
    if (type === 'track') this.#analytics.track(call as Parameters<Analytics['track']>[0]);
    else if (type === 'identify') this.#analytics.identify(call as Parameters<Analytics['identify']>[0]);
    else throw new TypeError(`a ${type} call is none the connector makes`);
  }

  #onError(error: Error): void {
    const attempt = this.#attempt;
    if (attempt === null) return;
    attempt.failure ??= error;
    // Before any request: it found a call too large and dropped it, and then waits for it at the end of the flush.
    if (attempt.answer === null && attempt.tokenRequests === 0) attempt.giveUp();
  }

  async #makeRequest(request: SdkRequest): Promise<SdkResponse> {
    const attempt = this.#attempt;
    if (request.url !== this.#batchUrl) return this.#makeTokenRequest(request, attempt);
    if (this.#abandoned || attempt === null || attempt.answer !== null) {
      return { status: 200, statusText: 'not sent' };
    }
    const { batch } = JSON.parse(request.body) as { batch: unknown[] };
    if (batch.length !== attempt.expected) {
      // It dropped or split calls (too large by its count, not serialisable): nothing is sent, bisecting finds which.
      const detail = `the SDK would send ${batch.length} of ${attempt.expected} calls`;
      attempt.answer = { tag: 'unsendable', detail };
      attempt.giveUp();
      return { status: 200, statusText: 'not sent' };
    }
    const answer = await this.#post.post({
      url: request.url,
      headers: request.headers,
      body: request.body,
      ...(attempt.signal === undefined ? {} : { signal: attempt.signal }),
    });
    attempt.answer = answer;
    // These make the SDK fetch another token. Any other answer it need not know: it would sleep and retry a 429 by itself.
    const refusals = [400, 401, 403, 511];
    const status = answer.tag === 'response' && refusals.includes(answer.status) ? answer.status : 200;
    return { status, statusText: '' };
  }

  async #makeTokenRequest(request: SdkRequest, attempt: Attempt | null): Promise<SdkResponse> {
    if (attempt !== null) attempt.tokenRequests += 1;
    const { url, headers, body } = request;
    const answer = await this.#post.post({ url, headers, body, successBodyBytes: TOKEN_BODY_BYTES });
    if (answer.tag === 'no_response') throw answer.error;
    if (attempt !== null && answer.status !== 200) attempt.tokenAnswer = answer;
    return { status: answer.status, statusText: '', headers: {}, text: async () => answer.bodyExcerpt };
  }
}

function sdkOAuth(
  oauth: OAuthSettings,
): NonNullable<ConstructorParameters<typeof Analytics>[0]['oauthSettings']> {
  return {
    clientId: oauth.clientId,
    clientKey: oauth.clientKey,
    keyId: oauth.keyId,
    ...(oauth.authServer === null ? {} : { authServer: oauth.authServer }),
    ...(oauth.scope === null ? {} : { scope: oauth.scope }),
    // With 0 the SDK's token manager never reports a failure and the flush would hang for ever.
    maxRetries: 1,
  };
}

function resultOf(attempt: Attempt, roundTripMs: number): SegmentResponse {
  if (attempt.answer !== null) return attempt.answer;
  const token = attempt.tokenAnswer;
  if (token?.tag === 'response' && token.status >= 400 && token.status < 500 && token.status !== 429) {
    // Not the events are refused but the credentials: 401, whatever status the authorization server chose.
    return { ...token, status: 401, bodyExcerpt: `no access token (${token.status}): ${token.bodyExcerpt}` };
  }
  if (attempt.signal?.aborted === true) {
    return { tag: 'no_response', reason: 'aborted', error: new Error('aborted'), roundTripMs };
  }
  const detail = attempt.failure?.message ?? 'the SDK sent nothing';
  // It asked for no token and sent no request, so it found the calls themselves wanting (too large by its count).
  if (attempt.tokenRequests === 0) return { tag: 'unsendable', detail };
  return { tag: 'no_response', reason: 'network', error: attempt.failure ?? new Error(detail), roundTripMs };
}

/** The SDK finds a bad key only when it wants a token, and then tries again for ever. */
function checkKey(oauth: OAuthSettings): void {
  try {
    createPrivateKey(oauth.clientKey);
  } catch (cause) {
    throw new ConnectorError('CONFIG_INVALID', 'the OAuth client key is not a private key in PEM', { cause });
  }
}
