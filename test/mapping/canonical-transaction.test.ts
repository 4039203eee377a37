import { expect, test } from 'vitest';

import type { Transaction } from '../../src/changes/transaction.js';
import { canonicalTransaction } from '../../src/mapping/canonical-transaction.js';
import { REFERENCE_MAPPING } from '../../src/mapping/reference.js';
import type { Lsn } from '../../src/postgres/lsn.js';

test('without feeds a transaction is canonical as it is: nothing is copied or wrapped', () => {
  const transaction: Transaction = {
    xid: 1,
    commitLsn: 1n as Lsn,
    endLsn: 2n as Lsn,
    commitTimeUs: 0,
    receivedAtMs: 0,
    rowCount: 0,
    byteLength: 0,
    forEachChange: () => undefined,
    release: () => undefined,
  };
  expect(canonicalTransaction(transaction, REFERENCE_MAPPING)).toBe(transaction);
});
