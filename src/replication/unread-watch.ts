import type { Clock } from '../lifecycle/clock.js';

export interface UnreadWatchOptions {
  readonly clock: Clock;
  /** Whether the socket is not read at present. */
  readonly unread: () => boolean;
  /** Whether the server turns new sessions away: it is shutting down. */
  readonly refuses: () => Promise<boolean>;
  readonly onRefused: () => void;
  /** Default 5,000. */
  readonly everyMs?: number;
}

/**
 * A server that shuts down keeps a stream until all was sent, for ever if nobody reads it, and what it says stands behind
 * what is not read. So while reading rests, a session of another kind tells whether it is still up. Returns at the first
 * refusal, or when the signal aborts.
 */
export async function watchUnread(options: UnreadWatchOptions, signal: AbortSignal): Promise<void> {
  const { clock, unread, refuses, onRefused, everyMs = 5_000 } = options;
  let wasUnread = false;
  while (!signal.aborted) {
    await clock.sleep(everyMs, signal);
    // A short rest is the rule under load and needs no question.
    if (wasUnread && unread() && (await refuses()) && unread() && !signal.aborted) {
      onRefused();
      return;
    }
    wasUnread = unread();
  }
}
