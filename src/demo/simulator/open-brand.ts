import {
  COMBINED_TEMPLATE,
  CORPORATE_STORE,
  EMPLOYEE_TEMPLATE,
  FIVE_OFF,
  GIFT_TEMPLATE,
  LOYALTY_TEMPLATE,
  MAIN_MERCHANT,
  MERCHANTS,
  POINTS,
  RETAIL_STORES,
  STORED_VALUE,
  STORES,
  SURVEY,
  TEMPLATES,
  TIERS,
  WALLETS,
  type Store,
} from './brand.js';
import { insertMembers, prepareEnrolment, type Enrolment } from './enrolment.js';
import type { Random } from './random.js';
import type { World } from './world.js';
import type { Tx } from './writer.js';

/** The shop front of a merchant that is not the main one. */
export function foreignStore(merchantId: number): Store {
  const home = RETAIL_STORES[1] ?? CORPORATE_STORE;
  return { ...home, storeId: `${merchantId}1`, code: '1', name: 'First street' };
}

const FOREIGN_MERCHANTS = MERCHANTS.slice(1).map(({ merchantId }) => merchantId);

/** Writes what stands still while the brand does business, and the members it has from before. */
export async function openBrand(tx: Tx, world: World, random: Random, guests: number): Promise<void> {
  for (const { merchantId, name, zone, status, isDemo } of MERCHANTS) {
    await tx.run(
      `INSERT INTO loyalty.merchant (merchant_id, name, default_timezone, status, is_demo) VALUES ($1, $2, $3, $4, $5)`,
      [merchantId, name, zone, status, isDemo],
    );
    const stores = merchantId === MAIN_MERCHANT ? STORES : [foreignStore(merchantId)];
    for (const store of stores) await insertStore(tx, merchantId, store);
    await insertProgram(tx, merchantId);
  }
  await insertSurvey(tx);
  const enrolments = [...earlierMembers(world, random, guests), ...foreignMembers(world, random)];
  for (let start = 0; start < enrolments.length; start += MEMBERS_A_STATEMENT) {
    const some = enrolments.slice(start, start + MEMBERS_A_STATEMENT);
    await insertMembers(tx, some);
    await insertOpeningBalances(tx, world, some);
  }
  world.members.push(...enrolments.map(({ member }) => member));
}

const MEMBERS_A_STATEMENT = 2_000;

function earlierMembers(world: World, random: Random, guests: number): Enrolment[] {
  return Array.from({ length: guests }, (_, index) => {
    const store = random.pick(RETAIL_STORES);
    // A fixed share of each sort, so that even a small brand has them all.
    const sort = index % 20;
    const employee = sort === 17;
    const gift = sort === 19;
    const unregistered = gift || sort === 12 || sort === 13;
    return prepareEnrolment(world, random, {
      merchantId: MAIN_MERCHANT,
      template: employee
        ? EMPLOYEE_TEMPLATE
        : gift
          ? GIFT_TEMPLATE
          : sort % 3 === 0
            ? COMBINED_TEMPLATE
            : LOYALTY_TEMPLATE,
      homeStore: store,
      enrolmentStore: store,
      person: unregistered ? null : 'new',
      source: random.pick(['GUEST_WEBSITE', 'MOBILE_APP', 'POS', 'SMS']),
      kind: employee ? 'EMPLOYEE' : sort === 18 ? 'TEST' : 'GUEST',
    });
  });
}

function foreignMembers(world: World, random: Random): Enrolment[] {
  return FOREIGN_MERCHANTS.flatMap((merchantId) =>
    Array.from({ length: 3 }, () =>
      prepareEnrolment(world, random, {
        merchantId,
        template: LOYALTY_TEMPLATE,
        homeStore: foreignStore(merchantId),
        enrolmentStore: foreignStore(merchantId),
        person: 'new',
        source: 'POS',
      }),
    ),
  );
}

const INSERT_OPENING_HEADERS = `
INSERT INTO txn.transaction (transaction_id, merchant_id, account_id, transaction_type, result, origin)
SELECT t.transaction_id, t.merchant_id, t.account_id, 'WALLET_ADJUSTMENT', 'AUTHORIZED', 'CSR'
FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS t(transaction_id, merchant_id, account_id)`;

const INSERT_OPENING_LINES = `
INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
SELECT now(), t.transaction_id, row_number() OVER (PARTITION BY t.transaction_id ORDER BY w.wallet_code), t.merchant_id,
  t.account_id, w.wallet_code, 'ADJUSTED', w.balance, w.balance
FROM unnest($1::bigint[], $2::int[], $3::bigint[]) AS t(transaction_id, merchant_id, account_id)
JOIN loyalty.account_wallet w USING (account_id) WHERE w.balance <> 0`;

const OPENING_BALANCES = [
  { code: POINTS, balance: 120 },
  { code: FIVE_OFF, balance: 2 },
  { code: STORED_VALUE, balance: 60 },
] as const;

const SET_OPENING_BALANCES = `
UPDATE loyalty.account_wallet w SET balance = b.balance, lifetime_added = b.balance
FROM unnest($2::int[], $3::numeric[]) AS b(wallet_code, balance)
WHERE w.account_id = ANY($1::bigint[]) AND w.wallet_code = b.wallet_code`;

/** Half the members' balances have a ledger behind them; the others' came with the wallet and must be read from there. */
async function insertOpeningBalances(tx: Tx, world: World, enrolments: readonly Enrolment[]): Promise<void> {
  const members = enrolments.map(({ member }) => member);
  await tx.run(SET_OPENING_BALANCES, [
    members.map((member) => member.accountId),
    OPENING_BALANCES.map(({ code }) => code),
    OPENING_BALANCES.map(({ balance }) => balance),
  ]);
  for (const member of members) {
    for (const { code, balance } of OPENING_BALANCES) {
      if (member.template.wallets.includes(code)) member.balances.set(code, balance);
    }
  }
  const withLedger = members.filter((_, index) => index % 2 === 0);
  const values = [
    withLedger.map(() => world.ids.next('transaction')),
    withLedger.map((member) => member.merchantId),
    withLedger.map((member) => member.accountId),
  ];
  await tx.run(INSERT_OPENING_HEADERS, values);
  await tx.run(INSERT_OPENING_LINES, values);
}

async function insertStore(tx: Tx, merchantId: number, store: Store): Promise<void> {
  await tx.run(
    `INSERT INTO loyalty.store (store_id, merchant_id, store_code, external_store_code, store_name, city, state_province,
       postal_code, country, latitude, longitude, timezone, store_kind)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      store.storeId,
      merchantId,
      store.code,
      `EXT-${store.code}`,
      store.name,
      store.city,
      store.state,
      store.postalCode,
      store.country,
      store.latitude,
      store.longitude,
      store.timezone,
      store.kind,
    ],
  );
}

async function insertProgram(tx: Tx, merchantId: number): Promise<void> {
  for (const template of TEMPLATES) {
    await tx.run(
      'INSERT INTO loyalty.card_template (merchant_id, card_template_code, label, program_kind) VALUES ($1, $2, $3, $4)',
      [merchantId, template.code, template.label, template.program],
    );
    for (const tier of TIERS) {
      await tx.run(
        'INSERT INTO loyalty.tier (merchant_id, card_template_code, tier_code, label, rank) VALUES ($1, $2, $3, $4, $5)',
        [merchantId, template.code, tier.code, tier.label, tier.rank],
      );
    }
  }
  for (const wallet of WALLETS) {
    await tx.run(
      `INSERT INTO loyalty.wallet_definition (merchant_id, wallet_code, label, wallet_type, value_kind, unit, scale, currency,
         guest_visible, giftable, sort_order) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
      [
        merchantId,
        wallet.code,
        wallet.label,
        wallet.type,
        wallet.value,
        wallet.unit,
        wallet.scale,
        wallet.currency,
        wallet.visible,
        wallet.giftable,
        wallet.sort,
      ],
    );
  }
}

async function insertSurvey(tx: Tx): Promise<void> {
  await tx.run(
    `INSERT INTO survey.survey (survey_id, merchant_id, survey_code, title, score_method) VALUES ($1, $2, $3, $4, 'MEAN')`,
    [SURVEY.surveyId, MAIN_MERCHANT, SURVEY.code, SURVEY.title],
  );
  for (const [index, question] of SURVEY.questions.entries()) {
    await tx.run(
      `INSERT INTO survey.question (question_id, survey_id, question_code, kind, prompt, position) VALUES ($1, $2, $3, $4, $5, $6)`,
      [question.questionId, SURVEY.surveyId, question.code, question.kind, question.prompt, index + 1],
    );
  }
}
