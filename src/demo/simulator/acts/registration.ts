import {
  COMBINED_TEMPLATE,
  CORPORATE_STORE,
  LOYALTY_TEMPLATE,
  MAIN_MERCHANT,
  POINTS,
  RETAIL_STORES,
  type Store,
} from '../brand.js';
import {
  insertGuests,
  insertMembers,
  postWelcomeReward,
  prepareEnrolment,
  type RegistrationSource,
} from '../enrolment.js';
import { post } from '../ledger.js';
import type { Member } from '../member.js';
import { inventPerson } from '../person.js';
import { isLoyal, isRegistered, remember, tillFields, type Act, type Scene } from '../world.js';

function registration(
  source: RegistrationSource,
  weight: number,
  at: (home: Store) => Store | null,
  medium: 'PHYSICAL' | 'VIRTUAL',
): Act {
  return {
    name: `registration ${source}`,
    weight,
    perform: async (scene) => {
      const home = scene.random.pick(RETAIL_STORES);
      const enrolment = prepareEnrolment(scene.world, scene.random, {
        merchantId: MAIN_MERCHANT,
        template: scene.random.pick([LOYALTY_TEMPLATE, COMBINED_TEMPLATE]),
        homeStore: home,
        enrolmentStore: at(home),
        person: 'new',
        source,
        medium,
      });
      await scene.write.commit(async (tx) => {
        await insertMembers(tx, [enrolment]);
        await postWelcomeReward(tx, scene.world, enrolment.member);
      });
      scene.world.members.push(enrolment.member);
    },
  };
}

export const webRegistration = registration('GUEST_WEBSITE', 5, () => CORPORATE_STORE, 'VIRTUAL');
export const appRegistration = registration('MOBILE_APP', 4, () => null, 'VIRTUAL');
export const tillRegistration = registration('POS', 3, (home) => home, 'PHYSICAL');
export const smsRegistration = registration('SMS', 2, () => null, 'VIRTUAL');
export const deskRegistration = registration('CSR', 1, () => CORPORATE_STORE, 'PHYSICAL');

/** A card is handed out at the till and used; nobody is behind it yet. */
export const cardActivation: Act = {
  name: 'card activation',
  weight: 4,
  perform: async (scene) => {
    const home = scene.random.pick(RETAIL_STORES);
    const enrolment = prepareEnrolment(scene.world, scene.random, {
      merchantId: MAIN_MERCHANT,
      template: LOYALTY_TEMPLATE,
      homeStore: home,
      enrolmentStore: home,
      person: null,
      source: 'POS',
    });
    const { member } = enrolment;
    const bonus = scene.random.chance(0.5);
    await scene.write.commit(async (tx) => {
      await insertMembers(tx, [enrolment]);
      const header = {
        ...tillFields(member, home, scene.random),
        transactionId: scene.world.ids.next('transaction'),
        type: 'ACTIVATE',
        posTransactionId: scene.world.nextCheckNumber(),
        posAt: new Date(scene.clock.now()),
      };
      // With a bonus the activation has lines, and says Add/Redeem as well.
      remember(
        member,
        await post(tx, header, bonus ? [{ walletCode: POINTS, kind: 'ACCRUED', quantity: '10' }] : []),
      );
    });
    scene.world.members.push(member);
  },
};

const ATTACH_GUEST = `
UPDATE loyalty.account SET user_id = $2, registered_at = now(), registration_source = $3, updated_at = now()
WHERE account_id = $1 AND user_id IS NULL`;

/** The holder of a card that was used without a name registers it: this is the registration. */
export const attachGuest: Act = {
  name: 'guest attached to a card',
  weight: 3,
  perform: async (scene) => {
    const member = scene.world.someone(
      scene.random,
      (one) => isLoyal(one) && one.person === null && one.merchantId === MAIN_MERCHANT,
    );
    if (member === null) return;
    const source = scene.random.pick(['GUEST_WEBSITE', 'MOBILE_APP', 'POS', 'SMS'] as const);
    await member.exclusively(() => attach(scene, member, source));
  },
};

/** Does nothing when somebody is behind the card already. */
export async function attach(scene: Scene, member: Member, source: RegistrationSource): Promise<void> {
  if (member.person !== null || member.closed) return;
  const person = inventPerson(scene.world.ids.next('guest'), scene.random);
  await scene.write.commit(async (tx) => {
    await insertGuests(tx, member.merchantId, [person]);
    await tx.run(ATTACH_GUEST, [member.accountId, person.userId, source]);
    await postWelcomeReward(tx, scene.world, member);
  });
  member.person = person;
}

/** A guest takes a second card of the same kind: not a second registration. */
export const secondCard: Act = {
  name: 'second card',
  weight: 2,
  perform: async (scene) => {
    const first = scene.world.someone(scene.random, isRegistered);
    if (first === null) return;
    const enrolment = prepareEnrolment(scene.world, scene.random, {
      merchantId: first.merchantId,
      template: first.template,
      homeStore: first.homeStore,
      person: first.person,
      source: 'GUEST_WEBSITE',
      medium: 'VIRTUAL',
    });
    await first.exclusively(() => scene.write.commit((tx) => insertMembers(tx, [enrolment])));
    scene.world.members.push(enrolment.member);
  },
};

const EDIT_PROFILE = `UPDATE loyalty.guest SET email_opt_in = $2, text_opt_in = $3, updated_at = now() WHERE user_id = $1`;
const CHANGE_TIER = `UPDATE loyalty.account SET tier_code = 2, favorite_store_id = $2, updated_at = now() WHERE account_id = $1`;

/** Opt-ins, favourite store and tier change: true of later events, themselves no event. */
export const profileEdit: Act = {
  name: 'profile edit',
  weight: 3,
  perform: async (scene) => {
    const member = scene.world.someone(scene.random, isRegistered);
    if (member?.person == null) return;
    const { userId } = member.person;
    await member.exclusively(async () => {
      await scene.write.commit((tx) =>
        tx.run(EDIT_PROFILE, [userId, scene.random.chance(0.5), scene.random.chance(0.5)]),
      );
      await scene.write.commit((tx) =>
        tx.run(CHANGE_TIER, [member.accountId, scene.random.pick(RETAIL_STORES).storeId]),
      );
    });
  },
};
