/**
 * Rows for scenarios, written as literals so that what a scenario says is all there is. Every scenario has ids of its
 * own: scenario 12 has account 12001, guest 12001, card 12001, transactions 12001, 12002 and so on.
 */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

type Values = Readonly<Record<string, unknown>>;

export function insert(table: string, values: Values): Statement {
  const columns = Object.keys(values);
  const marks = columns.map((_, index) => `$${index + 1}`);
  return {
    text: `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks.join(', ')})`,
    values: Object.values(values),
  };
}

export function sql(text: string, ...values: unknown[]): Statement {
  return { text, values };
}

export const MERCHANT = 1;
export const STORE = '10';
export const LAB = '11';
export const HAWAII = '13';
export const POINTS = 3;
export const REWARD = 11;
export const STORED = 20;
export const HIDDEN = 30;

/** The ids of one scenario. */
export class Cast {
  readonly #number: number;

  constructor(number: number) {
    this.#number = number;
  }

  id(nth = 1): string {
    return String(this.#number * 1_000 + nth);
  }
}

export function fixtures(): Statement[] {
  const merchant = (id: number, status: string, demo: boolean): Statement =>
    insert('loyalty.merchant', {
      merchant_id: id,
      name: `Merchant ${id}`,
      default_timezone: 'UTC',
      status,
      is_demo: demo,
    });
  const store = (id: string, kind: string, timezone: string): Statement =>
    insert('loyalty.store', {
      store_id: id,
      merchant_id: MERCHANT,
      store_code: id,
      store_name: `Store ${id}`,
      timezone,
      store_kind: kind,
    });
  const program = (merchantId: number): Statement[] => [
    ...[
      [3, 'LOYALTY'],
      [5, 'STORED_VALUE'],
      [7, 'COMBINED'],
      [9, 'EMPLOYEE'],
    ].map(([code, kind]) =>
      insert('loyalty.card_template', {
        merchant_id: merchantId,
        card_template_code: code,
        label: kind,
        program_kind: kind,
      }),
    ),
    ...(
      [
        [POINTS, 'POINT', 'POINTS', true, 2],
        [REWARD, 'REDEEM', 'REWARD', true, 1],
        [STORED, 'STORED_VALUE', 'CURRENCY', true, 3],
        [HIDDEN, 'ADD', 'ITEM_COUNT', false, 4],
      ] as const
    ).map(([code, type, kind, visible, sort]) =>
      insert('loyalty.wallet_definition', {
        merchant_id: merchantId,
        wallet_code: code,
        label: `W${code}`,
        wallet_type: type,
        value_kind: kind,
        guest_visible: visible,
        sort_order: sort,
      }),
    ),
  ];
  return [
    merchant(1, 'ACTIVE', false),
    merchant(2, 'ACTIVE', true),
    merchant(3, 'SUSPENDED', false),
    store(STORE, 'RETAIL', 'America/New_York'),
    store(LAB, 'LAB', 'America/New_York'),
    store('12', 'CORPORATE', 'America/New_York'),
    store(HAWAII, 'RETAIL', 'Pacific/Honolulu'),
    ...[1, 2, 3].flatMap(program),
    insert('survey.survey', { survey_id: 1, merchant_id: MERCHANT, survey_code: 'S', title: 'Survey' }),
  ];
}

export interface AccountWishes {
  readonly nth?: number;
  readonly guest?: 'none' | 'registered';
  readonly merchantId?: number;
  readonly template?: number;
  readonly values?: Values;
}

/** An account from long ago, with its card and two wallets; registered unless told otherwise. */
export function account(cast: Cast, wishes: AccountWishes = {}): Statement[] {
  const id = cast.id(wishes.nth);
  const merchantId = wishes.merchantId ?? MERCHANT;
  const registered = (wishes.guest ?? 'registered') === 'registered';
  return [
    ...(registered
      ? [insert('loyalty.guest', { user_id: id, merchant_id: merchantId, first_name: 'Ada' })]
      : []),
    sql(
      `INSERT INTO loyalty.account (account_id, merchant_id, user_id, card_template_code, account_status, enrolled_at,
         registered_at, registration_source, account_kind)
       VALUES ($1, $2, $3, $4, 'ACTIVE', now() - interval '90 days', CASE WHEN $5 THEN now() - interval '90 days' END,
         CASE WHEN $5 THEN 'POS' END, 'GUEST')`,
      id,
      merchantId,
      registered ? id : null,
      wishes.template ?? 3,
      registered,
    ),
    ...Object.entries(wishes.values ?? {}).map(([column, value]) =>
      sql(`UPDATE loyalty.account SET ${column} = $2 WHERE account_id = $1`, id, value),
    ),
    insert('loyalty.card', {
      card_id: id,
      merchant_id: merchantId,
      account_id: id,
      printed_card_number: `60003010${id.padStart(8, '0')}`,
      masked_card_number: 'X',
      medium: 'PHYSICAL',
      status: 'ACTIVE',
      is_primary: true,
    }),
    ...[POINTS, REWARD].map((code) =>
      insert('loyalty.account_wallet', { account_id: id, wallet_code: code, merchant_id: merchantId }),
    ),
  ];
}

/** A header; a plain purchase at the retail store unless told otherwise. */
export function header(cast: Cast, nth: number, values: Values = {}): Statement {
  return insert('txn.transaction', {
    transaction_id: cast.id(nth),
    merchant_id: MERCHANT,
    account_id: cast.id(),
    card_id: cast.id(),
    store_id: STORE,
    transaction_type: 'ADD_REDEEM',
    result: 'AUTHORIZED',
    origin: 'POS',
    ...values,
  });
}

/** A ledger line of a header of the same commit. */
export function line(cast: Cast, nth: number, values: Values = {}): Statement {
  const row: Record<string, unknown> = {
    transaction_id: cast.id(nth),
    entry_no: 1,
    merchant_id: MERCHANT,
    account_id: cast.id(),
    wallet_code: POINTS,
    entry_kind: 'ACCRUED',
    quantity: 5,
    balance_after: 5,
    ...values,
  };
  const { text, values: parameters } = insert('txn.wallet_entry', row);
  // Header and line share the partition key; both take the transaction's time.
  return {
    text: text
      .replace('(transaction_id', '(posted_at, transaction_id')
      .replace('VALUES (', 'VALUES (now(), '),
    values: parameters,
  };
}

export function checkin(cast: Cast, values: Values = {}): Statement {
  return insert('loyalty.checkin', {
    checkin_id: cast.id(),
    merchant_id: MERCHANT,
    account_id: cast.id(),
    store_id: STORE,
    channel: 'MOBILE_APP',
    checkin_time: new Date(),
    ...values,
  });
}

export function referral(cast: Cast, values: Values = {}): Statement {
  return insert('loyalty.referral', {
    referral_id: cast.id(),
    merchant_id: MERCHANT,
    referrer_account_id: cast.id(),
    channel: 'EMAIL',
    status: 'SENT',
    ...values,
  });
}

export function recharge(cast: Cast, state: string, values: Values = {}): Statement {
  return insert('txn.recharge', {
    recharge_id: cast.id(),
    merchant_id: MERCHANT,
    account_id: cast.id(),
    card_id: cast.id(),
    wallet_code: STORED,
    amount: 25,
    currency: 'USD',
    recharge_kind: 'ONE_TIME',
    payment_type: 'CREDIT_CARD',
    transaction_state: state,
    requested_at: new Date(),
    completed_at: state === 'Succeeded' ? new Date() : null,
    channel: 'MOBILE_APP',
    ...values,
  });
}

export function response(cast: Cast, status: string, values: Values = {}): Statement {
  return insert('survey.response', {
    response_id: cast.id(),
    survey_id: 1,
    merchant_id: MERCHANT,
    account_id: cast.id(),
    store_id: STORE,
    status,
    started_at: new Date(),
    completed_at: status === 'COMPLETED' ? new Date() : null,
    channel: 'EMAIL',
    ...values,
  });
}
