CREATE TABLE tbl_branch (
  branch_id int4 PRIMARY KEY,
  branch_name varchar(60) NOT NULL,
  street varchar(80),
  city varchar(60),
  state varchar(2),
  zipcode varchar(10)
);
CREATE TABLE tbl_barista (
  barista_id int4 PRIMARY KEY,
  branch_id int4 NOT NULL REFERENCES tbl_branch (branch_id),
  barista_name varchar(60) NOT NULL
);
CREATE TABLE tbl_customer (
  cust_id int8 PRIMARY KEY,
  cust_fname varchar(40),
  cust_lname varchar(40),
  cust_email varchar(120),
  stars int4,
  gift_balance_cents int4,
  accepts_marketing varchar(3),
  is_active bpchar(1),
  signup_date timestamptz
);
CREATE TABLE tbl_order_header (
  order_id int8 PRIMARY KEY,
  cust_id int8,
  barista_id int4 NOT NULL REFERENCES tbl_barista (barista_id),
  order_no varchar(12) NOT NULL,
  order_source varchar(10) NOT NULL,
  subtotal_cents int4 NOT NULL,
  discount_cents int4 NOT NULL,
  total_cents int4 NOT NULL,
  is_void bool NOT NULL,
  order_time timestamptz NOT NULL
);
CREATE TABLE tbl_order_line (
  order_id int8 NOT NULL REFERENCES tbl_order_header (order_id),
  line_no int4 NOT NULL,
  drink_id int4 NOT NULL,
  price_cents int4 NOT NULL,
  PRIMARY KEY (order_id, line_no)
);
CREATE TABLE tbl_drink (
  drink_id int4 PRIMARY KEY,
  drink_name varchar(60) NOT NULL
);
CREATE TABLE tbl_topup (
  topup_id int8 PRIMARY KEY,
  cust_id int8 NOT NULL,
  amount_cents int4 NOT NULL,
  bonus_cents int4,
  pay_type varchar(10),
  status varchar(10) NOT NULL,
  created_at timestamptz NOT NULL
);
