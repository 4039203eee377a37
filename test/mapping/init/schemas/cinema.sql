CREATE TABLE cinemas (
  id int4 PRIMARY KEY,
  code varchar(8) NOT NULL UNIQUE,
  name text NOT NULL,
  city text
);
CREATE TABLE screens (
  id int4 PRIMARY KEY,
  cinema_id int4 NOT NULL REFERENCES cinemas (id),
  number int2 NOT NULL
);
CREATE TABLE films (
  id int4 PRIMARY KEY,
  title text NOT NULL
);
CREATE TABLE screenings (
  id int8 PRIMARY KEY,
  film_id int4 NOT NULL REFERENCES films (id),
  screen_id int4 NOT NULL REFERENCES screens (id),
  starts_at timestamptz NOT NULL
);
CREATE TABLE persons (
  id uuid PRIMARY KEY,
  first_name text,
  last_name text
);
CREATE TABLE club_members (
  id uuid PRIMARY KEY,
  person_id uuid NOT NULL REFERENCES persons (id),
  joined_on date NOT NULL,
  newsletter bool NOT NULL,
  unsubscribed_at timestamptz
);
CREATE TABLE club_cards (
  id int8 PRIMARY KEY,
  member_id uuid NOT NULL REFERENCES club_members (id),
  number text NOT NULL UNIQUE,
  issued_on date
);
CREATE TABLE bookings (
  id int8 PRIMARY KEY,
  screening_id int8 NOT NULL REFERENCES screenings (id),
  card_id int8 REFERENCES club_cards (id),
  reference text NOT NULL,
  booked_at timestamptz NOT NULL,
  total numeric(8,2) NOT NULL
);
CREATE TABLE tickets (
  id int8 PRIMARY KEY,
  booking_id int8 NOT NULL REFERENCES bookings (id),
  seat text NOT NULL,
  price numeric(8,2) NOT NULL
);
CREATE TABLE referrals (
  id int8 PRIMARY KEY,
  referrer_id uuid NOT NULL REFERENCES club_members (id),
  friend_id uuid REFERENCES club_members (id),
  status text NOT NULL,
  created_at timestamptz NOT NULL
);
