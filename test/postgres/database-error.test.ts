import { expect, test } from 'vitest';

import { databaseError } from '../../src/postgres/database-error.js';
import { ConnectorError } from '../../src/errors/connector-error.js';
import { startFromHistory } from '../../src/postgres/system.js';

const withCode = (code: string): Error => Object.assign(new Error('whatever it says'), { code });

test.each([
  ['28P01', 'DATABASE_AUTH'],
  ['28000', 'DATABASE_AUTH'],
  ['3D000', 'DATABASE_MISSING'],
  ['42501', 'DATABASE_RIGHTS'],
  ['42P01', 'DATABASE_QUERY'],
  ['55P03', 'DATABASE_BUSY'],
  ['57014', 'DATABASE_BUSY'],
  ['57P01', 'DATABASE_UNREACHABLE'],
  ['57P03', 'DATABASE_UNREACHABLE'],
  ['53300', 'DATABASE_UNREACHABLE'],
  ['08006', 'DATABASE_UNREACHABLE'],
  ['ECONNREFUSED', 'DATABASE_UNREACHABLE'],
  ['ENOTFOUND', 'DATABASE_UNREACHABLE'],
  ['EPIPE', 'DATABASE_UNREACHABLE'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'DATABASE_TLS'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'DATABASE_TLS'],
])('%s is %s', (code, expected) => {
  const error = databaseError(withCode(code), 'testing');
  expect(error).toMatchObject({ code: expected, facts: { databaseCode: code } });
  expect(error.cause).toBeInstanceOf(Error);
});

test('a connection that just ended has no code, and is worth another try', () => {
  expect(databaseError(new Error('Connection terminated unexpectedly'), 'testing').action).toBe('retry');
});

test('a host with several addresses is judged by the first failure', () => {
  const all = new AggregateError([withCode('ECONNREFUSED'), withCode('EHOSTUNREACH')]);
  expect(databaseError(all, 'connecting')).toMatchObject({
    code: 'DATABASE_UNREACHABLE',
    facts: { databaseCode: 'ECONNREFUSED' },
  });
});

test('an error that has a code of ours keeps it', () => {
  const known = new ConnectorError('SCHEMA_NEWER', 'x');
  expect(databaseError(known, 'testing')).toBe(known);
});

test('the last line of a timeline history says where this timeline began', () => {
  expect(startFromHistory('1\t0/1500A0\tno recovery target specified\n2\t0/2000000\tbefore x\n')).toBe(
    0x2000000n,
  );
  expect(startFromHistory('')).toBeNull();
});
