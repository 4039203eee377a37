import type { Transition } from '../records/commit.js';
import { nullableDate, nullableTimestampIso } from '../records/timestamps.js';
import type { EventRule } from './draft.js';
import { registrationSceneOf } from './registration.js';

/** A guest registered a loyalty account, through any channel. */
export const loyaltyRegistration: EventRule<'Loyalty Registration', Transition<'loyalty.account'>> = {
  name: 'Loyalty Registration',
  draft(subject, derivation) {
    const found = registrationSceneOf('Loyalty Registration', subject, derivation);
    if (found === null) return null;
    const { account, template, primaryCard } = found.scene.account;
    const { observer } = derivation;
    return {
      ...found,
      key: account.account_id,
      identifyKey: `registration-${account.account_id}`,
      properties: {
        registration_source: account.registration_source,
        card_template_label: template?.label ?? null,
        enroll_date: nullableDate(account.enroll_date, 'loyalty.account.enroll_date', observer),
        card_activated_at: nullableTimestampIso(
          primaryCard?.activated_at ?? null,
          'loyalty.card.activated_at',
          observer,
        ),
      },
    };
  },
};
