import {
  COMP,
  GIFT_TEMPLATE,
  LAB_STORE,
  MAIN_MERCHANT,
  POINTS,
  RETAIL_STORES,
  STORED_VALUE,
  VISITS,
} from '../brand.js';
import { insertMembers, prepareEnrolment } from '../enrolment.js';
import { insertHeader, post, type Header, type Line } from '../ledger.js';
import { isLoyal, remember, tillFields, type Act, type Scene } from '../world.js';
import { beginVisit, earnedLines, identifyAtTill, writePurchase } from './till.js';

/** A declined purchase, a trainee's and one in the test kitchen. */
export const refused: Act = {
  name: 'denied, training and lab',
  weight: 4,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    await member.exclusively(async () => {
      const visit = beginVisit(scene, member.homeStore);
      const changes: Partial<Header> = scene.random.pick([
        { result: 'DENIED', errorCode: 'LIMIT' },
        { isTraining: true },
        { store: LAB_STORE },
      ]);
      await identifyAtTill(scene, member, visit, 1, changes);
      await scene.write.commit((tx) =>
        insertHeader(tx, {
          ...tillFields(member, visit.store, scene.random),
          transactionId: scene.world.ids.next('transaction'),
          type: 'ADD_REDEEM',
          posTransactionId: visit.posTransactionId,
          posAt: new Date(scene.clock.now()),
          ...changes,
        }),
      );
    });
  },
};

/** Crew meals and the vendor's test cards go over the same tills. */
export const houseAccounts: Act = {
  name: 'employee and test accounts',
  weight: 3,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, (one) => one.kind !== 'GUEST' && !one.closed);
    if (member === null) return;
    await member.exclusively(async () => {
      const visit = beginVisit(scene, member.homeStore);
      await identifyAtTill(scene, member, visit, 1);
      const lines: Line[] = member.template.wallets.includes(COMP)
        ? [{ walletCode: COMP, kind: 'ACCRUED', quantity: '12.50' }]
        : earnedLines(member, visit.totalCents);
      await scene.write.commit((tx) => writePurchase(tx, scene, member, visit, lines));
    });
  },
};

/** Customer service, campaigns, rules and expiry move balances; the guest did nothing. */
export const adjustments: Act = {
  name: 'adjustments',
  weight: 5,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isLoyal);
    if (member === null) return;
    const [type, origin, line] = scene.random.pick<readonly [string, string, Line]>([
      ['WALLET_ADJUSTMENT', 'CSR', { walletCode: POINTS, kind: 'ADJUSTED', quantity: '-5' }],
      ['WALLET_ADJUSTMENT', 'CSR', { walletCode: POINTS, kind: 'ADJUSTED', quantity: '7.25' }],
      ['ADD_REDEEM', 'CSR', { walletCode: POINTS, kind: 'ACCRUED', quantity: '20' }],
      ['CAMPAIGN_ADJUSTMENT', 'CAMPAIGN', { walletCode: POINTS, kind: 'ACCRUED', quantity: '15' }],
      ['RULE_ADJUSTMENT', 'SYSTEM', { walletCode: VISITS, kind: 'ACCRUED', quantity: '1' }],
      ['EXPIRATION', 'SYSTEM', { walletCode: POINTS, kind: 'EXPIRED', quantity: '1' }],
    ]);
    await member.exclusively(() => adjust(scene, member, type, origin, line));
  },
};

async function adjust(
  scene: Scene,
  member: Parameters<typeof remember>[0],
  type: string,
  origin: string,
  line: Line,
): Promise<void> {
  await scene.write.commit(async (tx) => {
    const header: Header = {
      transactionId: scene.world.ids.next('transaction'),
      merchantId: member.merchantId,
      accountId: member.accountId,
      cardId: member.cardId,
      store: null,
      type,
      origin,
      ...(origin === 'CAMPAIGN' ? { campaignCode: 'SPRING' } : {}),
    };
    remember(member, await post(tx, header, [line]));
  });
}

/** A gift card is sold, looked at and spent: stored value alone is no loyalty. */
export const giftCard: Act = {
  name: 'gift card',
  weight: 3,
  perform: async (scene) => {
    const home = scene.random.pick(RETAIL_STORES);
    const enrolment = prepareEnrolment(scene.world, scene.random, {
      merchantId: MAIN_MERCHANT,
      template: GIFT_TEMPLATE,
      homeStore: home,
      enrolmentStore: home,
      person: null,
      source: 'POS',
    });
    const { member } = enrolment;
    const header = (type: string): Header => ({
      ...tillFields(member, home, scene.random),
      transactionId: scene.world.ids.next('transaction'),
      type,
      programId: 'SV',
      posTransactionId: scene.world.nextCheckNumber(),
      posAt: new Date(scene.clock.now()),
    });
    await scene.write.commit(async (tx) => {
      await insertMembers(tx, [enrolment]);
      await post(tx, header('ACTIVATE_ADD'), [
        { walletCode: STORED_VALUE, kind: 'ACCRUED', quantity: '25.00' },
      ]);
    });
    scene.world.members.push(member);
    await member.exclusively(() =>
      scene.write.commit((tx) =>
        post(tx, header('ADD_REDEEM'), [{ walletCode: STORED_VALUE, kind: 'REDEEMED', quantity: '10.00' }]),
      ),
    );
  },
};

/** A till asks for a balance, or takes only card balance: activity, but nothing added to or redeemed from loyalty. */
export const balanceOnly: Act = {
  name: 'balance inquiry and card balance spent',
  weight: 4,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, (one) => isLoyal(one) && one.inHand(STORED_VALUE) >= 5);
    if (member === null) return;
    const inquiry = scene.random.chance(0.5);
    await member.exclusively(() =>
      scene.write.commit(async (tx) => {
        const header: Header = {
          ...tillFields(member, member.homeStore, scene.random),
          transactionId: scene.world.ids.next('transaction'),
          type: inquiry ? 'BALANCE_INQUIRY' : 'ADD_REDEEM',
          posTransactionId: scene.world.nextCheckNumber(),
          posAt: new Date(scene.clock.now()),
        };
        const spent: Line[] = [{ walletCode: STORED_VALUE, kind: 'REDEEMED', quantity: '5' }];
        remember(member, await post(tx, header, inquiry ? [] : spent));
      }),
    );
  },
};

/** Merchants that are closed or for show do business too. */
export const otherMerchants: Act = {
  name: 'demo and suspended merchants',
  weight: 2,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, (one) => one.merchantId !== MAIN_MERCHANT);
    if (member === null) return;
    await member.exclusively(async () => {
      const visit = beginVisit(scene, member.homeStore);
      await identifyAtTill(scene, member, visit, 1);
      await scene.write.commit((tx) =>
        writePurchase(tx, scene, member, visit, earnedLines(member, visit.totalCents)),
      );
    });
  },
};
