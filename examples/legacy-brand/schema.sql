-- A flat legacy brand: members with a column of points, sales with codes, cents and naive local times.
CREATE SCHEMA legacy;

CREATE TABLE legacy.shops (
  shop_no smallint PRIMARY KEY,
  shop_name varchar(40) NOT NULL,
  town varchar(40),
  zip varchar(10),
  st char(2),
  is_hq smallint NOT NULL DEFAULT 0
);

CREATE TABLE legacy.members (
  member_no integer PRIMARY KEY,
  card_no varchar(19) NOT NULL UNIQUE,
  first_nm varchar(30),
  last_nm varchar(30),
  mail_ok char(1),                      -- Y, N or nothing
  sms_ok smallint,                      -- 1, 0 or nothing
  points integer NOT NULL DEFAULT 0,
  gift_cents integer NOT NULL DEFAULT 0,
  enrolled_on timestamp,                -- local; a card handed out at the till
  registered_on timestamp,              -- local; null until the guest has registered
  registered_via char(1),               -- W web, A app, P till
  shop_no smallint REFERENCES legacy.shops,
  state char(1) NOT NULL DEFAULT 'A',   -- A active, L locked, X erased
  staff smallint NOT NULL DEFAULT 0
);

CREATE TABLE legacy.sales (
  sale_no bigint PRIMARY KEY,
  shop_no smallint NOT NULL REFERENCES legacy.shops,
  till_no smallint NOT NULL,
  receipt_no varchar(12) NOT NULL,
  member_no integer REFERENCES legacy.members,
  kind char(1) NOT NULL,                -- S sale, I member identified, C correction by head office, V void
  sold_at timestamp NOT NULL,           -- local
  total_cents integer,
  points_added integer NOT NULL DEFAULT 0,
  points_used integer NOT NULL DEFAULT 0,
  points_after integer,
  voids_sale_no bigint,
  training smallint NOT NULL DEFAULT 0
);
CREATE INDEX ON legacy.sales (member_no, sold_at);

CREATE TABLE legacy.gift_reload (
  reload_no integer PRIMARY KEY,
  member_no integer NOT NULL REFERENCES legacy.members,
  shop_no smallint REFERENCES legacy.shops,
  cents integer NOT NULL,
  card_brand varchar(10),
  state char(1) NOT NULL,               -- O open, D done, R refused
  done_at timestamp                     -- local
);

CREATE TABLE legacy.survey_answers (
  answer_no integer PRIMARY KEY,
  survey_code varchar(20) NOT NULL,
  member_no integer REFERENCES legacy.members,
  shop_no smallint REFERENCES legacy.shops,
  score smallint,
  remark text,
  finished smallint NOT NULL DEFAULT 0,
  answered_at timestamp NOT NULL        -- local
);

-- Rows whose old state tells what happened: a card that gets registered, a reload that is done, a survey that is finished.
ALTER TABLE legacy.members REPLICA IDENTITY FULL;
ALTER TABLE legacy.gift_reload REPLICA IDENTITY FULL;
ALTER TABLE legacy.survey_answers REPLICA IDENTITY FULL;
