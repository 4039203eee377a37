import { expect, test } from 'vitest';
import { eventsOff } from '../../src/mapping/events-off.js';
import { mappedDatabase } from '../support/mapped-database.js';

const SCHEMA = `
  CREATE SCHEMA ops;
  CREATE TABLE member (id int PRIMARY KEY, kind text, joined timestamptz);
  CREATE TABLE ops.job (id int PRIMARY KEY, member int);
  CREATE TABLE ops.part (id int PRIMARY KEY, job int);
  CREATE VIEW ops.v_parts AS SELECT p.*, j.member FROM ops.part p JOIN ops.job j ON j.id = p.job;
  CREATE MATERIALIZED VIEW ops.v_maint AS SELECT v.id, v.member AS member FROM ops.v_parts v JOIN public.member m ON m.id = v.member;
  CREATE TABLE sale (id int PRIMARY KEY, member int NOT NULL, kind text, at timestamptz)`;

const HEAD = `
mapping:
  merchant: { rows: [{ merchant_id: 1, name: Shop }] }
  account: { table: member, columns: { account_id: id, user_id: id, registered_at: joined } }`;

test.each([
  [
    'ops.v_parts',
    'ops.v_parts is a view, of which there is no stream: map what it reads (ops.job, ops.part), with join and where instead.',
  ],
  [
    'ops.v_maint',
    'ops.v_maint is a materialized view, of which there is no stream: map what it reads (ops.job, ops.part, public.member), with join and where instead.',
  ],
  ['ops.v_part', 'There is no table ops.v_part in this database. Did you mean ops.v_parts?'],
])('%s is no table that could be mapped, and what it is is said', async (table, says) => {
  await using mapped = await mappedDatabase({ schema: SCHEMA, yaml: HEAD });
  const yaml = `${HEAD}\n  check_in: { table: ${table}, columns: { checkin_id: id, account_id: member } }`;
  await expect(mapped.mapping(yaml)).rejects.toMatchObject({
    code: 'MAPPING_WRONG',
    message: `the mapping does not fit this database:\n  c.yaml:5:22 ${says}`,
  });
});

const sale = (...columns: readonly string[]): string =>
  `    - { table: sale, columns: { transaction_id: id, account_id: member, posted_at: at, ${columns.join(', ')} } }`;

test.each<[string, readonly string[], readonly string[]]>([
  [
    'one type alone',
    [sale('transaction_type: { value: ADD_REDEEM }')],
    ['Identify Customer: off, no transaction has the transaction_type IDENTIFY_CUSTOMER'],
  ],
  ['a type by the column', [sale('transaction_type: kind')], []],
  ['codes that keep others', [sale('transaction_type: { column: kind, codes: { A: ADD_REDEEM } }')], []],
  [
    'codes that list all there is',
    [sale('transaction_type: { column: kind, codes: { A: ADD_REDEEM }, else: ACTIVATE }')],
    ['Identify Customer: off, no transaction has the transaction_type IDENTIFY_CUSTOMER'],
  ],
  [
    'another origin',
    [sale('transaction_type: kind', 'origin: { value: MOBILE_APP }')],
    [
      'Identify Customer: off, no transaction has the origin POS or ONLINE_ORDER',
      'POS Activity: off, no transaction has the origin POS',
    ],
  ],
  [
    'type and origin in different tables',
    [
      sale('transaction_type: { value: ADD_REDEEM }'),
      sale('transaction_type: { value: IDENTIFY_CUSTOMER }', 'origin: { value: PARTNER }'),
    ],
    [
      'Identify Customer: off, no transaction has the transaction_type IDENTIFY_CUSTOMER and the origin POS or ONLINE_ORDER',
    ],
  ],
])('events that no transaction can make are told as off: %s', async (_name, sales, off) => {
  const yaml = `${HEAD}\n  transaction:\n${sales.join('\n')}`;
  await using mapped = await mappedDatabase({ schema: SCHEMA, yaml });
  const told = eventsOff(await mapped.mapping());
  expect(told.filter((line) => /^(Identify Customer|POS Activity)/.test(line))).toEqual(off);
});
