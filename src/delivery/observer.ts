import type { ErrorCode } from '../errors/codes.js';
import type { DeadLetterReason } from '../queue/dead-letters.js';
import type { QueuedCall } from '../queue/job.js';
import type { Outcome } from './outcome.js';

/** What delivery tells whoever counts and logs. Every method is optional and must not throw. */
export interface DeliveryObserver {
  /** One attempt and what it meant. */
  attempted?(attempt: {
    readonly source: string;
    readonly lane: number;
    readonly calls: number;
    readonly outcome: Outcome;
    readonly roundTripMs: number;
  }): void;
  /** Segment has them. `queuedAtMs`: when their job was made; 2xx arrived at `deliveredAtMs`. */
  delivered?(delivered: {
    readonly source: string;
    readonly lane: number;
    readonly calls: readonly QueuedCall[];
    readonly queuedAtMs: number;
    readonly deliveredAtMs: number;
  }): void;
  /** Not begun: nobody has published the suppression list yet, and this process cannot read it. */
  awaitsList?(source: string): void;
  suppressed?(source: string, calls: readonly QueuedCall[]): void;
  deadLettered?(source: string, name: string, reason: DeadLetterReason): void;
  /** Slept for the rate limit or a pause. */
  limited?(source: string, waitedMs: number): void;
  paused?(source: string, ms: number): void;
  /** The source, or one lane of it, stands still until the condition ends. Called again at each failed probe. */
  stopped?(source: string, lane: number | null, code: ErrorCode, detail: string): void;
  resumed?(source: string, lane: number | null): void;
  /** An operator has paused the source, or lets it go on. */
  held?(source: string, held: boolean): void;
  /** Configured otherwise, or no more: what was told of the source holds no longer. */
  closed?(source: string): void;
  /** A job that needed no sending: delivered before, or superseded. */
  skippedJob?(source: string, lane: number, why: 'delivered' | 'superseded'): void;
  /** The lock of the job in hand passed to another worker. */
  lockLost?(source: string, lane: number): void;
  connectionError?(error: Error): void;
  /** A defect: the lane tries again after a while, nothing is lost. */
  laneError?(source: string, lane: number, error: Error): void;
}
