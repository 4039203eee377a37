import type { JsonObject } from './segment-rules.js';

/** What a test makes the receiver do instead of answering by the rules. `accept`: keep the events all the same. */
export type Fault =
  | {
      readonly tag: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
      readonly accept?: boolean;
    }
  /** Answer by the rules, but later. */
  | { readonly tag: 'delay'; readonly ms: number }
  /** The answer's head at once, its body later. */
  | { readonly tag: 'slow_body'; readonly ms: number }
  /** The answer's head and the first half of the body it promises; then the connection is cut. */
  | { readonly tag: 'truncate'; readonly status: number; readonly body: string; readonly accept?: boolean }
  | { readonly tag: 'reset'; readonly accept?: boolean }
  | { readonly tag: 'hang'; readonly accept?: boolean };

export interface ReceivedEvent {
  /** Milliseconds since 1970 (fractions kept), when the whole request had arrived. */
  readonly arrivedAtMs: number;
  readonly requestNo: number;
  readonly indexInRequest: number;
  readonly type: string;
  /** The track call's event name, `identify` for an identify call. */
  readonly name: string;
  readonly messageId: string;
  readonly userId: string | null;
  readonly anonymousId: string | null;
  readonly call: JsonObject;
  /** An earlier request brought an event of this messageId: Segment drops it. */
  readonly duplicate: boolean;
}

export interface DroppedEvent {
  readonly requestNo: number;
  readonly indexInRequest: number;
  readonly reason: string;
  readonly call: unknown;
}

export interface ReceivedRequest {
  readonly no: number;
  readonly arrivedAtMs: number;
  readonly method: string;
  readonly path: string;
  readonly bodyBytes: number;
  readonly authorization: string | null;
  readonly sentAt: string | null;
  readonly messageIds: readonly string[];
  /** The answer's status; null when the connection was cut or left hanging. */
  status: number | null;
}

export interface ReceiverOptions {
  /**
   * The write keys that are known; others get 401. Stricter than Segment, which probably answers 200 to a wrong key and
   * drops its events: here a mistake must be seen.
   */
  readonly writeKeys: readonly string[];
  /** Access tokens taken in place of a write key. Default none. */
  readonly bearerTokens?: readonly string[];
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default any free port. */
  readonly port?: number;
  /** Events in any sliding second before 429; null: no limit. Default 1,000. */
  readonly limitPerSecond?: number | null;
  /** How far arrivals may bunch up on the way before the limit counts as exceeded. Default 1.1. */
  readonly limitTolerance?: number;
  /** Keep what arrived in `requests` and `events`. False for runs that only count. Default true. */
  readonly keep?: boolean;
  readonly onEvent?: (event: ReceivedEvent) => void;
  readonly onDropped?: (event: DroppedEvent) => void;
}

export interface Receiver extends AsyncDisposable {
  /** Origin, e.g. `http://127.0.0.1:40321`. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly ReceivedRequest[];
  /** Accepted events in arrival order, duplicates included and flagged. */
  readonly events: readonly ReceivedEvent[];
  /** Answered 200 and lost, as Segment would. */
  readonly dropped: readonly DroppedEvent[];
  readonly counts: {
    readonly requests: number;
    readonly events: number;
    readonly duplicates: number;
    readonly dropped: number;
    readonly refused: number;
    readonly limited: number;
  };
  /** Asked once per request; null = answer by the rules. A new script replaces the last; pass null to end it. */
  respondWith(script: FaultScript | null): void;
  /** Resolves when `condition` holds, looked at after every request. @throws Error after `timeoutMs` (default 40 s). */
  waitUntil(condition: () => boolean, timeoutMs?: number): Promise<void>;
  /** Forgets what arrived, and which message ids were seen. */
  clear(): void;
  close(): Promise<void>;
}

export type FaultScript = (request: ReceivedRequest, calls: readonly unknown[]) => Fault | null;
