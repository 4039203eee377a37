import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { flow } from '../../../src/mapping/init/flow.js';
import { runs } from '../../support/fuzz-runs.js';

describe('a value on one line', () => {
  it.each([
    ['customer_id', 'customer_id'],
    ['city.city', 'city.city'],
    ['America/New_York', 'America/New_York'],
    ['Stored value', 'Stored value'],
    ['Y', "'Y'"],
    ['1', "'1'"],
    ['no', "'no'"],
    ["it's", "'it''s'"],
    ['two\nlines', '"two\\nlines"'],
    ['', "''"],
    [{ column: 'opt_in', true: ['1', 'Y'] }, "{ column: opt_in, true: ['1', 'Y'] }"],
    [{ merchant_id: 1, is_demo: false }, '{ merchant_id: 1, is_demo: false }'],
    [
      { of: { column: 'gone', true: 'set' }, codes: { t: 'DELETED' } },
      '{ of: { column: gone, true: set }, codes: { t: DELETED } }',
    ],
  ])('%j is written %s', (value, written) => {
    expect(flow(value)).toBe(written);
  });

  it('is read again as what it was, whatever it holds', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('true', 'Null', '~', '0x1', '1e3'),
    );
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        text,
        fc.integer(),
        fc.boolean(),
        fc.array(tie('value'), { maxLength: 3 }),
        tie('map'),
      ),
      map: fc.dictionary(fc.oneof(text, fc.constant('true')), tie('value'), { maxKeys: 3 }),
    })).value;
    fc.assert(
      fc.property(value, (given) => {
        const written = flow(given);
        expect(written).not.toMatch(/[\n\r\u0085\u2028\u2029]/);
        expect(parse(`a: ${written} # said`)).toEqual({ a: given });
      }),
      runs(500),
    );
  });
});
