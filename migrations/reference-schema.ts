/**
 * The reference loyalty schema: the contract between the connector, its demo and its tests. Written as one script
 * because it is read as one; names and constraints are fixed.
 */
export const REFERENCE_SCHEMA = `
CREATE SCHEMA loyalty; CREATE SCHEMA txn; CREATE SCHEMA survey;
-- ---- merchants, stores, templates, wallets ---------------------------------------------------------------------------
CREATE TABLE loyalty.merchant (merchant_id int PRIMARY KEY, name text NOT NULL, default_timezone text NOT NULL,
  currency char(3) NOT NULL DEFAULT 'USD', status text NOT NULL CHECK (status IN ('ACTIVE','SUSPENDED','TERMINATED')),
  is_demo boolean NOT NULL DEFAULT false, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE loyalty.store (store_id bigint PRIMARY KEY, merchant_id int NOT NULL REFERENCES loyalty.merchant,
  store_code text NOT NULL, external_store_code text, store_name text NOT NULL, address1 text, city text, state_province text,
  postal_code text, country char(2), latitude numeric(9,6), longitude numeric(9,6), timezone text NOT NULL,
  store_kind text NOT NULL DEFAULT 'RETAIL' CHECK (store_kind IN ('RETAIL','CORPORATE','WEB','LAB')), updated_at timestamptz NOT NULL DEFAULT now());
CREATE UNIQUE INDEX ON loyalty.store (merchant_id, lower(store_code));
CREATE TABLE loyalty.card_template (merchant_id int REFERENCES loyalty.merchant, card_template_code int, label text NOT NULL,
  program_kind text NOT NULL CHECK (program_kind IN ('LOYALTY','STORED_VALUE','COMP','ECLUB','EMPLOYEE','COMBINED')),
  PRIMARY KEY (merchant_id, card_template_code));
CREATE TABLE loyalty.tier (merchant_id int, card_template_code int, tier_code int, label text NOT NULL, rank int NOT NULL DEFAULT 0,
  PRIMARY KEY (merchant_id, card_template_code, tier_code), FOREIGN KEY (merchant_id, card_template_code) REFERENCES loyalty.card_template);
CREATE TABLE loyalty.wallet_definition (merchant_id int REFERENCES loyalty.merchant, wallet_code int, label text NOT NULL,
  wallet_type text NOT NULL CHECK (wallet_type IN ('ADD','POINT','REDEEM','MEMBER_REWARD','STORED_VALUE','COMP','CHARGE','ROLLING')),
  value_kind text NOT NULL CHECK (value_kind IN ('POINTS','VISITS','CURRENCY','ITEM_COUNT','REWARD','SPEND')), unit text, scale smallint NOT NULL DEFAULT 2,
  currency char(3), guest_visible boolean NOT NULL DEFAULT true, giftable boolean NOT NULL DEFAULT false, sort_order int NOT NULL DEFAULT 0,
  PRIMARY KEY (merchant_id, wallet_code));
-- ---- guests, accounts, cards -----------------------------------------------------------------
CREATE TABLE loyalty.guest (user_id bigint PRIMARY KEY, merchant_id int NOT NULL REFERENCES loyalty.merchant, username text, first_name text, last_name text,
  email text, email_verified boolean NOT NULL DEFAULT false, mobile_phone text, date_of_birth date, postal_code text, language text, custom_fields jsonb,
  email_opt_in boolean, email_opt_in_at timestamptz, text_opt_in boolean, text_opt_in_at timestamptz,
  status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE','DELETED','ANONYMIZED')), updated_at timestamptz NOT NULL DEFAULT now());
CREATE UNIQUE INDEX ON loyalty.guest (merchant_id, lower(username)) WHERE username IS NOT NULL;
CREATE TABLE loyalty.account (account_id bigint PRIMARY KEY, merchant_id int NOT NULL, user_id bigint REFERENCES loyalty.guest,      -- NULL = unregistered
  card_template_code int NOT NULL, tier_code int, account_status text NOT NULL CHECK (account_status IN ('ACTIVE','SUSPENDED','TERMINATED')),
  enroll_date date, enrolled_at timestamptz, enrollment_store_id bigint REFERENCES loyalty.store, enrollment_source text,
  registered_at timestamptz, registration_source text CHECK (registration_source IN ('GUEST_WEBSITE','MOBILE_APP','POS','SMS','ONLINE_ORDER','API','CSR','IMPORT')),
  favorite_store_id bigint REFERENCES loyalty.store, external_account_code text, account_kind text NOT NULL DEFAULT 'GUEST' CHECK (account_kind IN ('GUEST','EMPLOYEE','TEST')),
  merged_into_account_id bigint REFERENCES loyalty.account, import_batch_id bigint, updated_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (merchant_id, card_template_code) REFERENCES loyalty.card_template, CHECK ((user_id IS NULL) = (registered_at IS NULL) OR merged_into_account_id IS NOT NULL));
CREATE INDEX ON loyalty.account (user_id) WHERE user_id IS NOT NULL; CREATE INDEX ON loyalty.account (merchant_id, registered_at);
CREATE TABLE loyalty.card (card_id bigint PRIMARY KEY, merchant_id int NOT NULL, account_id bigint REFERENCES loyalty.account, printed_card_number varchar(38) NOT NULL,
  masked_card_number text NOT NULL, medium text NOT NULL CHECK (medium IN ('PHYSICAL','VIRTUAL')), status text NOT NULL CHECK (status IN ('INACTIVE','ACTIVE','DISABLED','EXCHANGED')),
  is_primary boolean NOT NULL DEFAULT false, activated_at timestamptz, exchanged_for_card_id bigint REFERENCES loyalty.card, UNIQUE (merchant_id, printed_card_number));
CREATE UNIQUE INDEX ON loyalty.card (account_id) WHERE is_primary;
CREATE TABLE loyalty.account_wallet (account_id bigint REFERENCES loyalty.account, wallet_code int, merchant_id int NOT NULL, balance numeric(18,4) NOT NULL DEFAULT 0,
  lifetime_added numeric(18,4) NOT NULL DEFAULT 0, lifetime_redeemed numeric(18,4) NOT NULL DEFAULT 0, expirations jsonb NOT NULL DEFAULT '[]',
  last_transaction_id bigint, updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (account_id, wallet_code),
  FOREIGN KEY (merchant_id, wallet_code) REFERENCES loyalty.wallet_definition) WITH (fillfactor = 80);
CREATE TABLE loyalty.checkin (checkin_id bigint PRIMARY KEY, merchant_id int NOT NULL, account_id bigint NOT NULL REFERENCES loyalty.account, card_id bigint REFERENCES loyalty.card,
  store_id bigint REFERENCES loyalty.store, external_store_code text, short_card_number text, channel text NOT NULL, checkin_time timestamptz NOT NULL,
  expiration_time timestamptz, consumed_transaction_id bigint, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE loyalty.referral (referral_id bigint PRIMARY KEY, merchant_id int NOT NULL, referrer_account_id bigint NOT NULL REFERENCES loyalty.account, referral_code text,
  channel text NOT NULL, referred_email_sha256 bytea, referred_account_id bigint REFERENCES loyalty.account,
  status text NOT NULL CHECK (status IN ('SENT','REGISTERED','QUALIFIED','REWARDED','EXPIRED','CANCELLED')), created_at timestamptz NOT NULL DEFAULT now(),
  registered_at timestamptz, qualified_at timestamptz, reward_transaction_id bigint);
-- ---- transactions (monthly partitions on posted_at) ------------------------------------------
CREATE TABLE txn.transaction (transaction_id bigint NOT NULL, posted_at timestamptz NOT NULL DEFAULT now(), merchant_id int NOT NULL, account_id bigint, card_id bigint, store_id bigint,
  transaction_type text NOT NULL CHECK (transaction_type IN ('ACTIVATE','ACTIVATE_ADD','ADD_REDEEM','IDENTIFY_CUSTOMER','BALANCE_INQUIRY','CHECKIN','EXCHANGE','COMBINE',
    'BALANCE_TRANSFER','WALLET_ADJUSTMENT','CAMPAIGN_ADJUSTMENT','RULE_ADJUSTMENT','EXPIRATION','RECHARGE')),
  modifier text NOT NULL DEFAULT 'NONE' CHECK (modifier IN ('NONE','VOID','REVERSE')), result text NOT NULL CHECK (result IN ('AUTHORIZED','DENIED')), error_code text,
  origin text NOT NULL CHECK (origin IN ('POS','ONLINE_ORDER','GUEST_WEBSITE','MOBILE_APP','PARTNER','CSR','CAMPAIGN','SYSTEM','IMPORT')), program_id text CHECK (program_id IN ('PX','SV','LP')),
  sender_id text, terminal_id text, operator_id text, pos_transaction_id text, pos_transaction_at timestamptz, pos_local_datetime timestamp, is_offline boolean NOT NULL DEFAULT false,
  is_training boolean NOT NULL DEFAULT false, check_id bigint, original_transaction_id bigint, original_posted_at timestamptz, campaign_code text, import_batch_id bigint,
  PRIMARY KEY (posted_at, transaction_id)) PARTITION BY RANGE (posted_at);
CREATE INDEX ON txn.transaction (account_id, posted_at); CREATE INDEX ON txn.transaction (merchant_id, store_id, pos_transaction_id); CREATE INDEX ON txn.transaction (original_transaction_id) WHERE original_transaction_id IS NOT NULL;
CREATE TABLE txn.wallet_entry (posted_at timestamptz NOT NULL, transaction_id bigint NOT NULL, entry_no smallint NOT NULL, merchant_id int NOT NULL, account_id bigint NOT NULL, wallet_code int NOT NULL,
  entry_kind text NOT NULL CHECK (entry_kind IN ('ACCRUED','REDEEMED','EXPIRED','TRANSFERRED_IN','TRANSFERRED_OUT','ADJUSTED')), quantity numeric(18,4) NOT NULL, balance_after numeric(18,4) NOT NULL,
  expires_on date, rule_code text, reward_code text, PRIMARY KEY (posted_at, transaction_id, entry_no),
  FOREIGN KEY (posted_at, transaction_id) REFERENCES txn.transaction) PARTITION BY RANGE (posted_at);
CREATE INDEX ON txn.wallet_entry (account_id, wallet_code, posted_at);
CREATE TABLE txn.pos_check (check_id bigint PRIMARY KEY, merchant_id int NOT NULL, store_id bigint NOT NULL REFERENCES loyalty.store, check_number text NOT NULL, agent_name text, business_date date NOT NULL,
  opened_at timestamptz, closed_at timestamptz, subtotal numeric(12,2), discount_total numeric(12,2), tax_total numeric(12,2), tip_total numeric(12,2), total numeric(12,2), order_mode text,
  guest_count smallint, items jsonb, UNIQUE (merchant_id, store_id, business_date, check_number, agent_name));
CREATE TABLE txn.check_card (check_id bigint REFERENCES txn.pos_check, card_id bigint REFERENCES loyalty.card, amount_paid numeric(12,2) NOT NULL, PRIMARY KEY (check_id, card_id));
CREATE TABLE txn.recharge (recharge_id bigint PRIMARY KEY, merchant_id int NOT NULL, account_id bigint NOT NULL REFERENCES loyalty.account, card_id bigint NOT NULL REFERENCES loyalty.card, store_id bigint,
  wallet_code int NOT NULL, amount numeric(12,2) NOT NULL, bonus_amount numeric(12,2) NOT NULL DEFAULT 0, currency char(3) NOT NULL, recharge_kind text NOT NULL CHECK (recharge_kind IN ('ONE_TIME','AUTO','POS')),
  payment_type text NOT NULL, card_type text, last_four char(4), processor_auth_code text, processor_reference_number text,
  transaction_state text NOT NULL CHECK (transaction_state IN ('Pending','Succeeded','Failed','Refunded','Chargeback')), requested_at timestamptz NOT NULL, completed_at timestamptz, transaction_id bigint, channel text NOT NULL);
-- ---- surveys ---------------------------------------------------------------------------------
CREATE TABLE survey.survey (survey_id bigint PRIMARY KEY, merchant_id int NOT NULL REFERENCES loyalty.merchant, survey_code text NOT NULL, title text NOT NULL, starts_on date, ends_on date, score_method text, UNIQUE (merchant_id, survey_code));
CREATE TABLE survey.question (question_id bigint PRIMARY KEY, survey_id bigint NOT NULL REFERENCES survey.survey, question_code text NOT NULL, kind text NOT NULL, prompt text NOT NULL, position int NOT NULL, UNIQUE (survey_id, question_code));
CREATE TABLE survey.invitation (invitation_id bigint PRIMARY KEY, survey_id bigint NOT NULL REFERENCES survey.survey, account_id bigint NOT NULL REFERENCES loyalty.account, channel text NOT NULL, transaction_id bigint, store_id bigint,
  check_id bigint, sent_at timestamptz, opened_at timestamptz, expires_at timestamptz);
CREATE TABLE survey.response (response_id bigint PRIMARY KEY, survey_id bigint NOT NULL REFERENCES survey.survey, invitation_id bigint REFERENCES survey.invitation, merchant_id int NOT NULL, account_id bigint REFERENCES loyalty.account,
  store_id bigint REFERENCES loyalty.store, check_id bigint, status text NOT NULL CHECK (status IN ('STARTED','COMPLETED','ABANDONED','DISQUALIFIED')), started_at timestamptz NOT NULL, completed_at timestamptz,
  overall_score numeric(6,2), nps smallint, comment text, reward_transaction_id bigint, channel text NOT NULL);
CREATE TABLE survey.answer (response_id bigint REFERENCES survey.response ON DELETE CASCADE, question_id bigint REFERENCES survey.question, choice_code text, numeric_value numeric(9,2), text_value text, PRIMARY KEY (response_id, question_id));
-- ---- old rows that events need -------------------------------------------------------------------------------------
ALTER TABLE loyalty.account REPLICA IDENTITY FULL; ALTER TABLE loyalty.card REPLICA IDENTITY FULL;
ALTER TABLE txn.recharge REPLICA IDENTITY FULL; ALTER TABLE survey.response REPLICA IDENTITY FULL;
`;
