import { accountClosed, accountCombine, cardExchange, guestForgotten } from './acts/account-life.js';
import { conversionImport, lateBatch, wrongClock } from './acts/batches.js';
import { checkIn } from './acts/check-in.js';
import {
  adjustments,
  balanceOnly,
  giftCard,
  houseAccounts,
  otherMerchants,
  refused,
} from './acts/never-sent.js';
import { lateNight, onlineOrder, purchase, redemption, splitCheck } from './acts/purchase.js';
import { automaticRecharge, recharge, refundedRecharge } from './acts/recharge.js';
import { referral, selfReferral } from './acts/referral.js';
import {
  appRegistration,
  attachGuest,
  cardActivation,
  deskRegistration,
  profileEdit,
  secondCard,
  smsRegistration,
  tillRegistration,
  webRegistration,
} from './acts/registration.js';
import { anonymousSurvey, survey } from './acts/survey.js';
import { rollback, voidAtOnce, voidLater } from './acts/voids.js';
import type { Random } from './random.js';
import type { Act } from './world.js';

const conversion: Act = {
  name: 'conversion import',
  // Performed once, from the opening list.
  weight: 0,
  perform: (scene) => conversionImport(scene, 0),
};

/** The kinds that make the nine events come first: a short run stops somewhere in this list. */
export const ACTS: readonly Act[] = [
  webRegistration,
  purchase,
  checkIn,
  redemption,
  recharge,
  automaticRecharge,
  referral,
  anonymousSurvey,
  survey,
  appRegistration,
  tillRegistration,
  smsRegistration,
  cardActivation,
  attachGuest,
  secondCard,
  lateNight,
  onlineOrder,
  splitCheck,
  conversion,
  voidAtOnce,
  voidLater,
  refused,
  houseAccounts,
  adjustments,
  balanceOnly,
  giftCard,
  cardExchange,
  accountCombine,
  accountClosed,
  guestForgotten,
  otherMerchants,
  lateBatch,
  wrongClock,
  rollback,
  refundedRecharge,
  selfReferral,
  profileEdit,
  deskRegistration,
];

const TOTAL_WEIGHT = ACTS.reduce((sum, { weight }) => sum + weight, 0);

/** The act number `index` of a run: each kind once, then at random by weight. */
export function actAt(index: number, random: Random): Act {
  const opening = ACTS[index];
  if (opening !== undefined) return opening;
  let left = random.next() * TOTAL_WEIGHT;
  for (const act of ACTS) {
    left -= act.weight;
    if (left < 0) return act;
  }
  return purchase;
}
