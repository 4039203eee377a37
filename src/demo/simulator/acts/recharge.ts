import { STORED_VALUE } from '../brand.js';
import { insertHeader, money, postLines, type Header } from '../ledger.js';
import type { Member } from '../member.js';
import { isLoyal, remember, type Act, type Scene } from '../world.js';
import type { Tx } from '../writer.js';

const INSERT_RECHARGE = `
INSERT INTO txn.recharge (recharge_id, merchant_id, account_id, card_id, store_id, wallet_code, amount, bonus_amount, currency,
  recharge_kind, payment_type, card_type, last_four, transaction_state, requested_at, completed_at, transaction_id, channel)
VALUES ($1, $2, $3, $4, $5, ${STORED_VALUE}, $6, $7, 'USD', $8, 'CREDIT_CARD', $9, '0000', $10, now(),
  CASE WHEN $10 = 'Succeeded' THEN now() END, $11, $12)`;

const SETTLE_RECHARGE = `
UPDATE txn.recharge SET transaction_state = $2, completed_at = CASE WHEN $2 = 'Succeeded' THEN now() ELSE completed_at END,
  transaction_id = coalesce($3, transaction_id) WHERE recharge_id = $1`;

interface Order {
  readonly rechargeId: string;
  readonly amountCents: number;
  readonly bonusCents: number;
}

const isFor = (member: Member): boolean => isLoyal(member) && member.template.wallets.includes(STORED_VALUE);

function order(scene: Scene): Order {
  const amountCents = scene.random.pick([1_000, 2_500, 5_000]);
  return {
    rechargeId: scene.world.ids.next('recharge'),
    amountCents,
    bonusCents: scene.random.chance(0.5) ? amountCents / 10 : 0,
  };
}

async function insertRecharge(
  tx: Tx,
  scene: Scene,
  member: Member,
  { rechargeId, amountCents, bonusCents }: Order,
  state: 'Pending' | 'Succeeded',
  transactionId: string | null,
): Promise<void> {
  const automatic = state === 'Succeeded';
  await tx.run(INSERT_RECHARGE, [
    rechargeId,
    member.merchantId,
    member.accountId,
    member.cardId,
    automatic ? null : member.homeStore.storeId,
    money(amountCents),
    money(bonusCents),
    automatic ? 'AUTO' : 'ONE_TIME',
    scene.random.pick(['VISA', 'AMEX', null]),
    state,
    transactionId,
    automatic ? 'SYSTEM' : 'MOBILE_APP',
  ]);
}

async function credit(
  tx: Tx,
  scene: Scene,
  member: Member,
  { amountCents, bonusCents }: Order,
): Promise<Header> {
  const header: Header = {
    transactionId: scene.world.ids.next('transaction'),
    merchantId: member.merchantId,
    accountId: member.accountId,
    cardId: member.cardId,
    store: null,
    type: 'RECHARGE',
    origin: 'MOBILE_APP',
    programId: 'SV',
  };
  await insertHeader(tx, header);
  const lines = [amountCents, bonusCents].filter((cents) => cents > 0).map(money);
  remember(
    member,
    await postLines(
      tx,
      header,
      lines.map((quantity) => ({ walletCode: STORED_VALUE, kind: 'ACCRUED', quantity })),
    ),
  );
  return header;
}

async function settle(
  tx: Tx,
  rechargeId: string,
  state: string,
  transactionId: string | null,
): Promise<void> {
  await tx.run(SETTLE_RECHARGE, [rechargeId, state, transactionId]);
}

/** Asked for, then settled by the card processor a moment later: mostly paid, sometimes refused, rarely refunded. */
export const recharge: Act = {
  name: 'recharge',
  weight: 5,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isFor);
    if (member === null) return;
    const asked = order(scene);
    await member.exclusively(() =>
      scene.write.commit((tx) => insertRecharge(tx, scene, member, asked, 'Pending', null)),
    );
    const refused = scene.random.chance(0.2);
    scene.later(scene.random.int(100, 900), () =>
      member.exclusively(() =>
        scene.write.commit(async (tx) => {
          if (refused) await settle(tx, asked.rechargeId, 'Failed', null);
          else {
            const header = await credit(tx, scene, member, asked);
            await settle(tx, asked.rechargeId, 'Succeeded', header.transactionId);
          }
        }),
      ),
    );
  },
};

/** The card on file is charged without anybody asking: it begins as paid. */
export const automaticRecharge: Act = {
  name: 'automatic recharge',
  weight: 2,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isFor);
    if (member === null) return;
    await member.exclusively(() =>
      scene.write.commit(async (tx) => {
        const asked = order(scene);
        const header = await credit(tx, scene, member, asked);
        await insertRecharge(tx, scene, member, asked, 'Succeeded', header.transactionId);
      }),
    );
  },
};

/** Paid and refunded: within one commit it never was; later it was sent and stays sent. */
export const refundedRecharge: Act = {
  name: 'refunded recharge',
  weight: 1,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isFor);
    if (member === null) return;
    const asked = order(scene);
    const atOnce = scene.random.chance(0.5);
    const reversed = await member.exclusively(async () => {
      await scene.write.commit((tx) => insertRecharge(tx, scene, member, asked, 'Pending', null));
      return scene.write.commit(async (tx) => {
        const header = await credit(tx, scene, member, asked);
        await settle(tx, asked.rechargeId, 'Succeeded', header.transactionId);
        if (atOnce) await takeBack(tx, scene, member, asked, header);
        return header;
      });
    });
    if (atOnce) return;
    scene.later(800, () =>
      member.exclusively(() => scene.write.commit((tx) => takeBack(tx, scene, member, asked, reversed))),
    );
  },
};

async function takeBack(tx: Tx, scene: Scene, member: Member, asked: Order, original: Header): Promise<void> {
  const header: Header = {
    ...original,
    transactionId: scene.world.ids.next('transaction'),
    modifier: 'REVERSE',
    originalTransactionId: original.transactionId,
  };
  await insertHeader(tx, header);
  remember(
    member,
    await postLines(tx, header, [
      { walletCode: STORED_VALUE, kind: 'REDEEMED', quantity: money(asked.amountCents + asked.bonusCents) },
    ]),
  );
  await settle(tx, asked.rechargeId, 'Refunded', null);
}
