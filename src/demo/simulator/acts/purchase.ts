import { WEB_STORE } from '../brand.js';
import { insertCheck } from '../ledger.js';
import { bothExclusively, type Member } from '../member.js';
import { isLoyal, type Act, type Scene } from '../world.js';
import { beginVisit, earnedLines, identifyAtTill, spentLines, writePurchase, type Visit } from './till.js';

/** A guest eats: the till asks who it is up to four times, then the purchase is one commit over all its tables. */
export const purchase: Act = {
  name: 'purchase',
  weight: 50,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    await member.exclusively(async () => {
      const visit = beginVisit(scene, member.homeStore);
      await identifyAtTill(scene, member, visit, scene.random.pick([0, 0, 1, 2, 4]));
      await scene.write.commit((tx) =>
        writePurchase(tx, scene, member, visit, earnedLines(member, visit.totalCents)),
      );
    });
  },
};

/** The same, with rewards, points or card balance spent. */
export const redemption: Act = {
  name: 'redemption',
  weight: 14,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    await member.exclusively(async () => {
      const visit = beginVisit(scene, member.homeStore);
      const spent = spentLines(member, scene.random, visit.totalCents);
      await scene.write.commit((tx) =>
        writePurchase(tx, scene, member, visit, [...spent, ...earnedLines(member, visit.totalCents)]),
      );
    });
  },
};

/** After midnight the till still books on yesterday's business day, which is what tells its check from tomorrow's. */
export const lateNight: Act = {
  name: 'late night',
  weight: 2,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    await member.exclusively(async () => {
      const visit = await ringUp(scene, member, new Date(scene.clock.now() - 86_400_000));
      await identifyAtTill(scene, member, visit, 2);
      await scene.write.commit((tx) =>
        writePurchase(tx, scene, member, visit, earnedLines(member, visit.totalCents)),
      );
    });
  },
};

async function ringUp(scene: Scene, member: Member, businessDay: Date): Promise<Visit> {
  const visit = beginVisit(scene, member.homeStore);
  const checkId = scene.world.ids.next('check');
  await scene.write.commit((tx) =>
    insertCheck(tx, {
      checkId,
      merchantId: member.merchantId,
      store: visit.store,
      checkNumber: visit.posTransactionId,
      businessDate: businessDay.toISOString().slice(0, 10),
      totalCents: visit.totalCents,
    }),
  );
  return { ...visit, checkId };
}

/** Ordering on the site: identified and rewarded, but no till took part. */
export const onlineOrder: Act = {
  name: 'online order',
  weight: 6,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    await member.exclusively(async () => {
      const visit = beginVisit(scene, WEB_STORE);
      await identifyAtTill(scene, member, visit, 1, { origin: 'ONLINE_ORDER' });
      await scene.write.commit((tx) =>
        writePurchase(tx, scene, member, visit, earnedLines(member, visit.totalCents), {
          origin: 'ONLINE_ORDER',
        }),
      );
      // Signing in on the site identifies nobody at a till.
      await identifyAtTill(scene, member, visit, 1, { origin: 'GUEST_WEBSITE' });
    });
  },
};

/** One check, two cards: a header and an amount for each, in one commit. */
export const splitCheck: Act = {
  name: 'split check',
  weight: 4,
  perform: async (scene) => {
    const first = scene.world.someone(scene.random, isLoyal);
    if (first === null) return;
    const second = scene.world.someone(
      scene.random,
      (member) => isLoyal(member) && member !== first && member.merchantId === first.merchantId,
    );
    if (second === null) return;
    const visit = beginVisit(scene, first.homeStore);
    const half = {
      ...visit,
      checkId: scene.world.ids.next('check'),
      totalCents: Math.floor(visit.totalCents / 2),
    };
    await bothExclusively(first, second, () =>
      scene.write.commit(async (tx) => {
        await insertCheck(tx, {
          checkId: half.checkId,
          merchantId: first.merchantId,
          store: half.store,
          checkNumber: half.posTransactionId,
          totalCents: half.totalCents * 2,
        });
        await writePurchase(tx, scene, first, half, earnedLines(first, half.totalCents));
        await writePurchase(tx, scene, second, half, earnedLines(second, half.totalCents));
      }),
    );
  },
};
