/**
 * How long each condition may last before `/readyz` is red; it is green again as soon as the condition has ended.
 * Restarting helps against none of them, so `/livez` stays green. The table of docs/operations.md is made from this one.
 */
export const READINESS = {
  serverAnswerMs: {
    limitMs: 10_000,
    condition:
      'PostgreSQL does not answer on the replication connection (half-open, frozen). It is asked after 10 to 20 s without a message, so this is red within 30 s; after `wal_sender_timeout` the connection is made anew',
  },
  redisAnswerMs: {
    limitMs: 10_000,
    condition: 'Redis does not answer a ping (down, half-open, frozen); one is sent every 2 s',
  },
  queueWaitMs: {
    limitMs: 10_000,
    condition:
      'Capture waits for the queue: Redis refuses, is at 70 % of its memory limit, or the queue budget is used up',
  },
  openTransactionMs: {
    limitMs: 120_000,
    condition:
      'Something was received and is not in Redis yet (a table that is looked up in is locked, a lane is stuck)',
  },
  segmentMs: {
    limitMs: 60_000,
    condition:
      'Segment was tried and has taken nothing of a lane since (5xx, 429, hanging, unreachable). An attempt that hangs counts from its beginning, once `REQUEST_TIMEOUT` has ended it',
  },
  laneMs: {
    limitMs: 10_000,
    condition: 'A lane stands still: a job is missing, or was made by a newer release',
  },
} as const satisfies Record<string, { readonly limitMs: number; readonly condition: string }>;

export type ReadinessLimits = { readonly [K in keyof typeof READINESS]: number };

export const READINESS_LIMITS: ReadinessLimits = {
  serverAnswerMs: READINESS.serverAnswerMs.limitMs,
  redisAnswerMs: READINESS.redisAnswerMs.limitMs,
  queueWaitMs: READINESS.queueWaitMs.limitMs,
  openTransactionMs: READINESS.openTransactionMs.limitMs,
  segmentMs: READINESS.segmentMs.limitMs,
  laneMs: READINESS.laneMs.limitMs,
};

/** What is known of the process' work. Times are milliseconds since 1970; null: not so. */
export interface Vitals {
  /** What ended it. */
  readonly failure: string | null;
  /** State of capture; null where the role has none. */
  readonly capture: string | null;
  /** Null where the role has no delivery. */
  readonly delivery: 'starting' | 'running' | null;
  readonly serverUnansweredSinceMs: number | null;
  readonly redisAnsweredAtMs: number;
  readonly queueWaits: readonly { readonly why: string; readonly sinceMs: number }[];
  readonly openSinceMs: number | null;
  /** Null as lane: the whole source. */
  readonly standingStill: readonly {
    readonly source: string;
    readonly lane: string | null;
    readonly code: string;
    readonly sinceMs: number;
  }[];
  readonly failing: readonly {
    readonly source: string;
    readonly lane: string;
    readonly why: string;
    readonly sinceMs: number;
  }[];
}

/** Why it is not ready, in words; none: it is. */
export function unreadyReasons(vitals: Vitals, limits: ReadinessLimits, nowMs: number): string[] {
  const reasons: string[] = [];
  const say = (sinceMs: number, limitMs: number, words: string): void => {
    const ageMs = nowMs - sinceMs;
    if (ageMs >= limitMs) reasons.push(`${words}, for ${Math.floor(ageMs / 1_000)} s`);
  };
  const { failure, capture, serverUnansweredSinceMs, openSinceMs } = vitals;
  if (failure !== null) reasons.push(`stopped by an error: ${failure}`);
  if (capture !== null && capture !== 'streaming') reasons.push(`capture is ${capture}`);
  if (vitals.delivery === 'starting') reasons.push('delivery is starting');
  if (serverUnansweredSinceMs !== null) {
    say(
      serverUnansweredSinceMs,
      limits.serverAnswerMs,
      'postgres does not answer on the replication connection',
    );
  }
  say(vitals.redisAnsweredAtMs, limits.redisAnswerMs, 'redis does not answer');
  for (const { why, sinceMs } of vitals.queueWaits) say(sinceMs, limits.queueWaitMs, `capture waits: ${why}`);
  if (openSinceMs !== null) {
    say(openSinceMs, limits.openTransactionMs, 'a transaction was received and is not in redis yet');
  }
  for (const { source, lane, code, sinceMs } of vitals.standingStill) {
    if (lane === null) reasons.push(`source ${source} stands still: ${code}`);
    else say(sinceMs, limits.laneMs, `lane ${source}/${lane} stands still: ${code}`);
  }
  for (const { source, lane, why, sinceMs } of vitals.failing) {
    say(sinceMs, limits.segmentMs, `segment takes nothing of ${source}/${lane}: ${why}`);
  }
  return reasons;
}
