-- A brand's own program of long ago: flat tables, numbers for flags, no foreign keys, clocks without a zone.
CREATE TABLE members (
  member_no int4 PRIMARY KEY,
  first text,
  last text,
  email text,
  card_no varchar(20) UNIQUE,
  points int4 NOT NULL,
  opt_in int2,
  sms_opt_in bpchar(1),
  status bpchar(1) NOT NULL,
  joined timestamp
);
CREATE TABLE shops (
  shop_no int4 PRIMARY KEY,
  title text NOT NULL,
  town text,
  zip varchar(10)
);
CREATE TABLE sales (
  sale_no int8 PRIMARY KEY,
  member_no int4,
  shop_no int4 NOT NULL,
  till_no int4,
  kind bpchar(1) NOT NULL,
  cents int4 NOT NULL,
  sold_at timestamp NOT NULL
);
CREATE TABLE gift_reload (
  reload_id int8 PRIMARY KEY,
  card_no varchar(20) NOT NULL,
  shop_no int4,
  cents int4 NOT NULL,
  tender varchar(10),
  loaded_at timestamp NOT NULL
);
CREATE TABLE survey_answers (
  answer_id int8 PRIMARY KEY,
  member_no int4 NOT NULL,
  shop_no int4,
  nps int2,
  remark text,
  answered_at timestamp NOT NULL
);
CREATE TABLE members_bak (
  member_no int4,
  first text
);
