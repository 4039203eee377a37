import { ConnectorError } from '../errors/connector-error.js';
import type { Clock } from '../lifecycle/clock.js';

/** How often a status is sent at least, whatever the server allows: PostgreSQL's own receivers use 10 s as well. */
const MAX_STATUS_INTERVAL_MS = 10_000;
/**
 * After a silence of this long the server is asked for a sign of life, so that one that stands still is known within half a
 * minute. Less than the interval of the statuses, whose timer may come a moment early.
 */
const ASK_AFTER_MS = 9_000;
/** How long silence is borne where the server sets no limit: PostgreSQL's default of wal_receiver_timeout. */
const DEFAULT_SILENCE_LIMIT_MS = 60_000;

export interface LivenessPlan {
  readonly statusIntervalMs: number;
  readonly silenceLimitMs: number;
}

/**
 * The server ends a connection that has not answered for `wal_sender_timeout`; a status goes out three times within it,
 * so that one lost turn of a busy event loop does no harm.
 * @param walSenderTimeoutMs 0 = the server never gives up; statuses are sent all the same, they carry the position.
 */
export function livenessPlan(walSenderTimeoutMs: number): LivenessPlan {
  if (walSenderTimeoutMs <= 0) {
    return { statusIntervalMs: MAX_STATUS_INTERVAL_MS, silenceLimitMs: DEFAULT_SILENCE_LIMIT_MS };
  }
  return {
    statusIntervalMs: Math.max(1, Math.min(MAX_STATUS_INTERVAL_MS, Math.floor(walSenderTimeoutMs / 3))),
    silenceLimitMs: walSenderTimeoutMs,
  };
}

export interface SilenceState {
  readonly sinceMs: number;
  readonly lastTickMs: number;
  /** Consecutive statuses that asked for a reply and got none. */
  readonly unanswered: number;
}

export type LivenessStep =
  | { readonly tag: 'status'; readonly state: SilenceState }
  | { readonly tag: 'ask'; readonly state: SilenceState }
  | { readonly tag: 'silent'; readonly silentMs: number };

/**
 * What to do at a tick. Silence counts only while we are listening: not while we paused the socket ourselves, and not
 * over a time in which this process did not run (its own timer came late), for then the answer may lie unread. The
 * connection is given up when the limit has passed and at least two requests for a reply went unanswered.
 */
export function livenessStep(
  plan: LivenessPlan,
  state: SilenceState,
  seen: { readonly nowMs: number; readonly heard: boolean; readonly paused: boolean },
): LivenessStep {
  const { nowMs } = seen;
  const late = nowMs - state.lastTickMs > 2 * plan.statusIntervalMs || nowMs < state.lastTickMs;
  if (seen.heard || seen.paused || late) {
    return { tag: 'status', state: { sinceMs: nowMs, lastTickMs: nowMs, unanswered: 0 } };
  }
  const silentMs = nowMs - state.sinceMs;
  if (silentMs >= plan.silenceLimitMs && state.unanswered >= 2) return { tag: 'silent', silentMs };
  if (silentMs * 2 < plan.silenceLimitMs && silentMs < ASK_AFTER_MS) {
    return { tag: 'status', state: { ...state, lastTickMs: nowMs } };
  }
  return { tag: 'ask', state: { ...state, lastTickMs: nowMs, unanswered: state.unanswered + 1 } };
}

export interface LivenessOptions {
  readonly plan: LivenessPlan;
  readonly clock: Clock;
  /** Whether a message has come since the last call. */
  readonly heard: () => boolean;
  /** Whether we do not read the socket at present. */
  readonly paused: () => boolean;
  /** Sends the confirmed position; with `askReply` the server answers at once. */
  readonly sendStatus: (askReply: boolean) => void;
  /** A reply was asked for and has not come yet; called again at each further request. */
  readonly onAsked?: () => void;
  /** REPLICATION_SILENT: the connection is to be given up. */
  readonly onSilent: (error: ConnectorError) => void;
}

/** Sends a status at every interval until the signal aborts or the server is found silent. */
export async function keepAlive(options: LivenessOptions, signal: AbortSignal): Promise<void> {
  const { plan, clock } = options;
  const startMs = clock.now();
  let state: SilenceState = { sinceMs: startMs, lastTickMs: startMs, unanswered: 0 };
  for (;;) {
    await clock.sleep(plan.statusIntervalMs, signal);
    if (signal.aborted) return;
    const step = livenessStep(plan, state, {
      nowMs: clock.now(),
      heard: options.heard(),
      paused: options.paused(),
    });
    switch (step.tag) {
      case 'status':
        options.sendStatus(false);
        state = step.state;
        break;
      case 'ask':
        options.sendStatus(true);
        options.onAsked?.();
        state = step.state;
        break;
      case 'silent':
        options.onSilent(
          new ConnectorError('REPLICATION_SILENT', 'the replication connection is silent', {
            facts: { silentMs: step.silentMs },
          }),
        );
        return;
      default:
        step satisfies never;
    }
  }
}
