import type { PropertyTable } from './kinds.js';

/** The parts that every event has, in the order they are written. */

export const PERSON = {
  first_name: { kind: 'string', nullable: true, doc: "The registered guest's first name." },
  last_name: { kind: 'string', nullable: true, doc: "The registered guest's last name." },
  printed_card_number: {
    kind: 'id',
    nullable: true,
    doc: "Number of the presented card, else of the account's primary card: whole, its last 6 characters, or a keyed hash, as the source is set.",
  },
  email_opt_in: { kind: 'boolean', nullable: true, doc: 'Whether the guest agreed to marketing e-mail.' },
  text_opt_in: {
    kind: 'boolean',
    nullable: true,
    doc: 'Whether the guest agreed to marketing text messages.',
  },
} as const satisfies PropertyTable;

export const PLACE = {
  store_name: { kind: 'string', nullable: true, doc: 'Name of the store where it happened.' },
  store_code: { kind: 'id', nullable: true, doc: "The merchant's code of that store." },
  store_latitude: { kind: 'number', nullable: true, doc: 'Degrees north; 0,0 counts as unknown.' },
  store_longitude: { kind: 'number', nullable: true, doc: 'Degrees east; 0,0 counts as unknown.' },
  store_city: { kind: 'string', nullable: true, doc: 'City of the store.' },
  store_postal_code: { kind: 'string', nullable: true, doc: 'Postal code of the store.' },
  store_state: { kind: 'string', nullable: true, doc: 'State or province of the store.' },
  store_country: { kind: 'string', nullable: true, doc: 'Country of the store, two letters.' },
} as const satisfies PropertyTable;

export const WALLET_BALANCE = {
  wallet_code: { kind: 'id', doc: 'Code of the wallet.' },
  balance: { kind: 'number', nullable: true, doc: 'Balance as of the commit.' },
} as const satisfies PropertyTable;

export const WALLET_DETAIL = {
  wallet_code: { kind: 'id', doc: 'Code of the wallet.' },
  label: { kind: 'string', doc: 'Name of the wallet.' },
  wallet_type: {
    kind: 'string',
    doc: 'ADD, POINT, REDEEM, MEMBER_REWARD, STORED_VALUE, COMP, CHARGE or ROLLING.',
  },
  value_kind: { kind: 'string', doc: 'POINTS, VISITS, CURRENCY, ITEM_COUNT, REWARD or SPEND.' },
  unit: { kind: 'string', nullable: true, doc: 'What one of it is called.' },
  scale: { kind: 'integer', doc: 'Decimal places that are meaningful.' },
  currency: { kind: 'string', nullable: true, doc: 'ISO 4217 code of a money wallet.' },
  balance: { kind: 'number', nullable: true, doc: 'Balance as of the commit.' },
  lifetime_added: { kind: 'number', nullable: true, doc: 'All that was ever added.' },
  lifetime_redeemed: { kind: 'number', nullable: true, doc: 'All that was ever redeemed.' },
  guest_visible: { kind: 'boolean', doc: 'Whether the guest sees the wallet.' },
  giftable: { kind: 'boolean', doc: 'Whether it can be given away.' },
  expirations: {
    kind: 'objects',
    nullable: true,
    optional: true,
    doc: 'Quantities with the day they expire; left out where the event would exceed 32 KB.',
  },
  updated_at: { kind: 'timestamp', nullable: true, doc: 'When the wallet last changed.' },
} as const satisfies PropertyTable;

export const WALLETS = {
  wallets_info: {
    kind: 'rows',
    of: WALLET_BALANCE,
    nullable: true,
    doc: "The account's guest-visible wallets.",
  },
  flat_wallets_info: {
    kind: 'flatWallets',
    nullable: true,
    doc: 'The same in one level, `wallet_<code>_code|_label|_balance`, for warehouses; at most 50 wallets.',
  },
  all_wallets_info: {
    kind: 'rows',
    of: WALLET_DETAIL,
    nullable: true,
    doc: 'Everything known of every wallet, hidden ones too.',
  },
  wallets_truncated: {
    kind: 'boolean',
    optional: true,
    doc: 'True, and only there, when `flat_wallets_info` left wallets out.',
  },
} as const satisfies PropertyTable;

export const ACCOUNT = {
  merchant_id: { kind: 'integer', doc: 'The restaurant brand.' },
  account_id: { kind: 'id', nullable: true, doc: 'The loyalty account; null where there is none.' },
  channel: { kind: 'string', nullable: true, doc: 'Through what the guest acted.' },
  card_template_code: { kind: 'id', nullable: true, doc: "Code of the account's program." },
  tier_label: { kind: 'string', nullable: true, doc: "Name of the account's tier." },
  is_registered: { kind: 'boolean', doc: 'Whether a registered guest stands behind the account.' },
} as const satisfies PropertyTable;

/** Traits of the identify call. */
export const TRAITS = {
  ...PERSON,
  email: {
    kind: 'string',
    nullable: true,
    optional: true,
    doc: 'E-mail address; only there where the source asks for it (`TRAITS`).',
  },
  phone: {
    kind: 'string',
    nullable: true,
    optional: true,
    doc: 'Telephone number; only there where the source asks for it (`TRAITS`).',
  },
  account_id: { kind: 'id', doc: 'The loyalty account.' },
  merchant_id: { kind: 'integer', doc: 'The restaurant brand.' },
  card_template_code: { kind: 'id', doc: "Code of the account's program." },
  tier_label: { kind: 'string', nullable: true, doc: "Name of the account's tier." },
  registered_at: { kind: 'timestamp', nullable: true, doc: 'When the guest registered.' },
  registration_source: { kind: 'string', nullable: true, doc: 'Where the guest registered.' },
} as const satisfies PropertyTable;
