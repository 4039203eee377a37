CREATE SCHEMA pms;
CREATE TABLE pms.properties (
  property_id int4 PRIMARY KEY,
  property_code text NOT NULL UNIQUE,
  name text NOT NULL,
  city text,
  state_code text,
  zip text,
  country_code text,
  lat numeric(9,6),
  lng numeric(9,6),
  time_zone text NOT NULL
);
CREATE TABLE pms.guests (
  guest_id int8 PRIMARY KEY,
  given_name text,
  family_name text,
  email text,
  phone text,
  loyalty_number text UNIQUE,
  tier text,
  marketing_opt_in bool,
  enrolled_at timestamptz,
  deleted_at timestamptz
);
CREATE TABLE pms.room_types (
  room_type_id int4 PRIMARY KEY,
  description text
);
CREATE TABLE pms.rooms (
  room_id int4 PRIMARY KEY,
  property_id int4 NOT NULL REFERENCES pms.properties (property_id),
  room_type_id int4 NOT NULL REFERENCES pms.room_types (room_type_id),
  room_number text NOT NULL
);
CREATE TABLE pms.reservations (
  reservation_id int8 PRIMARY KEY,
  guest_id int8 NOT NULL REFERENCES pms.guests (guest_id),
  room_id int4 REFERENCES pms.rooms (room_id),
  confirmation_number text NOT NULL,
  booking_channel text NOT NULL,
  status text NOT NULL,
  check_in date NOT NULL,
  check_out date NOT NULL,
  total_amount numeric(12,2),
  created_at timestamptz NOT NULL
);
CREATE TABLE pms.folio_payments (
  payment_id int8 PRIMARY KEY,
  reservation_id int8 NOT NULL REFERENCES pms.reservations (reservation_id),
  amount numeric(12,2) NOT NULL,
  method text NOT NULL,
  paid_at timestamptz NOT NULL
);
CREATE TABLE pms.points_ledger (
  entry_id int8 PRIMARY KEY,
  guest_id int8 NOT NULL REFERENCES pms.guests (guest_id),
  reservation_id int8 REFERENCES pms.reservations (reservation_id),
  entry_type text NOT NULL,
  points int4 NOT NULL,
  balance_after int4 NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE TABLE pms.guest_feedback (
  feedback_id int8 PRIMARY KEY,
  guest_id int8 REFERENCES pms.guests (guest_id),
  property_id int4 REFERENCES pms.properties (property_id),
  overall_rating int2,
  comments text,
  submitted_at timestamptz NOT NULL
);
