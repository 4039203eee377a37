import type { Transition } from '../records/commit.js';
import { nullableDate } from '../records/timestamps.js';
import type { EventRule } from './draft.js';
import { registrationSceneOf } from './registration.js';

/** A registration on the merchant's guest website; Loyalty Registration is sent as well. */
export const webRegistration: EventRule<'Web Registration', Transition<'loyalty.account'>> = {
  name: 'Web Registration',
  draft(subject, derivation) {
    if (subject.row.after?.registration_source !== 'GUEST_WEBSITE') return null;
    const found = registrationSceneOf('Web Registration', subject, derivation);
    if (found === null) return null;
    const { account } = found.scene.account;
    const favorite =
      account.favorite_store_id === null ? null : derivation.facts.store(account.favorite_store_id);
    return {
      ...found,
      key: account.account_id,
      identifyKey: null,
      properties: {
        registration_source: account.registration_source,
        enroll_date: nullableDate(account.enroll_date, 'loyalty.account.enroll_date', derivation.observer),
        favorite_store_code: favorite?.store_code ?? null,
      },
    };
  },
};
