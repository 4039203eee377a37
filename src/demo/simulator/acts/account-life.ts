import { POINTS } from '../brand.js';
import { insertHeader, post, type Header } from '../ledger.js';
import { bothExclusively, type Member } from '../member.js';
import { attach } from './registration.js';
import { isLoyal, isRegistered, remember, tillFields, type Act, type Scene } from '../world.js';
import { beginVisit, earnedLines, identifyAtTill, writePurchase } from './till.js';

const RETIRE_CARD = `
UPDATE loyalty.card SET status = 'EXCHANGED', is_primary = false, exchanged_for_card_id = $2 WHERE card_id = $1`;
const INSERT_CARD = `
INSERT INTO loyalty.card (card_id, merchant_id, account_id, printed_card_number, masked_card_number, medium, status, is_primary, activated_at)
VALUES ($1, $2, $3, $4, 'XXXX' || right($4::varchar, 4), 'PHYSICAL', 'ACTIVE', false, now())`;

/** A worn card is exchanged at the till: same account, same ids, new printed number. */
export const cardExchange: Act = {
  name: 'card exchange',
  weight: 2,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    await member.exclusively(async () => {
      const newCardId = scene.world.ids.next('card');
      await scene.write.commit(async (tx) => {
        await tx.run(INSERT_CARD, [
          newCardId,
          member.merchantId,
          member.accountId,
          scene.world.ids.nextCardNumber(),
        ]);
        await tx.run(RETIRE_CARD, [member.cardId, newCardId]);
        await tx.run('UPDATE loyalty.card SET is_primary = true WHERE card_id = $1', [newCardId]);
        await insertHeader(tx, {
          ...tillFields(member, member.homeStore, scene.random),
          cardId: newCardId,
          transactionId: scene.world.ids.next('transaction'),
          type: 'EXCHANGE',
          posTransactionId: scene.world.nextCheckNumber(),
          posAt: new Date(scene.clock.now()),
        });
      });
      member.cardId = newCardId;
    });
  },
};

const MERGE_AWAY = `
UPDATE loyalty.account SET account_status = $3, merged_into_account_id = $2, updated_at = now() WHERE account_id = $1`;
const TERMINATE = `
UPDATE loyalty.account SET account_status = 'TERMINATED', updated_at = now() WHERE account_id = $1`;

/** Customer service combines two accounts of one kind. A till that has not heard of it goes on using the old card. */
export const accountCombine: Act = {
  name: 'account combine',
  weight: 1,
  perform: async (scene) => {
    const loser = scene.world.someone(scene.random, isRegistered);
    if (loser === null) return;
    const fits = (one: Member): boolean =>
      isLoyal(one) && one !== loser && one.template === loser.template && one.merchantId === loser.merchantId;
    const survivor =
      scene.world.someone(scene.random, (one) => fits(one) && one.person === null) ??
      scene.world.someone(scene.random, fits);
    if (survivor === null) return;
    await bothExclusively(loser, survivor, () => combine(scene, loser, survivor));
    await loser.exclusively(() => useDeadCard(scene, loser));
    // Its guest registered with the other card: naming the survivor is not registering.
    await survivor.exclusively(() => attach(scene, survivor, 'CSR'));
  },
};

async function combine(scene: Scene, loser: Member, survivor: Member): Promise<void> {
  if (loser.closed || survivor.closed) return;
  const header = (member: Member): Header => ({
    transactionId: scene.world.ids.next('transaction'),
    merchantId: member.merchantId,
    accountId: member.accountId,
    cardId: member.cardId,
    store: null,
    type: 'COMBINE',
    origin: 'CSR',
  });
  const points = String(loser.inHand(POINTS));
  await scene.write.commit(async (tx) => {
    remember(
      loser,
      await post(tx, header(loser), [{ walletCode: POINTS, kind: 'TRANSFERRED_OUT', quantity: points }]),
    );
    remember(
      survivor,
      await post(tx, header(survivor), [{ walletCode: POINTS, kind: 'TRANSFERRED_IN', quantity: points }]),
    );
    await tx.run(MERGE_AWAY, [
      loser.accountId,
      survivor.accountId,
      scene.random.pick(['TERMINATED', 'ACTIVE']),
    ]);
  });
  loser.closed = true;
}

async function useDeadCard(scene: Scene, member: Member): Promise<void> {
  const visit = beginVisit(scene, member.homeStore);
  await identifyAtTill(scene, member, visit, 1);
  await scene.write.commit((tx) =>
    writePurchase(tx, scene, member, visit, earnedLines(member, visit.totalCents)),
  );
}

/** A card is reported stolen and its account closed; somebody tries it. */
export const accountClosed: Act = {
  name: 'account closed',
  weight: 1,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    await member.exclusively(async () => {
      await scene.write.commit((tx) => tx.run(TERMINATE, [member.accountId]));
      member.closed = true;
      await useDeadCard(scene, member);
    });
  },
};

/** A guest asks to be forgotten; the card is used once more. */
export const guestForgotten: Act = {
  name: 'guest anonymised',
  weight: 1,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isRegistered);
    if (member?.person == null) return;
    const { userId } = member.person;
    const accounts = scene.world.members.filter(({ person }) => person?.userId === userId);
    // A second card's commits would overlap with this one.
    if (accounts.length > 1) return;
    await member.exclusively(async () => {
      await scene.write.commit((tx) => tx.run(ANONYMISE, [userId]));
      member.closed = true;
      await useDeadCard(scene, member);
    });
  },
};

const ANONYMISE = `
UPDATE loyalty.guest SET status = 'ANONYMIZED', first_name = NULL, last_name = NULL, email = NULL, mobile_phone = NULL,
  username = NULL, updated_at = now() WHERE user_id = $1`;
