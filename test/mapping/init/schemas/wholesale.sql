-- A wholesaler of groceries: companies buy, employees take the orders, and there are no stores.
CREATE TABLE customers (
  customer_id varchar(5) PRIMARY KEY,
  company_name varchar(40) NOT NULL,
  contact_name varchar(30),
  contact_title varchar(30),
  address varchar(60),
  city varchar(15),
  region varchar(15),
  postal_code varchar(10),
  country varchar(15),
  phone varchar(24)
);
CREATE TABLE suppliers (
  supplier_id int2 PRIMARY KEY,
  company_name varchar(40) NOT NULL,
  contact_name varchar(30),
  phone varchar(24)
);
CREATE TABLE shippers (
  shipper_id int2 PRIMARY KEY,
  company_name varchar(40) NOT NULL
);
CREATE TABLE employees (
  employee_id int2 PRIMARY KEY,
  last_name varchar(20) NOT NULL,
  first_name varchar(10) NOT NULL,
  title varchar(30),
  birth_date date,
  hire_date date,
  home_phone varchar(24),
  reports_to int2 REFERENCES employees (employee_id)
);
CREATE TABLE products (
  product_id int2 PRIMARY KEY,
  product_name varchar(40) NOT NULL,
  supplier_id int2 REFERENCES suppliers (supplier_id),
  unit_price float4,
  discontinued int4 NOT NULL
);
CREATE TABLE orders (
  order_id int2 PRIMARY KEY,
  customer_id varchar(5) REFERENCES customers (customer_id),
  employee_id int2 REFERENCES employees (employee_id),
  order_date date,
  required_date date,
  shipped_date date,
  ship_via int2 REFERENCES shippers (shipper_id),
  freight float4,
  ship_name varchar(40),
  ship_city varchar(15)
);
CREATE TABLE order_details (
  order_id int2 NOT NULL REFERENCES orders (order_id),
  product_id int2 NOT NULL REFERENCES products (product_id),
  unit_price float4 NOT NULL,
  quantity int2 NOT NULL,
  discount float4 NOT NULL,
  PRIMARY KEY (order_id, product_id)
);
CREATE TABLE customer_demographics (
  customer_type_id varchar(5) PRIMARY KEY,
  customer_desc text
);
CREATE TABLE customer_customer_demo (
  customer_id varchar(5) NOT NULL REFERENCES customers (customer_id),
  customer_type_id varchar(5) NOT NULL REFERENCES customer_demographics (customer_type_id),
  PRIMARY KEY (customer_id, customer_type_id)
);
CREATE TABLE us_states (
  state_id int2 PRIMARY KEY,
  state_name varchar(100),
  state_abbr varchar(2)
);
