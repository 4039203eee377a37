-- Named as an object mapper names them.
CREATE TABLE "User" (
  "id" int8 PRIMARY KEY,
  "email" text NOT NULL UNIQUE,
  "name" text,
  "role" text NOT NULL,
  "acceptsMarketing" bool NOT NULL,
  "createdAt" timestamp NOT NULL,
  "deletedAt" timestamp
);
CREATE TABLE "Address" (
  "id" int8 PRIMARY KEY,
  "userId" int8 NOT NULL REFERENCES "User" ("id"),
  "street" text NOT NULL,
  "city" text NOT NULL
);
CREATE TABLE "Product" (
  "id" int8 PRIMARY KEY,
  "title" text NOT NULL,
  "price" numeric(10,2) NOT NULL
);
CREATE TABLE "Order" (
  "id" int8 PRIMARY KEY,
  "userId" int8 NOT NULL REFERENCES "User" ("id"),
  "orderNumber" text NOT NULL UNIQUE,
  "status" text NOT NULL,
  "totalPrice" numeric(10,2) NOT NULL,
  "currency" bpchar(3) NOT NULL,
  "createdAt" timestamp NOT NULL,
  "updatedAt" timestamp NOT NULL
);
CREATE TABLE "OrderItem" (
  "id" int8 PRIMARY KEY,
  "orderId" int8 NOT NULL REFERENCES "Order" ("id"),
  "productId" int8 NOT NULL REFERENCES "Product" ("id"),
  "quantity" int4 NOT NULL,
  "price" numeric(10,2) NOT NULL
);
CREATE TABLE "Payment" (
  "id" int8 PRIMARY KEY,
  "orderId" int8 NOT NULL REFERENCES "Order" ("id"),
  "amount" numeric(10,2) NOT NULL,
  "method" text NOT NULL,
  "status" text NOT NULL,
  "paidAt" timestamp
);
CREATE TABLE "Review" (
  "id" int8 PRIMARY KEY,
  "userId" int8 NOT NULL REFERENCES "User" ("id"),
  "productId" int8 NOT NULL REFERENCES "Product" ("id"),
  "rating" int2 NOT NULL,
  "createdAt" timestamp NOT NULL
);
CREATE TABLE "_prisma_migrations" (
  "id" varchar(36) PRIMARY KEY,
  "migration_name" varchar(255) NOT NULL
);
