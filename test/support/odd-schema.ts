import type { Mapping, SourceTable } from '../../src/mapping/mapping.js';
import { TABLE_NAMES } from '../../src/records/tables.js';

/** A user's schema whose names need every kind of quoting, with keys of every kind. */
export const ODD_SCHEMA = `
CREATE SCHEMA "Sales Data";
CREATE SCHEMA "parts.of it";
CREATE TABLE "Sales Data"."Order Line" (
  "Order Id" uuid, line_no smallint, "Qty ""net""" numeric(12,3) NOT NULL, memo text, secret text,
  PRIMARY KEY ("Order Id", line_no));
CREATE TABLE "Sales Data"."what?.\\v2 $$" ("id?" bigint PRIMARY KEY, state char(2), secret text DEFAULT 'hush');
CREATE TABLE public."member" (
  id uuid NOT NULL DEFAULT gen_random_uuid(), tenant text NOT NULL, "Code" int NOT NULL, hidden text NOT NULL DEFAULT 'x',
  email text, PRIMARY KEY (id) DEFERRABLE);
CREATE UNIQUE INDEX member_identity ON public."member" ("Code", tenant) INCLUDE (hidden);
ALTER TABLE public."member" REPLICA IDENTITY USING INDEX member_identity;
CREATE TABLE public.visit (visit_id uuid, visited_on date, place text, secret text, PRIMARY KEY (visited_on, visit_id))
  PARTITION BY RANGE (visited_on);
CREATE TABLE public.visit_old PARTITION OF public.visit FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE public.visit_new PARTITION OF public.visit FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
-- Other tables that a name split elsewhere would mean.
CREATE SCHEMA "Sales Data.what?";
CREATE TABLE "Sales Data.what?"."\\v2 $$" (LIKE "Sales Data"."what?.\\v2 $$");
CREATE TABLE "parts.of it".other (id int PRIMARY KEY);`;

export const ORDER_LINE: SourceTable = {
  name: 'Sales Data.Order Line',
  key: ['Order Id', 'line_no'],
  columns: { line_no: 'required', 'Order Id': 'required', 'Qty "net"': 'required', memo: 'nullable' },
  identity: 'default',
};
export const WHAT: SourceTable = {
  name: 'Sales Data.what?.\\v2 $$',
  key: ['id?'],
  columns: { 'id?': 'required', state: 'nullable' },
  identity: 'full',
};
export const MEMBER: SourceTable = {
  name: 'public.member',
  key: ['Code', 'tenant'],
  columns: { id: 'required', email: 'nullable' },
  identity: 'default',
};
export const VISIT: SourceTable = {
  name: 'public.visit',
  key: ['visited_on', 'visit_id'],
  columns: { visit_id: 'required', visited_on: 'required', place: 'nullable' },
  identity: 'default',
};

export const ODD_MAPPING: Mapping = {
  tables: new Map([ORDER_LINE, WHAT, MEMBER, VISIT].map((table) => [table.name, table])),
  relations: {
    from: (table) => table,
    type: () => 'text',
    plain: (table) => (table === 'loyalty.card' ? { table: MEMBER.name, column: 'Code' } : null),
    has: () => true,
    isNull: () => false,
    isEmpty: () => false,
    commitTimed: () => [],
    hasForeignKeys: false,
  },
  feeds: new Map(),
  customEvents: new Map(),
  unmapped: new Set(TABLE_NAMES.filter((name) => name !== 'loyalty.card')),
};
