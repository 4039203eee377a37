/**
 * The tables the connector reads and the columns of each that any event needs: the one list behind the publication,
 * the decoder, the look-ups and the drift check. Columns are the reference schema's names.
 *
 * `required` columns are NOT NULL in the schema; `nullable` ones may be null. Values are PostgreSQL's text output
 * (session TimeZone UTC, DateStyle ISO) and stay text until an event needs them: int8 beyond 2^53 and numeric(18,4)
 * are exact that way.
 */
export type Need = 'required' | 'nullable';

export interface TableSpec {
  readonly key: readonly string[];
  readonly columns: Readonly<Record<string, Need>>;
  /**
   * `full`: an event needs the row before an UPDATE, so the table has REPLICA IDENTITY FULL and is published whole (a
   * column list together with FULL makes every UPDATE on the publisher fail).
   * `default`: published with exactly `columns`, so that personal data no event uses never enters the stream.
   */
  readonly identity: 'full' | 'default';
}

function table<const T extends TableSpec>(spec: T): T {
  return spec;
}

export const TABLES = {
  'loyalty.merchant': table({
    key: ['merchant_id'],
    identity: 'default',
    columns: {
      merchant_id: 'required',
      name: 'required',
      default_timezone: 'required',
      currency: 'required',
      status: 'required',
      is_demo: 'required',
    },
  }),
  'loyalty.store': table({
    key: ['store_id'],
    identity: 'default',
    columns: {
      store_id: 'required',
      merchant_id: 'required',
      store_code: 'required',
      store_name: 'required',
      city: 'nullable',
      state_province: 'nullable',
      postal_code: 'nullable',
      country: 'nullable',
      latitude: 'nullable',
      longitude: 'nullable',
      timezone: 'required',
      store_kind: 'required',
    },
  }),
  'loyalty.card_template': table({
    key: ['merchant_id', 'card_template_code'],
    identity: 'default',
    columns: {
      merchant_id: 'required',
      card_template_code: 'required',
      label: 'required',
      program_kind: 'required',
    },
  }),
  'loyalty.tier': table({
    key: ['merchant_id', 'card_template_code', 'tier_code'],
    identity: 'default',
    columns: {
      merchant_id: 'required',
      card_template_code: 'required',
      tier_code: 'required',
      label: 'required',
    },
  }),
  'loyalty.wallet_definition': table({
    key: ['merchant_id', 'wallet_code'],
    identity: 'default',
    columns: {
      merchant_id: 'required',
      wallet_code: 'required',
      label: 'required',
      wallet_type: 'required',
      value_kind: 'required',
      unit: 'nullable',
      scale: 'required',
      currency: 'nullable',
      guest_visible: 'required',
      giftable: 'required',
      sort_order: 'required',
    },
  }),
  'loyalty.guest': table({
    key: ['user_id'],
    identity: 'default',
    columns: {
      user_id: 'required',
      merchant_id: 'required',
      first_name: 'nullable',
      last_name: 'nullable',
      email: 'nullable',
      mobile_phone: 'nullable',
      email_opt_in: 'nullable',
      text_opt_in: 'nullable',
      status: 'required',
    },
  }),
  'loyalty.account': table({
    key: ['account_id'],
    identity: 'full',
    columns: {
      account_id: 'required',
      merchant_id: 'required',
      user_id: 'nullable',
      card_template_code: 'required',
      tier_code: 'nullable',
      account_status: 'required',
      enroll_date: 'nullable',
      enrolled_at: 'nullable',
      enrollment_store_id: 'nullable',
      registered_at: 'nullable',
      registration_source: 'nullable',
      favorite_store_id: 'nullable',
      external_account_code: 'nullable',
      account_kind: 'required',
      merged_into_account_id: 'nullable',
      import_batch_id: 'nullable',
      updated_at: 'required',
    },
  }),
  'loyalty.card': table({
    key: ['card_id'],
    identity: 'full',
    columns: {
      card_id: 'required',
      merchant_id: 'required',
      account_id: 'nullable',
      printed_card_number: 'required',
      is_primary: 'required',
      activated_at: 'nullable',
    },
  }),
  'loyalty.account_wallet': table({
    key: ['account_id', 'wallet_code'],
    identity: 'default',
    columns: {
      account_id: 'required',
      wallet_code: 'required',
      merchant_id: 'required',
      balance: 'required',
      lifetime_added: 'required',
      lifetime_redeemed: 'required',
      expirations: 'required',
      updated_at: 'required',
    },
  }),
  'loyalty.checkin': table({
    key: ['checkin_id'],
    identity: 'default',
    columns: {
      checkin_id: 'required',
      merchant_id: 'required',
      account_id: 'required',
      card_id: 'nullable',
      store_id: 'nullable',
      external_store_code: 'nullable',
      channel: 'required',
      checkin_time: 'required',
      expiration_time: 'nullable',
    },
  }),
  'loyalty.referral': table({
    key: ['referral_id'],
    identity: 'default',
    columns: {
      referral_id: 'required',
      merchant_id: 'required',
      referrer_account_id: 'required',
      referral_code: 'nullable',
      channel: 'required',
      referred_account_id: 'nullable',
      status: 'required',
      created_at: 'required',
    },
  }),
  'txn.transaction': table({
    key: ['posted_at', 'transaction_id'],
    identity: 'default',
    columns: {
      transaction_id: 'required',
      posted_at: 'required',
      merchant_id: 'required',
      account_id: 'nullable',
      card_id: 'nullable',
      store_id: 'nullable',
      transaction_type: 'required',
      modifier: 'required',
      result: 'required',
      origin: 'required',
      terminal_id: 'nullable',
      operator_id: 'nullable',
      pos_transaction_id: 'nullable',
      pos_transaction_at: 'nullable',
      pos_local_datetime: 'nullable',
      is_offline: 'required',
      is_training: 'required',
      check_id: 'nullable',
      original_transaction_id: 'nullable',
      import_batch_id: 'nullable',
    },
  }),
  'txn.wallet_entry': table({
    key: ['posted_at', 'transaction_id', 'entry_no'],
    identity: 'default',
    columns: {
      posted_at: 'required',
      transaction_id: 'required',
      entry_no: 'required',
      merchant_id: 'required',
      account_id: 'required',
      wallet_code: 'required',
      entry_kind: 'required',
      quantity: 'required',
      balance_after: 'required',
    },
  }),
  'txn.pos_check': table({
    key: ['check_id'],
    identity: 'default',
    columns: {
      check_id: 'required',
      merchant_id: 'required',
      store_id: 'required',
      check_number: 'required',
      business_date: 'required',
      subtotal: 'nullable',
      discount_total: 'nullable',
      total: 'nullable',
    },
  }),
  'txn.check_card': table({
    key: ['check_id', 'card_id'],
    identity: 'default',
    columns: { check_id: 'required', card_id: 'required', amount_paid: 'required' },
  }),
  'txn.recharge': table({
    key: ['recharge_id'],
    identity: 'full',
    columns: {
      recharge_id: 'required',
      merchant_id: 'required',
      account_id: 'required',
      card_id: 'required',
      store_id: 'nullable',
      wallet_code: 'required',
      amount: 'required',
      bonus_amount: 'required',
      currency: 'nullable',
      recharge_kind: 'required',
      payment_type: 'required',
      card_type: 'nullable',
      transaction_state: 'required',
      completed_at: 'nullable',
      transaction_id: 'nullable',
      channel: 'required',
    },
  }),
  'survey.survey': table({
    key: ['survey_id'],
    identity: 'default',
    columns: { survey_id: 'required', merchant_id: 'required', survey_code: 'required', title: 'required' },
  }),
  'survey.question': table({
    key: ['question_id'],
    identity: 'default',
    columns: { question_id: 'required', survey_id: 'required', question_code: 'required' },
  }),
  'survey.invitation': table({
    key: ['invitation_id'],
    identity: 'default',
    columns: {
      invitation_id: 'required',
      survey_id: 'required',
      account_id: 'required',
      transaction_id: 'nullable',
      store_id: 'nullable',
    },
  }),
  'survey.response': table({
    key: ['response_id'],
    identity: 'full',
    columns: {
      response_id: 'required',
      survey_id: 'required',
      invitation_id: 'nullable',
      merchant_id: 'required',
      account_id: 'nullable',
      store_id: 'nullable',
      status: 'required',
      started_at: 'required',
      completed_at: 'nullable',
      overall_score: 'nullable',
      nps: 'nullable',
      comment: 'nullable',
      channel: 'required',
    },
  }),
  'survey.answer': table({
    key: ['response_id', 'question_id'],
    identity: 'default',
    columns: {
      response_id: 'required',
      question_id: 'required',
      choice_code: 'nullable',
      numeric_value: 'nullable',
    },
  }),
} as const;

export type TableName = keyof typeof TABLES;
export const TABLE_NAMES = Object.keys(TABLES) as readonly TableName[];

/**
 * Columns of a guest that are published and read only where a source asks for them, so that they stay in the database
 * everywhere else. A row that was read without them lacks them, or has null.
 */
export const ON_REQUEST = ['email', 'mobile_phone'] as const;
export type OnRequest = (typeof ON_REQUEST)[number];
export const NOTHING_ASKED: ReadonlySet<OnRequest> = new Set();

/** Whether nobody asked for a column that is read on request only. */
export function isUnasked(table: TableName, column: string, asked: ReadonlySet<OnRequest>): boolean {
  if (table !== 'loyalty.guest') return false;
  return ON_REQUEST.some((name) => name === column && !asked.has(name));
}

type Columns<T extends TableName> = (typeof TABLES)[T]['columns'];

/** A whole row of a table: every mapped column, as text. */
export type Row<T extends TableName> = {
  readonly [C in keyof Columns<T>]: Columns<T>[C] extends 'required' ? string : string | null;
};

/**
 * A row as the stream carries it. `undefined` = an unchanged TOAST value that the server did not send (neither null
 * nor a value: whoever keeps rows takes the last known one), or, in a key-only old row, a column outside the key.
 */
export type StreamedRow<T extends TableName> = {
  readonly [C in keyof Columns<T>]: string | null | undefined;
};

export function isMappedTable(name: string): name is TableName {
  return Object.hasOwn(TABLES, name);
}

export function columnsOf(name: TableName): readonly string[] {
  return Object.keys(TABLES[name].columns);
}
