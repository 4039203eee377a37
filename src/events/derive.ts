import type { EventSettings } from '../config/source.js';
import type { Facts } from '../enrichment/facts.js';
import type { Commit } from '../records/commit.js';
import { UnparsableValue } from '../records/values.js';
import { addRedeem } from './add-redeem.js';
import { addressOf, anonymousIdOf, assembleTrack, messageIdOf, type Address } from './assemble.js';
import { checkIn } from './check-in.js';
import type { EventRule, TrackDraft } from './draft.js';
import type { Derivation, DerivationObserver, Subject } from './subject.js';
import type { Derived, EventName, RejectedEvent } from './event.js';
import { customCall } from './custom-event.js';
import { identifyCall, identifyMessageId } from './identify.js';
import { identifyCustomer } from './identify-customer.js';
import { loyaltyRegistration } from './loyalty-registration.js';
import { posActivity } from './pos-activity.js';
import { rechargeValue } from './recharge-value.js';
import { referral } from './referral.js';
import { subjectsOf } from './subjects.js';
import { surveyCompletion } from './survey-completion.js';
import { webRegistration } from './web-registration.js';

export interface DeriveInput {
  readonly commit: Commit;
  readonly facts: Facts;
  readonly settings: EventSettings;
  /** Told of values that become null because JSON cannot carry them, and of accounts that are not there. Default: nobody. */
  readonly observer?: DerivationObserver;
}

/**
 * The calls that one committed transaction implies for one source, in rank order: the events in the order of
 * EVENT_NAMES, several of one kind by primary key, an identify just before its track call.
 *
 * Pure, and lazy: each call is written when it is asked for, so a commit of any size holds one of them at a time. The
 * facts must stand as of this commit until the last call is taken.
 */
export function* deriveEvents(input: DeriveInput): Generator<Derived> {
  const { commit, facts, settings, observer } = input;
  if (commit.commitTimeUs <= settings.enabledFromUs) return;
  const derivation: Derivation = { commit, facts, settings, observer };
  const { registrations, checkins, transactions, recharges, referrals, responses, customs } =
    subjectsOf(commit);
  for (const each of registrations) yield* callsOf(loyaltyRegistration, each, derivation);
  for (const each of registrations) yield* callsOf(webRegistration, each, derivation);
  for (const each of checkins) yield* callsOf(checkIn, each, derivation);
  for (const each of transactions) yield* callsOf(identifyCustomer, each, derivation);
  for (const each of transactions) yield* callsOf(posActivity, each, derivation);
  for (const each of transactions) yield* callsOf(addRedeem, each, derivation);
  for (const each of recharges) yield* callsOf(rechargeValue, each, derivation);
  for (const each of referrals) yield* callsOf(referral, each, derivation);
  for (const each of responses) yield* callsOf(surveyCompletion, each, derivation);
  for (const each of customs) yield* customCall(each, derivation);
}

const NO_CALLS: readonly never[] = [];

/** None, a track call, or an identify and its track call. */
function callsOf<E extends EventName, R>(
  rule: EventRule<E, R>,
  subject: Subject<R>,
  derivation: Derivation,
): readonly Derived[] {
  let draft: TrackDraft<E> | null;
  try {
    draft = rule.draft(subject, derivation);
  } catch (error) {
    return [trackSetAside(rule.name, subject.primaryKey, error, subject, derivation)];
  }
  if (draft === null) return NO_CALLS;
  const track = trackOf(rule.name, draft, subject, derivation);
  if (draft.identifyKey === null) return [track];
  const identify = identifyOf(rule.name, draft, draft.identifyKey, subject, derivation);
  return identify === null ? [track] : [identify, track];
}

function trackOf<E extends EventName>(
  event: E,
  draft: TrackDraft<E>,
  subject: Subject<unknown>,
  derivation: Derivation,
): Derived {
  try {
    return assembleTrack(event, draft, subject, derivation);
  } catch (error) {
    return trackSetAside(event, draft.key, error, subject, derivation);
  }
}

function trackSetAside(
  event: EventName,
  key: string,
  error: unknown,
  subject: Subject<unknown>,
  derivation: Derivation,
): RejectedEvent {
  const id = messageIdOf(event, subject.merchantId, key);
  return setAside(error, addressOf(event, event, 1, id, subject, derivation), subject);
}

function identifyOf(
  event: EventName,
  draft: TrackDraft,
  key: string,
  subject: Subject<unknown>,
  derivation: Derivation,
): Derived | null {
  try {
    return identifyCall(event, draft, subject, derivation);
  } catch (error) {
    const id = identifyMessageId(subject.merchantId, key);
    return setAside(error, addressOf('identify', event, 0, id, subject, derivation), subject);
  }
}

/** A value that cannot be read sets aside the one call that needs it, named as it would have been sent. */
export function setAside(error: unknown, address: Address, subject: Subject<unknown>): RejectedEvent {
  if (!(error instanceof UnparsableValue)) throw error;
  const call = address.name === 'identify' ? { type: 'identify' } : { type: 'track', event: address.name };
  const json = JSON.stringify({ ...call, messageId: address.messageId, anonymousId: anonymousIdOf(subject) });
  return {
    tag: 'rejected',
    ...address,
    json,
    reason: 'unparsable_value',
    detail: `${error.column} ${error.problem}`,
  };
}
