import { laterLsn, type Lsn } from '../postgres/lsn.js';

export interface HealingFacts {
  /** Everything up to here is delivered, as the checkpoint says. */
  readonly delivered: Lsn;
  /** The live stream goes on from here. */
  readonly live: Lsn;
  /** Null: there is no replay slot that can be read. */
  readonly replay: Lsn | null;
  /** Spans that somebody has dealt with, though they could not be healed. */
  readonly accepted: readonly { readonly from: Lsn; readonly to: Lsn }[];
}

export type HealingPlan =
  /** All that was queued had been delivered: the lanes begin anew, empty. */
  | { readonly tag: 'nothing' }
  | { readonly tag: 'stream'; readonly from: Lsn; readonly to: Lsn }
  /** The window does not reach back: these commits cannot be derived again. */
  | {
      readonly tag: 'gap';
      readonly reason: 'no-replay-slot' | 'window-too-short';
      readonly from: Lsn;
      readonly to: Lsn;
    };

/** What must be streamed again after Redis lost what was queued: from the delivered position to the live stream's. */
export function healingPlan({ delivered, live, replay, accepted }: HealingFacts): HealingPlan {
  const from = accepted
    .toSorted((a, b) => (a.from < b.from ? -1 : 1))
    .reduce((reached, span) => (span.from <= reached ? laterLsn(reached, span.to) : reached), delivered);
  if (from >= live) return { tag: 'nothing' };
  if (replay === null) return { tag: 'gap', reason: 'no-replay-slot', from, to: live };
  if (replay > from) {
    return { tag: 'gap', reason: 'window-too-short', from, to: replay < live ? replay : live };
  }
  return { tag: 'stream', from, to: live };
}
