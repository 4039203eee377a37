import { expect, test } from 'vitest';
import { parseLsn } from '../../src/postgres/lsn.js';
import { standbyStatus } from '../../src/replication/standby-status.js';

test('a status says what was received as written, and exactly what is confirmed as flushed and applied', () => {
  const status = standbyStatus({
    received: parseLsn('16/B374D848'),
    confirmed: parseLsn('1/0'),
    nowMs: Date.UTC(2000, 0, 1, 0, 0, 1),
    askReply: true,
  });
  expect(status.toString('hex')).toBe(
    ['72', '00000016b374d848', '0000000100000000', '0000000100000000', '00000000000f4240', '01'].join(''),
  );
});
