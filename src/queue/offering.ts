import { originOf } from './batch.js';
import type { OfferAccount } from './offer-account.js';
import { Settlement } from './settlement.js';
import type { OfferedTransaction } from './sink.js';
import type { SourceLanes } from './source-lanes.js';

export interface Offering {
  readonly source: SourceLanes;
  readonly offered: OfferedTransaction;
  /** Whose room the calls take. */
  readonly account: OfferAccount;
  /** Who offers: calls are taken only while the source stands like that. */
  readonly as: 'live' | 'catching-up';
}

/** Takes the calls of one transaction into a source's lanes; see `EventSink.offer`. */
export async function offerCalls({ source, offered, account, as }: Offering): Promise<void> {
  if (source.precedes(offered.endLsn)) return passBy(source, offered);
  if (source.standing !== as) {
    // What a source misses that is parked is brought from further back; what was given up never settles.
    return as === 'live' ? passBy(source, offered) : undefined;
  }
  account.opened();
  const settlement = new Settlement(() => {
    offered.settled();
    account.settled();
  });
  const origin = originOf(offered, settlement);
  for (const call of offered.calls) {
    source.take(call, origin);
    if (!account.isFull) continue;
    await room(source, account);
    // What it had taken of this transaction was given up with the rest.
    if (source.standing !== as) break;
  }
  if (source.standing !== as) {
    if (as === 'catching-up') return;
    await source.untilParked();
  }
  settlement.offered();
  source.kick(false);
  if (account.isFull) await room(source, account);
}

/** Nothing that passes a source by settles before it is durable that the source misses it. */
async function passBy(source: SourceLanes, offered: OfferedTransaction): Promise<void> {
  await source.untilParked();
  offered.settled();
}

async function room(source: SourceLanes, account: OfferAccount): Promise<void> {
  source.kick(false);
  await account.room();
}
