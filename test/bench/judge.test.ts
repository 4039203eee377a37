import { describe, expect, it } from 'vitest';
import { expectedOf, FIRST_TRANSACTION, lastOfLanes } from '../../scripts/bench/expected-purchases.js';
import { judge } from '../../scripts/bench/judge.js';

const expected = expectedOf({ from: 0, to: 4, accounts: 2 });
const id = (name: 'pos_activity' | 'add_redeem', purchase: number): string =>
  `px-777777-${name}-${FIRST_TRANSACTION + purchase}`;
const ofPurchase = (purchase: number): string[] => [id('pos_activity', purchase), id('add_redeem', purchase)];
const all = [0, 1, 2, 3].flatMap(ofPurchase);

describe('judge', () => {
  it('finds nothing where all are there, each once and in order', () => {
    expect(judge(all, expected)).toEqual([]);
  });

  it('does not mind the order between accounts', () => {
    expect(judge([1, 3, 0, 2].flatMap(ofPurchase), expected)).toEqual([]);
  });

  it('finds what is missing', () => {
    expect(judge(all.slice(2), expected)).toEqual(['2 of 8 are missing']);
  });

  it('finds what came twice', () => {
    expect(judge([...all, id('add_redeem', 3)], expected)).toEqual([
      `1 came more than once, for instance ${id('add_redeem', 3)}`,
    ]);
  });

  it('finds what nothing should have made', () => {
    expect(judge([...all, id('add_redeem', 4), 'other'], expected)).toEqual([
      `2 should not be there, for instance ${id('add_redeem', 4)}, other`,
    ]);
  });

  it('finds purchases of one account out of order, and calls of one purchase', () => {
    expect(judge([2, 0, 1, 3].flatMap(ofPurchase), expected)).toEqual([
      `2 came out of order, for instance ${ofPurchase(0).join(', ')}`,
    ]);
    expect(judge([...ofPurchase(0).toReversed(), ...all.slice(2)], expected)).toEqual([
      `1 came out of order, for instance ${id('pos_activity', 0)}`,
    ]);
  });
});

describe('lastOfLanes', () => {
  it('is the last purchase of an account of each lane, as long as a lane has one', () => {
    const span = { from: 10, to: 20, accounts: 4 };
    const byAccount = (accountKey: string, lanes: number): number => Number(accountKey.split(':')[1]) % lanes;
    const last = (lanes: number): [number, string][] =>
      [...lastOfLanes(span, lanes, byAccount)].toSorted(([a], [b]) => a - b);
    expect(last(1)).toEqual([[0, String(FIRST_TRANSACTION + 19)]]);
    expect(last(2)).toEqual([
      [0, String(FIRST_TRANSACTION + 18)],
      [1, String(FIRST_TRANSACTION + 19)],
    ]);
    // Four accounts fill four lanes of eight.
    expect(last(8).map(([lane]) => lane)).toEqual([0, 1, 2, 3]);
  });
});
