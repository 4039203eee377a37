import { CORPORATE_STORE, FIVE_OFF, type Store, type Template } from './brand.js';
import { insertHeader, postLines, type Header } from './ledger.js';
import { Member } from './member.js';
import { inventPerson, type Person } from './person.js';
import type { Random } from './random.js';
import { remember, type World } from './world.js';
import type { Tx } from './writer.js';

export type RegistrationSource =
  'GUEST_WEBSITE' | 'MOBILE_APP' | 'POS' | 'SMS' | 'ONLINE_ORDER' | 'API' | 'CSR' | 'IMPORT';

/** A member about to be written: the rows of guest, account, card and wallets that begin an account. */
export interface Enrolment {
  readonly member: Member;
  readonly cardNumber: string;
  readonly medium: 'PHYSICAL' | 'VIRTUAL';
  readonly enrolmentStore: Store | null;
  /** Where it came from; of a registered member also how the guest registered. */
  readonly source: RegistrationSource;
  /** False for the second card of a person whose guest row is there. */
  readonly newPerson: boolean;
}

export interface EnrolmentWishes {
  readonly merchantId: number;
  readonly template: Template;
  readonly homeStore: Store;
  /** `new`: invented. */
  readonly person: 'new' | Person | null;
  readonly source: RegistrationSource;
  readonly enrolmentStore?: Store | null;
  readonly medium?: 'PHYSICAL' | 'VIRTUAL';
  readonly kind?: 'GUEST' | 'EMPLOYEE' | 'TEST';
}

export function prepareEnrolment(world: World, random: Random, wishes: EnrolmentWishes): Enrolment {
  const person = wishes.person === 'new' ? inventPerson(world.ids.next('guest'), random) : wishes.person;
  const member = new Member({
    accountId: world.ids.next('account'),
    merchantId: wishes.merchantId,
    template: wishes.template,
    homeStore: wishes.homeStore,
    kind: wishes.kind ?? 'GUEST',
    cardId: world.ids.next('card'),
    person,
  });
  return {
    member,
    cardNumber: world.ids.nextCardNumber(),
    medium: wishes.medium ?? 'PHYSICAL',
    enrolmentStore: wishes.enrolmentStore === undefined ? CORPORATE_STORE : wishes.enrolmentStore,
    source: wishes.source,
    newPerson: wishes.person === 'new',
  };
}

const INSERT_GUESTS = `
INSERT INTO loyalty.guest (user_id, merchant_id, username, first_name, last_name, email, mobile_phone, date_of_birth,
  postal_code, language, email_opt_in, email_opt_in_at, text_opt_in, text_opt_in_at)
SELECT g.user_id, g.merchant_id, g.username, g.first_name, g.last_name, g.email, g.phone, date '1900-01-01', '00000', 'en',
  g.email_opt_in, CASE WHEN g.email_opt_in THEN now() END, g.text_opt_in, CASE WHEN g.text_opt_in THEN now() END
FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::boolean[])
  AS g(user_id, merchant_id, username, first_name, last_name, email, phone, email_opt_in, text_opt_in)`;

export async function insertGuests(tx: Tx, merchantId: number, persons: readonly Person[]): Promise<void> {
  if (persons.length === 0) return;
  await tx.run(INSERT_GUESTS, [
    persons.map((person) => person.userId),
    persons.map(() => merchantId),
    persons.map((person) => person.username),
    persons.map((person) => person.firstName),
    persons.map((person) => person.lastName),
    persons.map((person) => person.email),
    persons.map((person) => person.phone),
    persons.map((person) => person.emailOptIn),
    persons.map((person) => person.textOptIn),
  ]);
}

const INSERT_ACCOUNTS = `
INSERT INTO loyalty.account (account_id, merchant_id, user_id, card_template_code, tier_code, account_status, enroll_date,
  enrolled_at, enrollment_store_id, enrollment_source, registered_at, registration_source, favorite_store_id,
  external_account_code, account_kind, updated_at)
SELECT a.account_id, a.merchant_id, a.user_id, a.template, 1, 'ACTIVE', now()::date, now(), a.enrollment_store_id, a.source,
  CASE WHEN a.user_id IS NOT NULL THEN now() END, CASE WHEN a.user_id IS NOT NULL THEN a.source END, a.home_store_id,
  'X' || a.account_id, a.kind, now()
FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::int[], $5::bigint[], $6::text[], $7::bigint[], $8::text[])
  AS a(account_id, merchant_id, user_id, template, enrollment_store_id, source, home_store_id, kind)`;

const INSERT_CARDS = `
INSERT INTO loyalty.card (card_id, merchant_id, account_id, printed_card_number, masked_card_number, medium, status,
  is_primary, activated_at)
SELECT c.card_id, c.merchant_id, c.account_id, c.number, 'XXXX' || right(c.number, 4), c.medium, 'ACTIVE', true, now()
FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::text[]) AS c(card_id, merchant_id, account_id, number, medium)`;

const INSERT_WALLETS = `
INSERT INTO loyalty.account_wallet (account_id, wallet_code, merchant_id)
SELECT w.account_id, w.wallet_code, w.merchant_id
FROM unnest($1::bigint[], $2::int[], $3::int[]) AS w(account_id, wallet_code, merchant_id)`;

/** Writes the rows; every wallet of the template is there from the beginning, with a zero balance. */
export async function insertMembers(tx: Tx, enrolments: readonly Enrolment[]): Promise<void> {
  const members = enrolments.map(({ member }) => member);
  for (const merchantId of new Set(members.map((member) => member.merchantId))) {
    const persons = enrolments
      .filter(({ newPerson, member }) => newPerson && member.merchantId === merchantId)
      .flatMap(({ member }) => member.person ?? []);
    await insertGuests(tx, merchantId, persons);
  }
  await tx.run(INSERT_ACCOUNTS, [
    members.map((member) => member.accountId),
    members.map((member) => member.merchantId),
    members.map((member) => member.person?.userId ?? null),
    members.map((member) => member.template.code),
    enrolments.map(({ enrolmentStore }) => enrolmentStore?.storeId ?? null),
    enrolments.map(({ source }) => source),
    members.map((member) => member.homeStore.storeId),
    members.map((member) => member.kind),
  ]);
  await tx.run(INSERT_CARDS, [
    members.map((member) => member.cardId),
    members.map((member) => member.merchantId),
    members.map((member) => member.accountId),
    enrolments.map(({ cardNumber }) => cardNumber),
    enrolments.map(({ medium }) => medium),
  ]);
  const wallets = members.flatMap((member) => member.template.wallets.map((code) => ({ member, code })));
  await tx.run(INSERT_WALLETS, [
    wallets.map(({ member }) => member.accountId),
    wallets.map(({ code }) => code),
    wallets.map(({ member }) => member.merchantId),
  ]);
}

/** The reward a guest gets for registering: posted by a rule, in the registering transaction. */
export async function postWelcomeReward(tx: Tx, world: World, member: Member): Promise<void> {
  if (!member.template.wallets.includes(FIVE_OFF)) return;
  const header: Header = {
    transactionId: world.ids.next('transaction'),
    merchantId: member.merchantId,
    accountId: member.accountId,
    cardId: member.cardId,
    store: null,
    type: 'RULE_ADJUSTMENT',
    origin: 'SYSTEM',
  };
  await insertHeader(tx, header);
  remember(
    member,
    await postLines(tx, header, [
      { walletCode: FIVE_OFF, kind: 'ACCRUED', quantity: '1', ruleCode: 'WELCOME', rewardCode: 'FIVE' },
    ]),
  );
}
