import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageHash } from '../../src/queue/message-hash.js';
import { decode, plus, sumOf, type Sum } from '../../src/reconcile/decode.js';

const hashes = Array.from({ length: 200 }, (_, i) => messageHash(`px-777777-pos_activity-${5_501_000 + i}`));
const all = new Set(hashes.keys());

function sumAt(indices: Iterable<number>): Sum {
  return sumOf([...indices].map((index) => hashes[index] as bigint));
}

function without(...indices: number[]): Set<number> {
  return new Set([...all].filter((index) => !indices.includes(index)));
}

describe('which ids a sum is made of', () => {
  it('finds up to three that are missing, wherever they are', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(199), { maxLength: 3 }), (missing) => {
        const present = without(...missing);
        expect(decode(sumAt(present), hashes, [all])).toEqual(present);
      }),
      { numRuns: 30 },
    );
  });

  it('finds a run of neighbours that is missing, as a lost job leaves it', () => {
    fc.assert(
      fc.property(fc.nat(150), fc.integer({ min: 1, max: 49 }), (from, length) => {
        const present = without(...Array.from({ length }, (_, i) => from + i));
        expect(decode(sumAt(present), hashes, [all])).toEqual(present);
      }),
      { numRuns: 50 },
    );
  });

  it('takes ids that were counted twice for delivered', () => {
    expect(decode(plus(sumAt(all), sumAt([3, 80])), hashes, [all])).toEqual(all);
    const job = Array.from({ length: 90 }, (_, i) => 20 + i);
    expect(decode(plus(sumAt(all), sumAt(job)), hashes, [all])).toEqual(all);
    expect(decode(plus(sumAt(all), plus(sumAt(all), sumAt(all))), hashes, [all])).toEqual(all);
    expect(decode(plus(sumAt(without(7)), sumAt([9])), hashes, [all])).toEqual(without(7));
  });

  it('finds the few of which a repair consisted', () => {
    expect(decode(sumAt([4, 5, 199]), hashes, [all, new Set()])).toEqual(new Set([4, 5, 199]));
  });

  it('says so when it cannot tell', () => {
    const unknown = sumOf([messageHash('px-1-of_another_table-1')]);
    expect(decode(plus(sumAt(all), unknown), hashes, [all, new Set()])).toBeNull();
    const scattered = without(...Array.from({ length: 40 }, (_, i) => i * 5));
    expect(decode(sumAt(scattered), hashes, [all, new Set()])).toBeNull();
  });
});
