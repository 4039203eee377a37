CREATE TABLE locations (
  id int4 PRIMARY KEY,
  name text NOT NULL,
  city text
);
CREATE TABLE members (
  id int8 PRIMARY KEY,
  full_name text NOT NULL,
  email text,
  home_location_id int4 REFERENCES locations (id),
  status text NOT NULL,
  joined_at timestamptz NOT NULL
);
CREATE TABLE plans (
  id int4 PRIMARY KEY,
  name text NOT NULL,
  monthly_fee numeric(8,2) NOT NULL
);
CREATE TABLE memberships (
  id int8 PRIMARY KEY,
  member_id int8 NOT NULL REFERENCES members (id),
  plan_id int4 NOT NULL REFERENCES plans (id),
  starts_on date NOT NULL,
  ends_on date
);
CREATE TABLE check_ins (
  id int8 PRIMARY KEY,
  member_id int8 NOT NULL REFERENCES members (id),
  location_id int4 NOT NULL REFERENCES locations (id),
  checked_in_at timestamptz NOT NULL
);
CREATE TABLE trainers (
  id int4 PRIMARY KEY,
  full_name text NOT NULL
);
CREATE TABLE classes (
  id int8 PRIMARY KEY,
  location_id int4 NOT NULL REFERENCES locations (id),
  trainer_id int4 REFERENCES trainers (id),
  starts_at timestamptz NOT NULL
);
CREATE TABLE class_bookings (
  id int8 PRIMARY KEY,
  class_id int8 NOT NULL REFERENCES classes (id),
  member_id int8 NOT NULL REFERENCES members (id),
  booked_at timestamptz NOT NULL
);
CREATE TABLE payments (
  id int8 PRIMARY KEY,
  member_id int8 NOT NULL REFERENCES members (id),
  amount numeric(8,2) NOT NULL,
  method text,
  paid_at timestamptz NOT NULL
);
