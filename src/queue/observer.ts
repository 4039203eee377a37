import type { MemoryUse } from './memory-guard.js';

/** Why capture waits for the queue. */
export type QueueWait =
  | 'redis_unavailable'
  /** Redis is at 70 % of its maxmemory. */
  | 'redis_memory'
  /** The source's queue budget is used up: delivery is behind. */
  | 'queue_budget';

/** What the queue tells whoever counts and logs. Every method is optional and must not throw. */
export interface QueueObserver {
  queued?(job: {
    readonly source: string;
    readonly lane: number;
    readonly calls: number;
    readonly jsonBytes: number;
    readonly bodyBytes: number;
    readonly receivedAtMs: number;
    readonly queuedAtMs: number;
  }): void;
  /** Calls that the lane's mark says are queued already. */
  skipped?(source: string, lane: number, calls: number): void;
  /** Calls that were not queued, as their guests are on the suppression list. */
  suppressed?(source: string, calls: readonly { readonly name: string }[]): void;
  deadLettered?(source: string, name: string, reason: string): void;
  /** Waiting began, or goes on after another failure. */
  waiting?(why: QueueWait, source: string | null, error: Error | null): void;
  resumed?(why: QueueWait, source: string | null): void;
  memory?(use: MemoryUse, full: boolean): void;
  connectionError?(error: Error): void;
  /** Nothing more can be queued: QUEUE_LOST, LANE_TAKEN or a defect. */
  failed?(error: Error): void;
}
