import { expect, test } from 'vitest';
import { checkCurrency } from '../../src/cli/check-currency.js';
import { mappingSpec } from '../support/mapped-capture.js';

test('a merchant that leaves its currency to the default is told what is sent', async () => {
  const found = async (merchant: string) =>
    checkCurrency(await mappingSpec(`mapping:\n  merchant: ${merchant}\n`)).map(({ level, why }) => ({
      level,
      why,
    }));
  const told = [{ level: 'warning', why: 'Add/Redeem and Recharge Value say USD.' }];
  expect(await found('{ rows: [{ merchant_id: 1 }] }')).toEqual(told);
  expect(await found('{ table: brand, columns: { merchant_id: no } }')).toEqual(told);
  expect(await found('{ rows: [{ merchant_id: 1, currency: CHF }] }')).toEqual([]);
  expect(await found('{ table: brand, columns: { merchant_id: no, currency: money } }')).toEqual([]);
  expect(checkCurrency(await mappingSpec('log_level: info\n'))).toEqual([]);
});
