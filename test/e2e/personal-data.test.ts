import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tracesOf } from './personal-data.js';

const letters = fc.string({
  unit: fc.constantFrom('a', 'B', 'x', 'Q', '§', '0'),
  minLength: 4,
  maxLength: 7,
});

test('a value is found wherever it stands, whatever the case of its letters, and nothing else is', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(letters, { maxLength: 4 }),
      fc.string({ unit: fc.constantFrom('a', 'B', 'x', 'Q', '§', '0'), maxLength: 60 }),
      (texts, place) => {
        const values = texts.map((value, index) => ({ value, what: String(index) }));
        const found = tracesOf(values, new Map([['place', place]])).map(({ what }) => what);
        const there = values.filter(({ value }) => place.toLowerCase().includes(value.toLowerCase()));
        expect(found.toSorted()).toEqual(there.map(({ what }) => what).toSorted());
      },
    ),
  );
});
