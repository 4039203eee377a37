import type { Transition } from '../records/commit.js';
import type { Row } from '../records/tables.js';
import { isReferralCandidate } from './candidates.js';
import type { EventRule } from './draft.js';
import type { Derivation } from './subject.js';
import { sceneOf, type Scene } from './scene.js';
import { serverTime } from './timestamp.js';

/** A guest recommended the program. The person is the referrer; of the friend nothing is sent. */
export const referral: EventRule<'Referral', Transition<'loyalty.referral'>> = {
  name: 'Referral',
  draft(subject, derivation) {
    const row = subject.row.after;
    if (row === null || !isReferralCandidate(subject.row)) return null;
    const scene = sceneOf('Referral', subject, null, derivation);
    if (scene === null || isOwnAccount(row, scene, derivation)) return null;
    const { commit, observer } = derivation;
    return {
      scene,
      key: row.referral_id,
      identifyKey: null,
      presentedCardId: null,
      channel: row.channel,
      time: serverTime(row.created_at, 'loyalty.referral.created_at', commit.commitTimeUs, observer),
      properties: {
        referral_id: row.referral_id,
        referral_code: row.referral_code,
        referral_status: row.status,
      },
    };
  },
};

/** Whether the friend is another account of the very same guest. */
function isOwnAccount(row: Row<'loyalty.referral'>, scene: Scene, { facts }: Derivation): boolean {
  const userId = scene.account.account.user_id;
  if (row.referred_account_id === null || userId === null) return false;
  return facts.account(row.referred_account_id)?.account.user_id === userId;
}
