import { expect, test } from 'vitest';
import { commitOf, rechargeCommit, registrationCommit } from '../../src/backfill/commit-point.js';
import type { Versioned, VersionedAccount } from '../../src/backfill/page-rows.js';

const AT_US = 1_790_000_000_000_000;
const version = (versionUs: number | null, xmin = '700') => ({ atUs: AT_US, versionUs, xmin });

function account(row: object, versionUs: number | null, anchorUs: number | null): VersionedAccount {
  return { row: { account_id: '5', ...row }, ...version(versionUs), anchorUs } as unknown as VersionedAccount;
}

function recharge(state: string, versionUs: number | null, xmin?: string): Versioned<'txn.recharge'> {
  const row = { recharge_id: '9', transaction_state: state };
  return { row, ...version(versionUs, xmin) } as unknown as Versioned<'txn.recharge'>;
}

function header(atUs: number, versionUs: number | null, xmin?: string): Versioned<'txn.transaction'> {
  return { row: {}, ...version(versionUs, xmin), atUs } as unknown as Versioned<'txn.transaction'>;
}

test('rows of one commit time are one commit, also those of savepoints', () => {
  const one = commitOf('a', version(AT_US + 40, '700'));
  const other = commitOf('b', version(AT_US + 40, '701'));
  expect(other).toEqual(one);
  expect(one).toMatchObject({ commitUs: AT_US + 40, isCertain: true });
});

test('without commit times, rows of one writer and one time are one commit, as of that time', () => {
  const one = commitOf('a', version(null));
  expect(one).toMatchObject({ commitUs: AT_US, isCertain: false });
  expect(commitOf('b', version(null)).key).toBe(one.key);
  expect(commitOf('b', version(null, '701')).key).not.toBe(one.key);
  expect(commitOf('b', { ...version(null), atUs: AT_US + 1 }).key).not.toBe(one.key);
});

test('a row edited later stands by itself, as of its own time', () => {
  const edited = commitOf('response 7', version(AT_US + 2_000_000));
  expect(edited).toMatchObject({ key: 'response 7', commitUs: AT_US, isCertain: false });
  expect(commitOf('', version(AT_US + 9_000_000), 'never rewritten').commitUs).toBe(AT_US + 9_000_000);
});

test('an account edited since is registered by the ledger header of that very time, if there is one', () => {
  const time = new Date(AT_US / 1000).toISOString().replace('T', ' ').replace('Z', '+00');
  const later = new Date(AT_US / 1000 + 90_000).toISOString().replace('T', ' ').replace('Z', '+00');
  const longTransaction = AT_US + 30_000_000;
  expect(registrationCommit(account({ updated_at: time }, longTransaction, null)).commitUs).toBe(
    longTransaction,
  );
  const edited = { updated_at: later };
  expect(registrationCommit(account(edited, AT_US + 90_000_000, AT_US + 12)).commitUs).toBe(AT_US + 12);
  expect(registrationCommit(account(edited, AT_US + 90_000_000, null)).commitUs).toBe(AT_US);
});

test('a recharge succeeded with its ledger header; refunded in that same commit it never stood', () => {
  const made = AT_US + 20;
  const refunded = AT_US + 5_000_000;
  expect(rechargeCommit(recharge('Succeeded', made), header(AT_US, made))?.withHeader).toBe(true);
  expect(rechargeCommit(recharge('Refunded', refunded), header(AT_US, made))?.withHeader).toBe(true);
  expect(rechargeCommit(recharge('Refunded', made), header(AT_US, made))).toBeNull();
  expect(rechargeCommit(recharge('Refunded', made), null)).toBeNull();
  expect(rechargeCommit(recharge('Chargeback', refunded), null)?.point.commitUs).toBe(AT_US);
  expect(rechargeCommit(recharge('Refunded', null), header(AT_US, null))).toBeNull();
  expect(rechargeCommit(recharge('Refunded', null, '800'), header(AT_US, null))?.withHeader).toBe(true);
});
