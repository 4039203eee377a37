import { nullableTimestampIso } from '../records/timestamps.js';
import { integerValue } from '../records/values.js';
import { addressOf, anonymousIdOf, cardShown, envelope, sendable } from './assemble.js';
import { personOf } from './common-properties.js';
import type { CallDraft, TrackDraft } from './draft.js';
import type { Derivation, Subject } from './subject.js';
import type { Derived, EventName, MessageId } from './event.js';
import { fragment } from './fragment.js';
import { messageId } from './message-id.js';
import { redacted } from './redact.js';
import type { PropertiesOf } from './schema/kinds.js';
import type { TRAITS } from './schema/shared-properties.js';
import { PARTS } from './schema/validators.js';

export function identifyMessageId(merchantId: string, key: string): MessageId {
  return messageId(merchantId, 'identify', key);
}

/**
 * Segment's identify call for the registered guest of a draft, to go just before the draft's track call and at its
 * time. Null when none is due: no registered guest, or the source does not want them. @throws UnparsableValue
 */
export function identifyCall(
  event: EventName,
  draft: CallDraft & Pick<TrackDraft, 'identifyKey'>,
  subject: Subject<unknown>,
  derivation: Derivation,
): Derived | null {
  const { settings, observer } = derivation;
  if (!settings.identify || draft.identifyKey === null || draft.scene.account === null) return null;
  const { account, tierLabel, guest } = draft.scene.account;
  const id = identifyMessageId(subject.merchantId, draft.identifyKey);
  const traits: PropertiesOf<typeof TRAITS> = {
    ...personOf(draft.scene.account, cardShown(draft, derivation)),
    ...(settings.traits.has('email') ? { email: guest?.email ?? null } : {}),
    ...(settings.traits.has('phone') ? { phone: guest?.mobile_phone ?? null } : {}),
    account_id: account.account_id,
    merchant_id: integerValue(subject.merchantId, 'merchant_id'),
    card_template_code: account.card_template_code,
    tier_label: tierLabel,
    registered_at: nullableTimestampIso(account.registered_at, 'loyalty.account.registered_at', observer),
    registration_source: account.registration_source,
  };
  const { members, problem } = fragment(traits, PARTS.traits);
  const json = `{"type":"identify",${envelope(id, anonymousIdOf(subject), draft, derivation)}"traits":{${redacted(members, settings.privacy)}}}`;
  const address = addressOf('identify', event, 0, id, subject, derivation);
  if (problem === null) return sendable(address, json);
  return { tag: 'rejected', ...address, json, reason: 'schema', detail: problem };
}
