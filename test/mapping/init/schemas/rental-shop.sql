-- A chain that lends films, every fact in a table of its own.
CREATE TABLE country (
  country_id int4 PRIMARY KEY,
  country text NOT NULL,
  last_update timestamptz NOT NULL
);
CREATE TABLE city (
  city_id int4 PRIMARY KEY,
  city text NOT NULL,
  country_id int4 NOT NULL REFERENCES country (country_id),
  last_update timestamptz NOT NULL
);
CREATE TABLE address (
  address_id int4 PRIMARY KEY,
  address text NOT NULL,
  district text NOT NULL,
  city_id int4 NOT NULL REFERENCES city (city_id),
  postal_code text,
  phone text NOT NULL,
  last_update timestamptz NOT NULL
);
CREATE TABLE store (
  store_id int4 PRIMARY KEY,
  address_id int4 NOT NULL REFERENCES address (address_id),
  last_update timestamptz NOT NULL
);
CREATE TABLE staff (
  staff_id int4 PRIMARY KEY,
  first_name text NOT NULL,
  last_name text NOT NULL,
  address_id int4 NOT NULL REFERENCES address (address_id),
  email text,
  store_id int4 NOT NULL REFERENCES store (store_id),
  active bool NOT NULL,
  username text NOT NULL,
  password text
);
CREATE TABLE customer (
  customer_id int4 PRIMARY KEY,
  store_id int4 NOT NULL REFERENCES store (store_id),
  first_name text NOT NULL,
  last_name text NOT NULL,
  email text,
  address_id int4 NOT NULL REFERENCES address (address_id),
  activebool bool NOT NULL,
  create_date date NOT NULL,
  active int4
);
CREATE TABLE film (
  film_id int4 PRIMARY KEY,
  title text NOT NULL,
  rental_rate numeric(4,2) NOT NULL
);
CREATE TABLE inventory (
  inventory_id int4 PRIMARY KEY,
  film_id int4 NOT NULL REFERENCES film (film_id),
  store_id int4 NOT NULL REFERENCES store (store_id)
);
CREATE TABLE rental (
  rental_id int4 PRIMARY KEY,
  rental_date timestamptz NOT NULL,
  inventory_id int4 NOT NULL REFERENCES inventory (inventory_id),
  customer_id int4 NOT NULL REFERENCES customer (customer_id),
  return_date timestamptz,
  staff_id int4 NOT NULL REFERENCES staff (staff_id)
);
CREATE TABLE payment (
  payment_id int4 PRIMARY KEY,
  customer_id int4 NOT NULL REFERENCES customer (customer_id),
  staff_id int4 NOT NULL REFERENCES staff (staff_id),
  rental_id int4 NOT NULL REFERENCES rental (rental_id),
  amount numeric(5,2) NOT NULL,
  payment_date timestamptz NOT NULL
);
