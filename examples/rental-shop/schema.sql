-- A normalised rental shop: what happens is spread over many tables, places over a chain of them.
CREATE SCHEMA shop;

CREATE TABLE shop.country (country_id serial PRIMARY KEY, country text NOT NULL, iso_code char(2) NOT NULL);
CREATE TABLE shop.city (
  city_id serial PRIMARY KEY,
  city text NOT NULL,
  country_id integer NOT NULL REFERENCES shop.country
);
CREATE TABLE shop.address (
  address_id serial PRIMARY KEY,
  street text NOT NULL,
  district text NOT NULL,
  city_id integer NOT NULL REFERENCES shop.city,
  postal_code text
);
CREATE TABLE shop.store (
  store_id serial PRIMARY KEY,
  address_id integer NOT NULL REFERENCES shop.address,
  opened date
);
CREATE TABLE shop.staff (
  staff_id serial PRIMARY KEY,
  first_name text NOT NULL,
  last_name text NOT NULL,
  store_id integer NOT NULL REFERENCES shop.store
);
CREATE TABLE shop.person (
  person_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  details jsonb NOT NULL
);
CREATE TABLE shop.customer (
  customer_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  person_id uuid NOT NULL UNIQUE REFERENCES shop.person,
  store_id integer NOT NULL REFERENCES shop.store,
  active boolean NOT NULL DEFAULT true,
  create_date timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE shop.film (film_id serial PRIMARY KEY, title text NOT NULL, rental_rate numeric(5,2) NOT NULL);
CREATE TABLE shop.rental (
  rental_id bigserial PRIMARY KEY,
  rental_date timestamptz NOT NULL DEFAULT now(),
  customer_id uuid NOT NULL REFERENCES shop.customer,
  film_id integer NOT NULL REFERENCES shop.film,
  staff_id integer NOT NULL REFERENCES shop.staff,
  return_date timestamptz
);
CREATE INDEX ON shop.rental (customer_id);
CREATE TABLE shop.payment (
  payment_id bigserial PRIMARY KEY,
  customer_id uuid NOT NULL REFERENCES shop.customer,
  staff_id integer NOT NULL REFERENCES shop.staff,
  rental_id bigint REFERENCES shop.rental,
  amount numeric(7,2) NOT NULL,
  payment_date timestamptz NOT NULL DEFAULT now()
);
