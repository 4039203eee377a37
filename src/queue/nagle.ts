/**
 * Nagle's rule for a lane: a call goes out at once while the lane has nothing outstanding, for then waiting would only add
 * latency; the more jobs wait already, the longer a batch may fill, for it would only wait in Redis instead.
 */
export interface LingerSettings {
  /** Added to the linger by each waiting job. Default 10. */
  readonly stepMs: number;
  /** Default 5,000. */
  readonly maxMs: number;
}

/**
 * The bound is what makes full batches of a slow trickle: a job is a request at least, so a backlog of 50 events a second in
 * jobs of a quarter of a second each would drain at 12 events a round trip, far below the limit.
 */
export const DEFAULT_LINGER: LingerSettings = { stepMs: 10, maxMs: 5_000 };

/** How old the oldest buffered call may get before its batch is queued although it is not full. */
export function lingerMs(jobsWaiting: number, settings: LingerSettings = DEFAULT_LINGER): number {
  return Math.min(settings.maxMs, Math.max(0, jobsWaiting) * settings.stepMs);
}
