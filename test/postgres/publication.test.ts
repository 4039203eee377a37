import { expect, test } from 'vitest';

import {
  comparePublication,
  desiredPublication,
  missingFromPublication,
  type PublicationFingerprint,
} from '../../src/postgres/publication.js';
import { TABLE_NAMES } from '../../src/records/tables.js';

const stored: PublicationFingerprint = {
  oid: 16_400,
  publishViaRoot: true,
  publish: ['delete', 'insert', 'update'],
  tables: [
    { table: 'loyalty.account', columns: null, rowFilter: null, entryOid: 1 },
    { table: 'loyalty.guest', columns: ['user_id', 'first_name'], rowFilter: null, entryOid: 2 },
  ],
};
const [account, guest] = stored.tables as [(typeof stored.tables)[0], (typeof stored.tables)[0]];

test('the same publication has no differences, whatever the order of a column list', () => {
  const current = { ...stored, tables: [account, { ...guest, columns: ['first_name', 'user_id'] }] };
  expect(comparePublication(stored, current)).toEqual([]);
});

test.each<[string, PublicationFingerprint | null, string[]]>([
  ['gone', null, ['the publication is gone']],
  ['re-created', { ...stored, oid: 16_500 }, ['the publication was dropped and created again']],
  ['via leaves', { ...stored, publishViaRoot: false }, ['publish_via_partition_root was turned off']],
  [
    'fewer kinds',
    { ...stored, publish: ['insert'] },
    ['it publishes insert instead of delete, insert, update'],
  ],
  ['a table out', { ...stored, tables: [account] }, ['loyalty.guest was taken out']],
  [
    'a table in',
    { ...stored, tables: [account, guest, { ...account, table: 'loyalty.tier' }] },
    ['loyalty.tier was added'],
  ],
  [
    'out and back',
    { ...stored, tables: [account, { ...guest, entryOid: 3 }] },
    ['loyalty.guest was taken out and put back'],
  ],
  [
    'other columns',
    { ...stored, tables: [account, { ...guest, columns: ['user_id'], entryOid: 3 }] },
    ['loyalty.guest is published with columns user_id instead of columns first_name, user_id'],
  ],
  [
    'a row filter',
    { ...stored, tables: [{ ...account, rowFilter: '(account_id > 5)' }, guest] },
    ['the row filter of loyalty.account changed'],
  ],
])('%s is named', (_name, current, differences) => {
  expect(comparePublication(stored, current)).toEqual(differences);
});

test('a table whose old rows are needed is never given a column list', () => {
  const desired = desiredPublication();
  expect([...desired.keys()]).toEqual(TABLE_NAMES);
  for (const table of ['loyalty.account', 'loyalty.card', 'txn.recharge', 'survey.response'] as const) {
    expect(desired.get(table)).toBeNull();
  }
  expect(desired.get('loyalty.guest')).not.toContain('email');
});

test('columns that tell a row are published also where none of them is read', () => {
  const tables = new Map([
    ['a.b', { name: 'a.b', key: ['id'], columns: { x: 'nullable' }, identity: 'default' }],
    ['a.c', { name: 'a.c', key: ['id'], columns: { x: 'nullable' }, identity: 'full' }],
  ] as const);
  expect([...desiredPublication({ tables })]).toEqual([
    ['a.b', ['x', 'id']],
    ['a.c', null],
  ]);
});

test('columns of an identity index join the list, or every UPDATE would fail', () => {
  const identityColumns = new Map([['loyalty.guest', ['user_id', 'username']]]);
  const columns = desiredPublication({ identityColumns }).get('loyalty.guest');
  expect(columns).toContain('username');
  expect(columns?.filter((column) => column === 'user_id')).toHaveLength(1);
});

test('a freshly made publication lacks nothing, whatever its identities', () => {
  const tables = [...desiredPublication()].map(([table, columns], index) => {
    return { table, columns, rowFilter: null, entryOid: index };
  });
  expect(missingFromPublication(desiredPublication(), { ...stored, tables })).toEqual([]);
  expect(
    missingFromPublication(desiredPublication({ wholeTables: true }), { ...stored, tables }),
  ).toHaveLength(17);
});
