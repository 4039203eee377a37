import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BisectCursor } from '../../src/delivery/bisect.js';

test('whatever is at fault, exactly that is isolated and the rest goes out once, in order, at logarithmic cost', () => {
  const list = fc.array(fc.boolean(), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(list, fc.integer({ min: 1, max: 300 }), fc.nat(50), (poison, most, startAt) => {
      const start = Math.min(startAt, poison.length - 1);
      const cursor = new BisectCursor(start, poison.length);
      const delivered: number[] = [];
      const isolated: number[] = [];
      let attempts = 0;
      while (!cursor.done) {
        attempts += 1;
        const from = cursor.position;
        const to = Math.min(cursor.bound, from + most);
        if (!poison.slice(from, to).includes(true)) {
          for (let i = from; i < to; i += 1) delivered.push(i);
          cursor.advance(to);
        } else if (cursor.refuse(to) === 'alone') {
          isolated.push(from);
          cursor.advance(to);
        }
      }
      const indexes = poison.map((_, i) => i).slice(start);
      expect(delivered).toEqual(indexes.filter((i) => !poison[i]));
      expect(isolated).toEqual(indexes.filter((i) => poison[i]));
      const requests = Math.ceil((poison.length - start) / most);
      expect(attempts).toBeLessThanOrEqual(
        requests + isolated.length * (2 * Math.ceil(Math.log2(most + 1)) + 2),
      );
    }),
  );
});
