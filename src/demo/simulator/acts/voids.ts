import { insertHeader } from '../ledger.js';
import { isLoyal, type Act } from '../world.js';
import { beginVisit, earnedLines, identifyAtTill, writePurchase, writeVoid } from './till.js';

/** Rung up and taken back before it was committed: as if it never was. */
export const voidAtOnce: Act = {
  name: 'void in the same commit',
  weight: 2,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    await member.exclusively(async () => {
      const visit = beginVisit(scene, member.homeStore);
      const lines = earnedLines(member, visit.totalCents);
      await scene.write.commit(async (tx) => {
        const header = await writePurchase(tx, scene, member, visit, lines);
        await writeVoid(tx, scene, member, header, lines, scene.random.pick(['VOID', 'REVERSE']));
      });
    });
  },
};

/** Taken back a little later: the purchase was sent and cannot be recalled, the void itself is not sent. */
export const voidLater: Act = {
  name: 'void later',
  weight: 3,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    const visit = beginVisit(scene, member.homeStore);
    const lines = earnedLines(member, visit.totalCents);
    const header = await member.exclusively(() =>
      scene.write.commit((tx) => writePurchase(tx, scene, member, visit, lines)),
    );
    const modifier = scene.random.pick(['VOID', 'REVERSE'] as const);
    scene.later(scene.random.int(200, 1_500), () =>
      member.exclusively(() =>
        scene.write.commit((tx) => writeVoid(tx, scene, member, header, lines, modifier)),
      ),
    );
  },
};

/** The server goes away in the middle of a purchase; then it succeeds, with a part of it tried twice. */
export const rollback: Act = {
  name: 'roll-back',
  weight: 3,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    await member.exclusively(async () => {
      const visit = beginVisit(scene, member.homeStore);
      const lines = earnedLines(member, visit.totalCents);
      const before = new Map(member.balances);
      await scene.write.rollBack((tx) => writePurchase(tx, scene, member, visit, lines));
      member.balances.clear();
      for (const [code, balance] of before) member.balances.set(code, balance);
      await scene.write.commit(async (tx) => {
        await tx.run('SAVEPOINT first_try');
        await insertHeader(tx, {
          transactionId: scene.world.ids.next('transaction'),
          merchantId: member.merchantId,
          accountId: member.accountId,
          cardId: member.cardId,
          store: visit.store,
          type: 'ADD_REDEEM',
          origin: 'POS',
          posTransactionId: visit.posTransactionId,
        });
        await tx.run('ROLLBACK TO SAVEPOINT first_try');
        await tx.run('SAVEPOINT second_try');
        await writePurchase(tx, scene, member, visit, lines);
        await tx.run('RELEASE SAVEPOINT second_try');
      });
      await identifyAtTill(scene, member, beginVisit(scene, member.homeStore), 1, {
        // A till that sends no number of its own for the check.
        posTransactionId: null,
      });
    });
  },
};
