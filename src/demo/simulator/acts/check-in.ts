import { isLoyal, type Act } from '../world.js';

const INSERT_CHECKIN = `
INSERT INTO loyalty.checkin (checkin_id, merchant_id, account_id, card_id, store_id, external_store_code, short_card_number,
  channel, checkin_time, expiration_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now(), now() + interval '1 hour')`;

/** From the app, at a store or for the brand as a whole. */
export const checkIn: Act = {
  name: 'check-in',
  weight: 8,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    const checkinId = scene.world.ids.next('checkin');
    const corporate = scene.random.chance(0.25);
    const store = corporate ? null : member.homeStore;
    await member.exclusively(() =>
      scene.write.commit((tx) =>
        tx.run(INSERT_CHECKIN, [
          checkinId,
          member.merchantId,
          member.accountId,
          member.cardId,
          store?.storeId ?? null,
          store === null ? null : `EXT-${store.code}`,
          String(scene.random.int(1_000, 9_999)),
          scene.random.pick(['MOBILE_APP', 'GUEST_WEBSITE']),
        ]),
      ),
    );
    if (!scene.random.chance(0.1)) return;
    // Used at the till: the row changes, and that is no second check-in.
    scene.later(1_500, () =>
      member.exclusively(async () => {
        await scene.write.commit((tx) =>
          tx.run('UPDATE loyalty.checkin SET consumed_transaction_id = 1 WHERE checkin_id = $1', [checkinId]),
        );
      }),
    );
  },
};
