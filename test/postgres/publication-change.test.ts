import { expect, test } from 'vitest';

import { onlyAdds, sendsAll } from '../../src/postgres/publication-change.js';
import type { PublicationFingerprint } from '../../src/postgres/publication.js';

const ACCOUNT = { table: 'loyalty.account', columns: null, rowFilter: null, entryOid: 1 };
const GUEST = { table: 'loyalty.guest', columns: ['user_id', 'first_name'], rowFilter: null, entryOid: 2 };
const STORED: PublicationFingerprint = {
  oid: 16_400,
  publishViaRoot: true,
  publish: ['delete', 'insert', 'update'],
  tables: [ACCOUNT, GUEST],
};
const TIER = { ...ACCOUNT, table: 'loyalty.tier', entryOid: 3 };
const WIDER = { ...GUEST, columns: null, entryOid: 4 };

test.each<[string, Partial<PublicationFingerprint>, boolean, boolean]>([
  ['a table', { tables: [ACCOUNT, GUEST, TIER] }, true, true],
  ['a kind of change', { publish: ['delete', 'insert', 'truncate', 'update'] }, true, true],
  ['generated columns', { publishGenerated: true }, true, true],
  [
    'a column list in another order',
    { tables: [ACCOUNT, { ...GUEST, columns: ['first_name', 'user_id'] }] },
    true,
    true,
  ],
  // Taken out, and put back with more: whether in one transaction, the entry does not say.
  ['columns in a new entry', { tables: [ACCOUNT, WIDER] }, false, true],
  ['the same in a new entry', { tables: [ACCOUNT, { ...GUEST, entryOid: 4 }] }, false, true],
  ['nothing but a table taken out', { tables: [ACCOUNT, TIER] }, false, false],
  ['fewer columns', { tables: [ACCOUNT, { ...GUEST, columns: ['user_id'] }] }, false, false],
  ['a column list', { tables: [{ ...ACCOUNT, columns: ['account_id'] }, GUEST] }, false, false],
  ['a row filter', { tables: [{ ...ACCOUNT, rowFilter: '(account_id > 5)' }, GUEST] }, false, false],
  ['fewer kinds', { publish: ['insert'] }, false, false],
  ['leaves in place of their root', { publishViaRoot: false }, false, false],
  ['another publication of that name', { oid: 16_500 }, false, false],
])('a publication that has got %s', (_name, change, adds, sends) => {
  expect(onlyAdds(STORED, { ...STORED, ...change })).toBe(adds);
  expect(sendsAll(STORED, { ...STORED, ...change })).toBe(sends);
});

test('generated columns that are no longer published, or a publication that is gone, are a loss', () => {
  const generated: PublicationFingerprint = { ...STORED, publishGenerated: true };
  expect([onlyAdds(generated, STORED), sendsAll(generated, STORED)]).toEqual([false, false]);
  expect(onlyAdds(STORED, null)).toBe(false);
});
