import { describe, expect, it } from 'vitest';

import type { ExpectedCall } from '../../src/demo/oracle.js';
import type { ReceivedCall } from '../../src/demo/received-call.js';
import { verify } from '../../src/demo/verify.js';

function expectedCall(messageId: string, values: Partial<ExpectedCall> = {}): ExpectedCall {
  return {
    name: 'POS Activity',
    messageId,
    accountKey: '1:7',
    accountId: '7',
    rows: 1,
    commitAtMs: 1_000,
    commitKnown: true,
    certain: true,
    timestampMs: 900,
    clockSuspect: false,
    registered: true,
    wallets: [{ walletCode: '3', balance: '12.5', mayBeAbsent: false }],
    ...values,
  };
}

function receivedCall(messageId: string, values: Partial<ReceivedCall> = {}): ReceivedCall {
  return {
    name: 'POS Activity',
    messageId,
    arrivedAtMs: 1_020,
    userId: '7',
    accountId: '7',
    timestampMs: 900,
    clockSuspect: false,
    wallets: [{ walletCode: '3', balance: 12.5 }],
    firstName: null,
    lastName: null,
    cardNumber: null,
    storeName: null,
    happenedAtMs: 900,
    ...values,
  };
}

describe('verify', () => {
  it('is content with what was expected, and measures from the commit', () => {
    const verdict = verify(
      [expectedCall('a'), expectedCall('b', { commitAtMs: 990 })],
      [receivedCall('a'), receivedCall('b')],
    );
    expect(verdict.ok).toBe(true);
    expect(verdict.total).toEqual({
      expected: 2,
      received: 2,
      missing: 0,
      extra: 0,
      again: 0,
      wrong: 0,
      outOfOrder: 0,
      p50Ms: 20,
      p99Ms: 30,
    });
  });

  it('names what is missing and what is too much', () => {
    const verdict = verify([expectedCall('a')], [receivedCall('b')]);
    expect(verdict.ok).toBe(false);
    expect(verdict.total).toMatchObject({ expected: 1, received: 1, missing: 1, extra: 1 });
    expect(verdict.findings.map(({ kind, messageId }) => [kind, messageId])).toEqual([
      ['missing', 'a'],
      ['extra', 'b'],
    ]);
  });

  it('counts a call of an unknown name as extra under that name', () => {
    const verdict = verify([], [receivedCall('x', { name: 'Something Else' })]);
    expect(verdict.byName.get('Something Else')).toMatchObject({ extra: 1 });
  });

  it('counts deliveries beyond the rows that imply them, which are no fault', () => {
    const repeated = [receivedCall('a'), receivedCall('a'), receivedCall('a')];
    expect(verify([expectedCall('a', { rows: 2 })], repeated).total.again).toBe(1);
    expect(verify([expectedCall('a', { rows: 3 })], repeated).total.again).toBe(0);
    expect(verify([expectedCall('a')], repeated).ok).toBe(true);
  });

  it('expects nothing of a call that may rightly be missing, but judges what comes of it', () => {
    const call = expectedCall('a', { certain: false });
    expect(verify([call], []).ok).toBe(true);
    expect(verify([call], [receivedCall('a', { wallets: [] })]).total.wrong).toBe(1);
  });

  it.each([
    ['another balance', { wallets: [{ walletCode: '3', balance: 12 }] }],
    ['a wallet missing', { wallets: [] }],
    [
      'a wallet too many',
      {
        wallets: [
          { walletCode: '3', balance: 12.5 },
          { walletCode: '9', balance: 0 },
        ],
      },
    ],
    ['no wallets at all', { wallets: null }],
    ['another time', { timestampMs: 901 }],
    ['a suspected clock', { clockSuspect: true }],
    ['another account', { accountId: '8' }],
    ['no user', { userId: null }],
    ['another name', { name: 'Add/Redeem' }],
  ] satisfies [string, Partial<ReceivedCall>][])('finds %s wrong', (_what, values) => {
    expect(verify([expectedCall('a')], [receivedCall('a', values)]).total.wrong).toBe(1);
  });

  it('finds a user id on a call of an unregistered card wrong', () => {
    expect(verify([expectedCall('a', { registered: false })], [receivedCall('a')]).total.wrong).toBe(1);
  });

  it('lets a wallet be absent only where the tables cannot tell', () => {
    const wallets = [
      { walletCode: '3', balance: '12.5', mayBeAbsent: false },
      { walletCode: '9', balance: '0', mayBeAbsent: true },
    ];
    expect(verify([expectedCall('a', { wallets })], [receivedCall('a')]).ok).toBe(true);
  });

  describe('order', () => {
    const three = [expectedCall('a'), expectedCall('b'), expectedCall('c')];
    const order = (...ids: string[]): number =>
      verify(
        three,
        ids.map((id) => receivedCall(id)),
      ).total.outOfOrder;

    it('is kept per account', () => {
      expect(order('a', 'b', 'c')).toBe(0);
      expect(order('b', 'a', 'c')).toBe(1);
      expect(order('c', 'a', 'b')).toBe(1);
      expect(order('c', 'b', 'a')).toBe(2);
    });

    it('goes by first arrivals: a repeat may come late', () => {
      expect(order('a', 'b', 'a', 'c')).toBe(0);
      expect(order('a', 'c', 'b', 'c')).toBe(1);
    });

    it('is not asked between accounts', () => {
      const other = expectedCall('d', { accountKey: '1:8', accountId: '8', registered: false });
      const verdict = verify(
        [expectedCall('a'), other],
        [receivedCall('d', { accountId: '8', userId: null }), receivedCall('a')],
      );
      expect(verdict.ok).toBe(true);
    });

    it('is not judged where the commit is not known', () => {
      const verdict = verify(
        [expectedCall('a', { commitKnown: false }), expectedCall('b')],
        [receivedCall('b'), receivedCall('a')],
      );
      expect(verdict.ok).toBe(true);
      expect(verdict.byName.get('POS Activity')?.p99Ms).toBe(20);
    });
  });
});
