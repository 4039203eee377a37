import {
  account,
  checkin,
  HAWAII,
  header,
  HIDDEN,
  insert,
  LAB,
  line,
  MERCHANT,
  recharge,
  referral,
  response,
  REWARD,
  sql,
  STORE,
  STORED,
  type Cast,
  type Statement,
} from './brand-rows.js';

/** What is committed, transaction by transaction, and the calls that follow from it, in order. */
export interface Scenario {
  readonly name: string;
  readonly commits: (cast: Cast) => Statement[][];
  readonly expected: (cast: Cast) => string[];
}

const nothing = (): string[] => [];
const pos = (cast: Cast, nth = 1): string => `px-1-pos_activity-${cast.id(nth)}`;
const added = (cast: Cast, nth = 1): string => `px-1-add_redeem-${cast.id(nth)}`;
const registered = (cast: Cast, nth = 1): string[] => [
  `px-1-identify-registration-${cast.id(nth)}`,
  `px-1-loyalty_registration-${cast.id(nth)}`,
];
const identified = (key: string): string[] => [`px-1-identify-${key}`, `px-1-identify_customer-${key}`];

function localDate(zone: string): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(new Date()).replaceAll('-', '');
}

/** Guest and account made together now, registered from `source`. */
function enrol(cast: Cast, source: string, values: Record<string, unknown> = {}, nth = 1): Statement[] {
  return [
    insert('loyalty.guest', { user_id: cast.id(nth), merchant_id: MERCHANT }),
    sql(
      `INSERT INTO loyalty.account (account_id, merchant_id, user_id, card_template_code, account_status, registered_at, registration_source)
       VALUES ($1, 1, $1, 3, 'ACTIVE', now(), $2)`,
      cast.id(nth),
      source,
    ),
    ...Object.entries(values).map(([column, value]) =>
      sql(`UPDATE loyalty.account SET ${column} = $2 WHERE account_id = $1`, cast.id(nth), value),
    ),
  ];
}

const attach = (cast: Cast, source: string, nth = 1, userId = cast.id(nth)): Statement =>
  sql(
    `UPDATE loyalty.account SET user_id = $3, registered_at = now(), registration_source = $2, updated_at = now() WHERE account_id = $1`,
    cast.id(nth),
    source,
    userId,
  );
const guest = (cast: Cast, nth = 1): Statement =>
  insert('loyalty.guest', { user_id: cast.id(nth), merchant_id: MERCHANT });

const purchase = (cast: Cast, nth: number, values: Record<string, unknown> = {}): Statement[] => [
  header(cast, nth, values),
  line(cast, nth),
];
const identify = (cast: Cast, nth: number, values: Record<string, unknown> = {}): Statement =>
  header(cast, nth, {
    transaction_type: 'IDENTIFY_CUSTOMER',
    pos_transaction_id: '77',
    pos_transaction_at: new Date(),
    ...values,
  });

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a purchase with points is POS Activity, then Add/Redeem',
    commits: (cast) => [account(cast), purchase(cast, 1)],
    expected: (cast) => [pos(cast), added(cast)],
  },
  {
    name: 'several headers of one commit go by kind, then by key as a number',
    commits: (cast) => [account(cast), [...purchase(cast, 10), ...purchase(cast, 9), checkin(cast)]],
    expected: (cast) => [
      `px-1-check_in-${cast.id()}`,
      pos(cast, 9),
      pos(cast, 10),
      added(cast, 9),
      added(cast, 10),
    ],
  },
  {
    name: 'a header without lines adds and redeems nothing',
    commits: (cast) => [account(cast), [header(cast, 1)]],
    expected: (cast) => [pos(cast)],
  },
  {
    name: 'lines of a later commit are not the header’s',
    commits: (cast) => [
      account(cast),
      [header(cast, 1, { posted_at: new Date('2026-11-01T00:00:00Z') })],
      [
        sql(
          `INSERT INTO txn.wallet_entry (posted_at, transaction_id, entry_no, merchant_id, account_id, wallet_code, entry_kind, quantity, balance_after)
           VALUES ('2026-11-01T00:00:00Z', $1, 1, 1, $1, 3, 'ACCRUED', 1, 1)`,
          cast.id(),
        ),
      ],
    ],
    expected: (cast) => [pos(cast)],
  },
  {
    name: 'stored value alone is no Add/Redeem',
    commits: (cast) => [
      account(cast, { template: 7 }),
      [header(cast, 1), line(cast, 1, { wallet_code: STORED })],
    ],
    expected: (cast) => [pos(cast)],
  },
  {
    name: 'a hidden counter alone is no Add/Redeem',
    commits: (cast) => [account(cast), [header(cast, 1), line(cast, 1, { wallet_code: HIDDEN })]],
    expected: (cast) => [pos(cast)],
  },
  {
    name: 'a reward redeemed is Add/Redeem',
    commits: (cast) => [
      account(cast),
      [header(cast, 1), line(cast, 1, { wallet_code: REWARD, entry_kind: 'REDEEMED', quantity: 1 })],
    ],
    expected: (cast) => [pos(cast), added(cast)],
  },
  {
    name: 'an adjusted line is neither added nor redeemed',
    commits: (cast) => [account(cast), [header(cast, 1), line(cast, 1, { entry_kind: 'ADJUSTED' })]],
    expected: (cast) => [pos(cast)],
  },
  {
    name: 'an activation with points is both, for an unregistered card too',
    commits: (cast) => [
      account(cast, { guest: 'none' }),
      purchase(cast, 1, { transaction_type: 'ACTIVATE' }),
    ],
    expected: (cast) => [pos(cast), added(cast)],
  },
  {
    name: 'an activation with value added is POS Activity alone',
    commits: (cast) => [account(cast), purchase(cast, 1, { transaction_type: 'ACTIVATE_ADD' })],
    expected: (cast) => [pos(cast)],
  },
  ...['ONLINE_ORDER', 'MOBILE_APP', 'GUEST_WEBSITE', 'PARTNER'].map((origin) => ({
    name: `${origin} adds and redeems without POS Activity`,
    commits: (cast: Cast) => [account(cast), purchase(cast, 1, { origin })],
    expected: (cast: Cast) => [added(cast)],
  })),
  ...['CSR', 'CAMPAIGN', 'SYSTEM', 'IMPORT'].map((origin) => ({
    name: `${origin} is no act of the guest`,
    commits: (cast: Cast) => [account(cast), purchase(cast, 1, { origin })],
    expected: nothing,
  })),
  ...(
    [
      ['denied', { result: 'DENIED' }],
      ['a trainee’s', { is_training: true }],
      ['imported by batch', { import_batch_id: 4 }],
      ['in the test kitchen', { store_id: LAB }],
      ['a void', { modifier: 'VOID', original_transaction_id: 1 }],
      ['a reversal', { modifier: 'REVERSE', original_transaction_id: 1 }],
      ['without an account', { account_id: null }],
    ] as const
  ).map(([what, values]) => ({
    name: `a purchase ${what} fires nothing`,
    commits: (cast: Cast) => [account(cast), [header(cast, 1, values), identify(cast, 2, values)]],
    expected: nothing,
  })),
  {
    name: 'an original and its void committed together fire nothing',
    commits: (cast) => [
      account(cast),
      [...purchase(cast, 1), header(cast, 2, { modifier: 'VOID', original_transaction_id: cast.id(1) })],
    ],
    expected: nothing,
  },
  {
    name: 'an original and its reversal through savepoints of one commit fire nothing',
    commits: (cast) => [
      account(cast),
      [
        sql('SAVEPOINT one'),
        ...purchase(cast, 1),
        sql('RELEASE SAVEPOINT one'),
        sql('SAVEPOINT two'),
        header(cast, 2, { modifier: 'REVERSE', original_transaction_id: cast.id(1) }),
        sql('RELEASE SAVEPOINT two'),
      ],
    ],
    expected: nothing,
  },
  {
    name: 'a denied void takes nothing back',
    commits: (cast) => [
      account(cast),
      [
        ...purchase(cast, 1),
        header(cast, 2, { modifier: 'VOID', result: 'DENIED', original_transaction_id: cast.id(1) }),
      ],
    ],
    expected: (cast) => [pos(cast), added(cast)],
  },
  {
    name: 'a void of a later commit leaves the original',
    commits: (cast) => [
      account(cast),
      purchase(cast, 1),
      [header(cast, 2, { modifier: 'VOID', original_transaction_id: cast.id(1) })],
    ],
    expected: (cast) => [pos(cast), added(cast)],
  },
  {
    name: 'a gift card is no loyalty',
    commits: (cast) => [
      account(cast, { template: 5, guest: 'none' }),
      [...purchase(cast, 1), identify(cast, 2), recharge(cast, 'Succeeded'), checkin(cast)],
    ],
    expected: nothing,
  },
  ...(['EMPLOYEE', 'TEST'] as const).map((kind) => ({
    name: `${kind} accounts fire nothing`,
    commits: (cast: Cast) => [
      account(cast, { values: { account_kind: kind } }),
      [...purchase(cast, 1), identify(cast, 2), checkin(cast), referral(cast), response(cast, 'COMPLETED')],
    ],
    expected: nothing,
  })),
  ...[2, 3].map((merchantId) => ({
    name: merchantId === 2 ? 'a demo merchant fires nothing' : 'a suspended merchant fires nothing',
    commits: (cast: Cast) => [
      account(cast, { merchantId }),
      [
        header(cast, 1, { merchant_id: merchantId, store_id: null }),
        line(cast, 1, { merchant_id: merchantId }),
        checkin(cast, { merchant_id: merchantId, store_id: null }),
        response(cast, 'COMPLETED', { merchant_id: merchantId, store_id: null }),
      ],
    ],
    expected: nothing,
  })),
  {
    name: 'a till’s repeats during one check are one call; each is POS Activity of its own',
    commits: (cast) => [account(cast), [identify(cast, 1)], [identify(cast, 2)], [identify(cast, 3)]],
    expected: (cast) => [
      ...identified(`${STORE}-${localDate('America/New_York')}-77-${cast.id()}`),
      pos(cast, 1),
      pos(cast, 2),
      pos(cast, 3),
    ],
  },
  {
    name: 'the date in the key is the store’s',
    commits: (cast) => [account(cast), [identify(cast, 1, { store_id: HAWAII })]],
    expected: (cast) => [
      ...identified(`${HAWAII}-${localDate('Pacific/Honolulu')}-77-${cast.id()}`),
      pos(cast),
    ],
  },
  {
    name: 'the business date of the check wins over the store’s date',
    commits: (cast) => [
      [
        ...account(cast),
        insert('txn.pos_check', {
          check_id: cast.id(),
          merchant_id: MERCHANT,
          store_id: STORE,
          check_number: cast.id(),
          business_date: '2026-01-31',
        }),
      ],
      [identify(cast, 1, { check_id: cast.id() })],
    ],
    expected: (cast) => [...identified(`${STORE}-20260131-77-${cast.id()}`), pos(cast)],
  },
  {
    name: 'an unregistered card is identified without an identify call',
    commits: (cast) => [account(cast, { guest: 'none' }), [identify(cast, 1, { origin: 'ONLINE_ORDER' })]],
    expected: (cast) => [`px-1-identify_customer-${STORE}-${localDate('America/New_York')}-77-${cast.id()}`],
  },
  ...(
    [
      ['no check number', { pos_transaction_id: null }],
      ['no store', { store_id: null }],
    ] as const
  ).map(([what, values]) => ({
    name: `with ${what} the transaction is the key`,
    commits: (cast: Cast) => [account(cast), [identify(cast, 1, values)]],
    expected: (cast: Cast) => [...identified(cast.id()), pos(cast)],
  })),
  {
    name: 'signing in on the site, a check-in and a balance inquiry identify nobody',
    commits: (cast) => [
      account(cast),
      [
        identify(cast, 1, { origin: 'GUEST_WEBSITE' }),
        header(cast, 2, { transaction_type: 'CHECKIN', origin: 'MOBILE_APP' }),
        header(cast, 3, { transaction_type: 'BALANCE_INQUIRY' }),
      ],
    ],
    expected: (cast) => [pos(cast, 3)],
  },
  ...['MOBILE_APP', 'POS', 'SMS', 'CSR', 'API', 'ONLINE_ORDER'].map((source) => ({
    name: `an account registered from ${source} is a Loyalty Registration`,
    commits: (cast: Cast) => [enrol(cast, source)],
    expected: (cast: Cast) => registered(cast),
  })),
  {
    name: 'registering on the site is a Web Registration too',
    commits: (cast) => [enrol(cast, 'GUEST_WEBSITE')],
    expected: (cast) => [...registered(cast), `px-1-web_registration-${cast.id()}`],
  },
  {
    name: 'a guest attached to a used card registers then, and comes before what else is committed',
    commits: (cast) => [
      account(cast, { guest: 'none' }),
      purchase(cast, 1),
      [...purchase(cast, 2), guest(cast), attach(cast, 'GUEST_WEBSITE')],
    ],
    expected: (cast) => [
      pos(cast, 1),
      added(cast, 1),
      ...registered(cast),
      `px-1-web_registration-${cast.id()}`,
      pos(cast, 2),
      added(cast, 2),
    ],
  },
  {
    name: 'registration is kept when the tier changes afterwards, and a tier change is none',
    commits: (cast) => [
      enrol(cast, 'SMS'),
      [
        sql(
          `UPDATE loyalty.account SET favorite_store_id = 10, updated_at = now() + interval '1 minute' WHERE account_id = $1`,
          cast.id(),
        ),
      ],
    ],
    expected: (cast) => registered(cast),
  },
  {
    name: 'an account closed at once after registering did register',
    commits: (cast) => [
      enrol(cast, 'SMS'),
      [header(cast, 1)],
      [
        sql(
          `UPDATE loyalty.account SET account_status = 'TERMINATED', updated_at = now() WHERE account_id = $1`,
          cast.id(),
        ),
      ],
      [header(cast, 2)],
    ],
    expected: (cast) => [...registered(cast), pos(cast, 1)],
  },
  {
    name: 'an account registered and closed in one commit did not',
    commits: (cast) => [
      [
        ...enrol(cast, 'SMS'),
        sql(
          `UPDATE loyalty.account SET account_status = 'TERMINATED', updated_at = now() WHERE account_id = $1`,
          cast.id(),
        ),
      ],
    ],
    expected: nothing,
  },
  {
    name: 'profile edits and re-activation of a registered account are no registration',
    commits: (cast) => [
      account(cast, { values: { account_status: 'SUSPENDED' } }),
      [
        sql(
          `UPDATE loyalty.account SET account_status = 'ACTIVE', updated_at = now() WHERE account_id = $1`,
          cast.id(),
        ),
      ],
      [sql(`UPDATE loyalty.guest SET email_opt_in = true WHERE user_id = $1`, cast.id())],
    ],
    expected: nothing,
  },
  {
    name: 'an imported registration is none',
    commits: (cast) => [enrol(cast, 'IMPORT')],
    expected: nothing,
  },
  {
    name: 'a registration in an import batch is none',
    commits: (cast) => [enrol(cast, 'API', { import_batch_id: 9 })],
    expected: nothing,
  },
  {
    name: 'a second card of the same guest and template is no second registration',
    commits: (cast) => [
      enrol(cast, 'POS'),
      [...account(cast, { nth: 2, guest: 'none' }), attach(cast, 'GUEST_WEBSITE', 2, cast.id(1))],
    ],
    expected: (cast) => registered(cast),
  },
  {
    name: 'a card of another template registers its guest again',
    commits: (cast) => [
      enrol(cast, 'POS'),
      [...account(cast, { nth: 2, guest: 'none', template: 7 }), attach(cast, 'POS', 2, cast.id(1))],
    ],
    expected: (cast) => [...registered(cast), ...registered(cast, 2)],
  },
  {
    name: 'a first card that came from an import does not make the next a second card',
    commits: (cast) => [
      enrol(cast, 'IMPORT'),
      [...account(cast, { nth: 2, guest: 'none' }), attach(cast, 'POS', 2, cast.id(1))],
    ],
    expected: (cast) => registered(cast, 2),
  },
  {
    name: 'the survivor of a merge does not register by it',
    commits: (cast) => [
      [...account(cast, { guest: 'none' }), ...account(cast, { nth: 2 })],
      [
        sql(
          `UPDATE loyalty.account SET merged_into_account_id = $1, account_status = 'TERMINATED', updated_at = now() WHERE account_id = $2`,
          cast.id(1),
          cast.id(2),
        ),
        guest(cast),
        attach(cast, 'CSR'),
      ],
    ],
    expected: nothing,
  },
  {
    name: 'nor does a survivor register later',
    commits: (cast) => [
      [...account(cast, { guest: 'none' }), ...account(cast, { nth: 2 })],
      [
        sql(
          `UPDATE loyalty.account SET merged_into_account_id = $1, account_status = 'TERMINATED', updated_at = now() WHERE account_id = $2`,
          cast.id(1),
          cast.id(2),
        ),
      ],
      [guest(cast), attach(cast, 'GUEST_WEBSITE')],
    ],
    expected: nothing,
  },
  {
    name: 'an account merged away is silent from that commit on, and was not before',
    commits: (cast) => [
      [...account(cast), ...account(cast, { nth: 2 })],
      purchase(cast, 1),
      [
        ...purchase(cast, 2),
        sql(
          `UPDATE loyalty.account SET merged_into_account_id = $2, updated_at = now() WHERE account_id = $1`,
          cast.id(1),
          cast.id(2),
        ),
      ],
      purchase(cast, 3),
    ],
    expected: (cast) => [pos(cast, 1), added(cast, 1)],
  },
  {
    name: 'a terminated account is silent from that commit on, and was not before',
    commits: (cast) => [
      account(cast),
      [checkin(cast)],
      [sql(`UPDATE loyalty.account SET account_status = 'TERMINATED' WHERE account_id = $1`, cast.id())],
      purchase(cast, 1),
    ],
    expected: (cast) => [`px-1-check_in-${cast.id()}`],
  },
  {
    name: 'a suspended account goes on',
    commits: (cast) => [account(cast, { values: { account_status: 'SUSPENDED' } }), [header(cast, 1)]],
    expected: (cast) => [pos(cast)],
  },
  ...['DELETED', 'ANONYMIZED'].map((status) => ({
    name: `a guest ${status} is silent from that commit on`,
    commits: (cast: Cast) => [
      account(cast),
      [sql('UPDATE loyalty.guest SET status = $2 WHERE user_id = $1', cast.id(), status)],
      [...purchase(cast, 1), identify(cast, 2), referral(cast)],
    ],
    expected: nothing,
  })),
  {
    name: 'a corporate check-in has no store',
    commits: (cast) => [account(cast), [checkin(cast, { store_id: null })]],
    expected: (cast) => [`px-1-check_in-${cast.id()}`],
  },
  {
    name: 'a check-in used at the till is still one check-in',
    commits: (cast) => [
      account(cast),
      [checkin(cast)],
      [sql('UPDATE loyalty.checkin SET consumed_transaction_id = 1 WHERE checkin_id = $1', cast.id())],
    ],
    expected: (cast) => [`px-1-check_in-${cast.id()}`],
  },
  {
    name: 'a check-in in the test kitchen is none',
    commits: (cast) => [account(cast), [checkin(cast, { store_id: LAB })]],
    expected: nothing,
  },
  {
    name: 'a recharge inserted as Succeeded fires',
    commits: (cast) => [account(cast, { template: 7 }), [recharge(cast, 'Succeeded')]],
    expected: (cast) => [`px-1-recharge_value-${cast.id()}`],
  },
  {
    name: 'a recharge fires when it succeeds, and stays when it is refunded later',
    commits: (cast) => [
      account(cast, { template: 7 }),
      [recharge(cast, 'Pending')],
      [
        header(cast, 2, { transaction_type: 'RECHARGE', origin: 'MOBILE_APP', store_id: null }),
        line(cast, 2, { wallet_code: STORED }),
        settled(cast, 'Succeeded', cast.id(2)),
      ],
      [settled(cast, 'Refunded', cast.id(2))],
    ],
    expected: (cast) => [`px-1-recharge_value-${cast.id()}`],
  },
  {
    name: 'a recharge that succeeds and is refunded in one commit never was',
    commits: (cast) => [
      account(cast, { template: 7 }),
      [recharge(cast, 'Pending')],
      [
        header(cast, 2, { transaction_type: 'RECHARGE', origin: 'MOBILE_APP', store_id: null }),
        settled(cast, 'Succeeded', cast.id(2)),
        settled(cast, 'Refunded', cast.id(2)),
      ],
    ],
    expected: nothing,
  },
  ...['Pending', 'Failed'].map((state) => ({
    name: `a ${state} recharge fires nothing`,
    commits: (cast: Cast) => [account(cast, { template: 7 }), [recharge(cast, state)]],
    expected: nothing,
  })),
  {
    name: 'the sale of a new card is no recharge',
    commits: (cast) => [
      account(cast, { template: 7 }),
      [
        header(cast, 2, { transaction_type: 'ACTIVATE_ADD', origin: 'GUEST_WEBSITE' }),
        recharge(cast, 'Succeeded', { transaction_id: cast.id(2) }),
      ],
    ],
    expected: nothing,
  },
  {
    name: 'a comp is not paid for',
    commits: (cast) => [
      account(cast, { template: 7 }),
      [recharge(cast, 'Succeeded', { payment_type: 'COMP' })],
    ],
    expected: nothing,
  },
  {
    name: 'a referral fires when it is sent',
    commits: (cast) => [account(cast), [referral(cast)]],
    expected: (cast) => [`px-1-referral-${cast.id()}`],
  },
  ...['REGISTERED', 'CANCELLED'].map((status) => ({
    name: `a referral that is ${status} later was sent once`,
    commits: (cast: Cast) => [
      account(cast),
      [referral(cast, { created_at: new Date(Date.now() - 5_000) })],
      [sql('UPDATE loyalty.referral SET status = $2 WHERE referral_id = $1', cast.id(), status)],
    ],
    expected: (cast: Cast) => [`px-1-referral-${cast.id()}`],
  })),
  {
    name: 'a referral inserted in another status was not sent',
    commits: (cast) => [
      account(cast),
      [
        sql(
          `INSERT INTO loyalty.referral (referral_id, merchant_id, referrer_account_id, channel, status) VALUES ($1, 1, $1, 'EMAIL', 'CANCELLED')`,
          cast.id(),
        ),
      ],
    ],
    expected: nothing,
  },
  {
    name: 'recommending the brand to oneself is no referral',
    commits: (cast) => [account(cast), [referral(cast, { referred_account_id: cast.id() })]],
    expected: nothing,
  },
  {
    name: 'a survey inserted as completed fires',
    commits: (cast) => [account(cast), [response(cast, 'COMPLETED')]],
    expected: (cast) => [`px-1-survey_completion-${cast.id()}`],
  },
  {
    name: 'a survey fires when it is completed and not when it is edited later',
    commits: (cast) => [
      account(cast),
      [response(cast, 'STARTED')],
      [
        sql(
          `UPDATE survey.response SET status = 'COMPLETED', completed_at = now() - interval '5 seconds' WHERE response_id = $1`,
          cast.id(),
        ),
      ],
      [sql('UPDATE survey.response SET nps = 3 WHERE response_id = $1', cast.id())],
    ],
    expected: (cast) => [`px-1-survey_completion-${cast.id()}`],
  },
  ...['STARTED', 'ABANDONED', 'DISQUALIFIED'].map((status) => ({
    name: `a survey ${status} fires nothing`,
    commits: (cast: Cast) => [account(cast), [response(cast, status)]],
    expected: nothing,
  })),
  {
    name: 'a survey of a LAB store’s invitation fires nothing',
    commits: (cast) => [
      [
        ...account(cast),
        insert('survey.invitation', {
          invitation_id: cast.id(),
          survey_id: 1,
          account_id: cast.id(),
          channel: 'EMAIL',
          store_id: LAB,
        }),
      ],
      [response(cast, 'COMPLETED', { invitation_id: cast.id(), store_id: null })],
    ],
    expected: nothing,
  },
];

function settled(cast: Cast, state: string, transactionId: string): Statement {
  return sql(
    `UPDATE txn.recharge SET transaction_state = $2, transaction_id = $3,
       completed_at = CASE WHEN $2 = 'Succeeded' THEN now() ELSE completed_at END WHERE recharge_id = $1`,
    cast.id(),
    state,
    transactionId,
  );
}
