import { accountAnonymousId, rowAnonymousId } from './anonymous-id.js';
import { printedCardNumber, shownCardNumber } from './card-number.js';
import { accountFragment, personFragment, placeFragment, walletsFragment } from './common-properties.js';
import { contextOf } from './context.js';
import type { CallDraft, TrackDraft } from './draft.js';
import type { Derivation, Subject } from './subject.js';
import {
  EVENT_NAMES,
  type CallName,
  type Derived,
  type EventName,
  type MessageId,
  type RejectedEvent,
} from './event.js';
import { fragment, type Fragment } from './fragment.js';
import { messageId } from './message-id.js';
import { CATALOGUE } from './schema/catalogue.js';
import { OWN_PARTS } from './schema/validators.js';
import { redacted } from './redact.js';
import { shrunkToFit, WHOLE, type Reduction } from './shrink.js';
import { userIdOf } from './user-id.js';

/** A call as it is addressed: everything but its body. */
export type Address = Omit<RejectedEvent, 'tag' | 'reason' | 'detail' | 'json'>;

export function addressOf(
  name: CallName,
  kind: EventName,
  part: 0 | 1,
  id: MessageId,
  subject: Subject<unknown>,
  derivation: Derivation,
): Address {
  const { merchantId, accountId, primaryKey, table } = subject;
  const account = accountId === null ? null : derivation.facts.account(accountId);
  return {
    name,
    messageId: id,
    accountKey: accountId === null ? `${merchantId}:${table}:${primaryKey}` : `${merchantId}:${accountId}`,
    guestId: account?.account.user_id ?? null,
    rank: { kind: EVENT_NAMES.indexOf(kind), key: primaryKey, part },
  };
}

export function anonymousIdOf(subject: Subject<unknown>): string {
  return subject.accountId === null
    ? rowAnonymousId(subject.merchantId, subject.table, subject.primaryKey)
    : accountAnonymousId(subject.merchantId, subject.accountId);
}

/** The number that the source may show of the card the draft is about. */
export function cardShown(draft: CallDraft, derivation: Derivation): string | null {
  const number = printedCardNumber(draft.presentedCardId, draft.scene.account, derivation.facts);
  return number === null ? null : shownCardNumber(number, derivation.settings.cardNumber);
}

/** From `"messageId"` to the comma before the body: the same for both kinds of call. */
export function envelope(
  id: MessageId,
  anonymousId: string,
  draft: CallDraft,
  derivation: Derivation,
): string {
  const userId = draft.scene.account === null ? null : userIdOf(draft.scene.account, derivation.settings);
  const user = userId === null ? '' : `"userId":${JSON.stringify(userId)},`;
  return `"messageId":${JSON.stringify(id)},${user}"anonymousId":"${anonymousId}","timestamp":"${draft.time.iso}","context":${contextOf(draft.scene.zone)},`;
}

export function messageIdOf(event: EventName, merchantId: string, key: string): MessageId {
  return messageId(merchantId, CATALOGUE[event].slug, key);
}

interface Assembled {
  readonly json: string;
  readonly problem: string | null;
}

/** The track call of a draft, checked against its schema and Segment's limits. @throws UnparsableValue */
export function assembleTrack<E extends EventName>(
  event: E,
  draft: TrackDraft<E>,
  subject: Subject<unknown>,
  derivation: Derivation,
): Derived {
  const id = messageIdOf(event, subject.merchantId, draft.key);
  const address = addressOf(event, event, 1, id, subject, derivation);
  const head = `{"type":"track","event":${JSON.stringify(event)},${envelope(id, anonymousIdOf(subject), draft, derivation)}"properties":{`;
  const person = personFragment(draft.scene.account, cardShown(draft, derivation));
  const place = placeFragment(draft.scene.store, derivation.observer);
  const account = accountFragment(subject.merchantId, draft.scene.account, draft.channel);
  const own = fragment(draft.properties, OWN_PARTS[event]);
  const { privacy, wallets: scope } = derivation.settings;
  const build = (reduction: Reduction): Assembled => {
    const wallets = walletsFragment(draft.scene.account, { scope, reduction }, derivation.observer);
    const members = `${person.members},${place.members},${wallets.members},${account.members},${own.members}`;
    return {
      json: `${head}${redacted(members, privacy)}}}`,
      problem: firstProblem([person, place, wallets, account, own]),
    };
  };
  const whole = build(WHOLE);
  if (whole.problem !== null) {
    return { tag: 'rejected', ...address, json: whole.json, reason: 'schema', detail: whole.problem };
  }
  const fitting = shrunkToFit(whole, build);
  if (fitting === null) {
    const detail = 'over 32 KB without expirations, hidden wallets and wallets without a balance';
    return { tag: 'rejected', ...address, json: whole.json, reason: 'too_large', detail };
  }
  return sendable(address, fitting.json);
}

/** Spelt out: a spread behind another member costs as much as the rest of the object. */
export function sendable({ name, messageId, accountKey, guestId, rank }: Address, json: string): Derived {
  return { tag: 'event', name, messageId, accountKey, guestId, rank, json };
}

function firstProblem(parts: readonly Fragment[]): string | null {
  for (const part of parts) if (part.problem !== null) return part.problem;
  return null;
}
