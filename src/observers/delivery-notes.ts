import type { DeliveryObserver } from '../delivery/observer.js';
import type { Clock } from '../lifecycle/clock.js';
import { eraseNote, leaveNote, type DeliveryNote } from '../queue/delivery-notes.js';
import { laneName } from '../queue/keys.js';
import type { RedisClient } from '../queue/redis.js';
import { outcomeText } from './outcome-text.js';

/** A note that changes nothing is written again this often. */
const RENEW_MS = 10_000;

/** Leaves in Redis why a lane or source is not being delivered, for `status` on any machine. */
export function deliveryNotes(options: {
  readonly client: RedisClient;
  readonly prefix: string;
  readonly clock: Clock;
}): DeliveryObserver {
  const { client, prefix, clock } = options;
  const left = new Map<string, { readonly of: string; readonly note: DeliveryNote; readonly atMs: number }>();
  const keyOf = (source: string, lane: number | null): string =>
    lane === null ? source : laneName(source, lane);
  const leave = (source: string, given: Omit<DeliveryNote, 'sinceMs'>): void => {
    const key = keyOf(source, given.lane);
    const before = left.get(key);
    const same = before?.note.state === given.state && before.note.why === given.why;
    if (same && clock.now() - before.atMs < RENEW_MS) return;
    const sinceMs = before?.note.state === given.state ? before.note.sinceMs : clock.now();
    const note = { ...given, sinceMs };
    left.set(key, { of: source, note, atMs: clock.now() });
    // Best effort: where Redis does not answer, that is what is to be told.
    leaveNote(client, prefix, source, note).catch(() => undefined);
  };
  // A process that was killed left its notes behind: the first delivery of the next one says that they are no more true.
  const looked = new Set<string>();
  const erase = (source: string, lane: number | null): void => {
    const key = keyOf(source, lane);
    if (!left.delete(key) && looked.has(key)) return;
    looked.add(key);
    eraseNote(client, prefix, source, lane).catch(() => looked.delete(key));
  };
  return {
    attempted: ({ source, lane, outcome }) => {
      if (outcome.tag === 'retry' || outcome.tag === 'pause') {
        leave(source, { lane, state: 'failing', why: outcomeText(outcome) });
      }
    },
    delivered: ({ source, lane }) => {
      erase(source, lane);
      erase(source, null);
    },
    stopped: (source, lane, code) => leave(source, { lane, state: 'stopped', why: code }),
    resumed: erase,
    closed: (source) => {
      for (const { note, of } of left.values()) if (of === source) erase(source, note.lane);
    },
  };
}
