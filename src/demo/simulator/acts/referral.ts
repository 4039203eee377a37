import { createHash } from 'node:crypto';

import { isRegistered, type Act } from '../world.js';

const INSERT_REFERRAL = `
INSERT INTO loyalty.referral (referral_id, merchant_id, referrer_account_id, referral_code, channel, referred_email_sha256,
  referred_account_id, status) VALUES ($1, $2, $3, $4, $5, $6, $7, 'SENT')`;

const MOVE_REFERRAL = `
UPDATE loyalty.referral SET status = $2, registered_at = CASE WHEN $2 = 'REGISTERED' THEN now() END WHERE referral_id = $1`;

/** How long a referral stays SENT at least: the tables alone must tell that it was sent before it moved on. */
const MOVES_AFTER_MS = 1_500;

/** A guest recommends the brand; some friends come, some invitations are withdrawn. */
export const referral: Act = {
  name: 'referral',
  weight: 4,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isRegistered);
    if (member === null) return;
    const referralId = scene.world.ids.next('referral');
    await member.exclusively(() =>
      scene.write.commit((tx) =>
        tx.run(INSERT_REFERRAL, [
          referralId,
          member.merchantId,
          member.accountId,
          `FRIEND-${referralId.slice(-5)}`,
          scene.random.pick(['EMAIL', 'SMS', 'MOBILE_APP']),
          createHash('sha256').update(`friend.${referralId}@example.test`).digest(),
          null,
        ]),
      ),
    );
    const moves = scene.random.pick([null, null, 'REGISTERED', 'CANCELLED', 'EXPIRED']);
    if (moves === null) return;
    scene.later(MOVES_AFTER_MS, () =>
      member.exclusively(async () => {
        await scene.write.commit((tx) => tx.run(MOVE_REFERRAL, [referralId, moves]));
      }),
    );
  },
};

/** Somebody recommends the brand to themselves. */
export const selfReferral: Act = {
  name: 'self-referral',
  weight: 1,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isRegistered);
    if (member === null) return;
    const referralId = scene.world.ids.next('referral');
    await member.exclusively(() =>
      scene.write.commit((tx) =>
        tx.run(INSERT_REFERRAL, [
          referralId,
          member.merchantId,
          member.accountId,
          `SELF-${referralId.slice(-5)}`,
          'EMAIL',
          null,
          member.accountId,
        ]),
      ),
    );
  },
};
