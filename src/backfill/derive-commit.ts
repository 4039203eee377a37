import type { EventSettings } from '../config/source.js';
import type { Facts } from '../enrichment/facts.js';
import { deriveEvents } from '../events/derive.js';
import { EVENT_NAMES, type Derived, type EventName } from '../events/event.js';
import { profileIdentify } from '../events/profile-identify.js';
import type { ValueObserver } from '../records/values.js';
import type { RestoredCommit } from './commits.js';

export interface DeriveOptions {
  readonly source: EventSettings;
  readonly events: ReadonlySet<EventName>;
  readonly observer: ValueObserver;
}

const OF_A_HEADER: ReadonlySet<number> = new Set(
  (['Identify Customer', 'POS Activity', 'Add/Redeem'] as const).map((name) => EVENT_NAMES.indexOf(name)),
);

/** The calls of a restored commit, by the very rules of the stream, as far as they were asked for. */
export function* deriveCommit(
  restored: RestoredCommit,
  facts: Facts,
  options: DeriveOptions,
): Generator<Derived> {
  const { source, events, observer } = options;
  const { commit, ownTransactions, profileOf } = restored;
  if (profileOf !== null) {
    const account = facts.account(profileOf)?.account;
    const settings: EventSettings = { ...source, events: new Set(EVENT_NAMES), identify: true };
    const call =
      account === undefined ? null : profileIdentify(account, { commit, facts, settings, observer });
    if (call !== null) yield call;
    return;
  }
  for (const call of deriveEvents({ commit, facts, settings: { ...source, events }, observer })) {
    if (OF_A_HEADER.has(call.rank.kind) && !ownTransactions.has(call.rank.key)) continue;
    yield call;
  }
}
