import {
  BURGERS,
  FIVE_OFF,
  FREE_DESSERT,
  POINTS,
  SPEND,
  STORED_VALUE,
  VISITS,
  type Store,
} from '../brand.js';
import {
  insertCheck,
  insertCheckCard,
  insertHeader,
  money,
  post,
  type Header,
  type Line,
} from '../ledger.js';
import type { Member } from '../member.js';
import type { Random } from '../random.js';
import { remember, tillFields, type Scene } from '../world.js';
import type { Tx } from '../writer.js';

/** One visit at a till: what its rows have in common. */
export interface Visit {
  readonly store: Store;
  readonly posTransactionId: string;
  /** The check, once it is rung up; null while the till knows the guest by its own number only. */
  readonly checkId: string | null;
  readonly totalCents: number;
}

export function beginVisit(scene: Scene, store: Store): Visit {
  return {
    store,
    posTransactionId: scene.world.nextCheckNumber(),
    checkId: null,
    totalCents: scene.random.int(400, 9_000),
  };
}

/** A till asks who the guest is, as often as it likes while the check is open: one header and one commit each. */
export async function identifyAtTill(
  scene: Scene,
  member: Member,
  visit: Visit,
  times: number,
  changes: Partial<Header> = {},
): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await scene.write.commit((tx) =>
      insertHeader(tx, {
        ...tillFields(member, visit.store, scene.random),
        transactionId: scene.world.ids.next('transaction'),
        type: 'IDENTIFY_CUSTOMER',
        posTransactionId: visit.posTransactionId,
        posAt: new Date(scene.clock.now()),
        checkId: visit.checkId,
        ...changes,
      }),
    );
  }
}

/** What the rewards programme makes of a purchase. */
export function earnedLines(member: Member, totalCents: number): Line[] {
  const lines: Line[] = [
    { walletCode: POINTS, kind: 'ACCRUED', quantity: String(Math.floor(totalCents / 100)), ruleCode: 'EARN' },
    { walletCode: VISITS, kind: 'ACCRUED', quantity: '1' },
    { walletCode: BURGERS, kind: 'ACCRUED', quantity: '1' },
    { walletCode: SPEND, kind: 'ACCRUED', quantity: money(totalCents) },
  ];
  return lines.filter(({ walletCode }) => member.template.wallets.includes(walletCode));
}

/** What the member chooses to spend of what is in hand: rewards, points turned into a reward, card balance. */
export function spentLines(member: Member, random: Random, totalCents: number): Line[] {
  const lines: Line[] = [];
  const reward = random.pick([FIVE_OFF, FREE_DESSERT]);
  if (member.inHand(reward) >= 1)
    lines.push({ walletCode: reward, kind: 'REDEEMED', quantity: '1', rewardCode: 'FIVE' });
  if (member.inHand(POINTS) >= 100 && random.chance(0.5)) {
    lines.push({ walletCode: POINTS, kind: 'REDEEMED', quantity: '100' });
    lines.push({ walletCode: FREE_DESSERT, kind: 'ACCRUED', quantity: '1', rewardCode: 'DESSERT' });
  }
  if (member.inHand(STORED_VALUE) * 100 >= totalCents && random.chance(0.5)) {
    lines.push({ walletCode: STORED_VALUE, kind: 'REDEEMED', quantity: money(totalCents) });
  }
  return lines.filter(({ walletCode }) => member.template.wallets.includes(walletCode));
}

/** Header, lines and wallets of a purchase inside an open transaction; with a check of its own unless the visit has one. */
export async function writePurchase(
  tx: Tx,
  scene: Scene,
  member: Member,
  visit: Visit,
  lines: readonly Line[],
  changes: Partial<Header> = {},
): Promise<Header> {
  const checkId = visit.checkId ?? scene.world.ids.next('check');
  if (visit.checkId === null) {
    await insertCheck(tx, {
      checkId,
      merchantId: member.merchantId,
      store: visit.store,
      checkNumber: visit.posTransactionId,
      totalCents: visit.totalCents,
      discountCents: lines.some(({ kind }) => kind === 'REDEEMED') ? 500 : 0,
    });
  }
  await insertCheckCard(tx, checkId, member.cardId, visit.totalCents);
  const header: Header = {
    ...tillFields(member, visit.store, scene.random),
    transactionId: scene.world.ids.next('transaction'),
    type: 'ADD_REDEEM',
    posTransactionId: visit.posTransactionId,
    posAt: new Date(scene.clock.now() - scene.random.int(0, 4_000)),
    posClock: scene.random.pick(['both', 'both', 'instant', 'local']),
    checkId,
    ...changes,
  };
  remember(member, await post(tx, header, lines));
  return header;
}

/** Takes back what a header did: the till's void, with the lines the other way round. */
export async function writeVoid(
  tx: Tx,
  scene: Scene,
  member: Member,
  original: Header,
  lines: readonly Line[],
  modifier: 'VOID' | 'REVERSE',
): Promise<void> {
  const header: Header = {
    ...original,
    transactionId: scene.world.ids.next('transaction'),
    modifier,
    originalTransactionId: original.transactionId,
    posAt: new Date(scene.clock.now()),
  };
  remember(member, await post(tx, header, lines.map(turned)));
}

function turned(line: Line): Line {
  return { ...line, kind: line.kind === 'ACCRUED' ? 'REDEEMED' : 'ACCRUED' };
}
