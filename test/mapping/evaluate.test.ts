import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  compileCanonical,
  compileConditions,
  compileExpression,
  evaluate,
  holds,
  type Columns,
  type JoinedRow,
} from '../../src/mapping/evaluate.js';
import type { Comparison, Condition, Expression } from '../../src/mapping/expression.js';
import { runs } from '../support/fuzz-runs.js';
import { condition, JOIN, wellTyped } from './arbitrary-expressions.js';
import { COLUMN_NAMES, writtenRow } from './arbitrary-rows.js';
import {
  codes,
  col,
  absolute,
  COMMIT_TIME,
  composite,
  concat,
  epoch,
  negated,
  first,
  path,
  scaled,
  text,
  truth,
  zoned,
} from './expressions.js';

const CONTEXT = { commitTimeUs: 1_795_201_331_123_000 };
const KEYS = () => 'bigint';

function row(own: Columns, person?: Columns | null): JoinedRow {
  return { own, joins: new Map(person === undefined ? [] : [['person', person]]) };
}

function read(expression: Expression, own: Columns = {}, person?: Columns | null) {
  return evaluate(expression, row(own, person), CONTEXT);
}

describe('a value of a row', () => {
  test.each<[why: string, Expression, Columns, string | null | undefined]>([
    ['a column as it is', col('a'), { a: 'x ' }, 'x '],
    ['a boolean in the words of its cast', col('a', 'bool'), { a: 't' }, 'true'],
    ['char(n) without its padding', col('a', 'bpchar'), { a: 'AB   ' }, 'AB'],
    ['an address with its mask, as its cast has it', col('a', 'inet'), { a: '10.0.0.1' }, '10.0.0.1/32'],
    ['a constant', text('POS'), {}, 'POS'],
    ['parts that are there', concat(' ', col('a'), col('b'), col('c')), { a: 'x', b: null, c: 'z' }, 'x z'],
    ['an empty part, which is not null', concat('-', col('a'), col('b')), { a: '', b: 'y' }, '-y'],
    ['null of no parts', concat(' ', col('a'), col('b')), { a: null, b: null }, null],
    ['an id of two columns', composite(col('a', 'int4'), col('b')), { a: '7', b: '12' }, '7:12'],
    ['an id whose parts hold its mark', composite(col('a'), col('b')), { a: 'x:y', b: '5%' }, 'x%3Ay:5%25'],
    ['no id without one of its parts', composite(col('a'), col('b')), { a: 'x', b: null }, null],
    ['a word for a code', codes(col('a'), { A: 'ACTIVE' }), { a: 'A' }, 'ACTIVE'],
    ['a code that is kept', codes(col('a'), { A: 'ACTIVE' }), { a: 'Z' }, 'Z'],
    [
      'a word for all other codes',
      codes(col('a'), { A: 'ACTIVE' }, { text: 'DELETED' }),
      { a: 'Z' },
      'DELETED',
    ],
    ['null of other codes', codes(col('a'), { A: 'ACTIVE' }, { text: null }), { a: 'Z' }, null],
    ['null, which is no code', codes(col('a'), { A: 'ACTIVE' }, { text: 'DELETED' }), { a: null }, null],
    [
      'codes of a boolean, as the wire has it',
      codes(col('a', 'bool'), { t: 'ACTIVE' }),
      { a: 't' },
      'ACTIVE',
    ],
    [
      'codes of a boolean, as its cast has it',
      codes(col('a', 'bool'), { true: 'ACTIVE' }),
      { a: 't' },
      'ACTIVE',
    ],
    [
      'codes of a number, whatever its digits',
      codes(col('a', 'numeric'), { '5': 'FIVE' }),
      { a: '5.00' },
      'FIVE',
    ],
    ['a number of no code, as it is', codes(col('a', 'numeric'), { '5': 'FIVE' }), { a: '6.00' }, '6.00'],
    ['true for a listed value', truth(col('a'), ['Y', '1']), { a: '1' }, 'true'],
    ['false for another', truth(col('a'), ['Y', '1']), { a: 'N' }, 'false'],
    ['null for null', truth(col('a'), ['Y']), { a: null }, null],
    ['true where there is one', truth(col('a', 'timestamptz'), 'set'), { a: 'infinity' }, 'true'],
    ['false where there is none', truth(col('a', 'timestamptz'), 'set'), { a: null }, 'false'],
    ['cents as money', scaled(col('a', 'int8')), { a: '123456789012345678' }, '1234567890123456.78'],
    ['less than a cent’s digits', scaled(col('a', 'int4')), { a: '-5' }, '-0.05'],
    ['cents of a decimal', scaled(col('a', 'numeric')), { a: '12.50' }, '0.1250'],
    ['cents in a text', scaled(col('a')), { a: '1250' }, '12.50'],
    ['no cents in another text', scaled(col('a')), { a: '12,50' }, null],
    ['the other sign', negated(col('a', 'numeric')), { a: '-10.50' }, '10.50'],
    ['the other sign, exactly', negated(col('a', 'int8')), { a: '9007199254740993' }, '-9007199254740993'],
    ['no sign of nothing', negated(col('a', 'numeric')), { a: '0.00' }, '0.00'],
    ['no sign', absolute(col('a', 'numeric')), { a: '-0.5' }, '0.5'],
    ['no sign of what has none', absolute(col('a')), { a: '7' }, '7'],
    ['no number, no sign', absolute(col('a')), { a: 'seven' }, null],
    ['seconds since 1970', epoch(col('a', 'int8'), 's'), { a: '1767225600' }, '2026-01-01 00:00:00+00'],
    ['milliseconds', epoch(col('a', 'int8'), 'ms'), { a: '1767225600123' }, '2026-01-01 00:00:00.123+00'],
    [
      'microseconds of a later century',
      epoch(col('a', 'int8'), 'us'),
      { a: '253402214400123457' },
      '9999-12-31 00:00:00.123457+00',
    ],
    ['a part of a second', epoch(col('a', 'numeric'), 's'), { a: '-0.5' }, '1969-12-31 23:59:59.5+00'],
    ['no moment beyond the years', epoch(col('a', 'int8'), 's'), { a: '1767225600123' }, null],
    [
      'a local time',
      zoned(col('a', 'timestamp')),
      { a: '2026-11-20 14:02:11.123' },
      '2026-11-20 19:02:11.123+00',
    ],
    ['a day’s first moment', zoned(col('a', 'date')), { a: '2026-07-01' }, '2026-07-01 04:00:00+00'],
    ['the first that is there', first(col('a'), col('b')), { a: null, b: 'y' }, 'y'],
    ['none at all', first(col('a'), col('b')), { a: null, b: null }, null],
    ['a json number’s own digits', path(col('a', 'jsonb'), 'x', '0'), { a: '{"x": [12.50]}' }, '12.50'],
    ['when the row was committed', COMMIT_TIME, {}, '2026-11-20 19:02:11.123+00'],
  ])('%s', (_, expression, own, expected) => {
    expect(read(expression, own)).toBe(expected);
  });

  test.each<[Comparison, than: string, value: string | null, holding: boolean]>([
    ['below', '0', '-0.01', true],
    ['below', '0', '0.00', false],
    ['above', '9007199254740992', '9007199254740993', true],
    ['above', '0.10', '0.1', false],
    ['at_least', '0.10', '0.1', true],
    ['at_most', '5', '10', false],
    ['at_most', '5', '-10', true],
    ['at_most', '5', 'x', false],
    ['below', '0', null, false],
    ['above', '5', 'NaN', true],
  ])('is %s %s as a number: %s', (as, than, value, holding) => {
    for (const type of value === 'x' ? ['text'] : ['text', 'numeric']) {
      const compared: Condition = { kind: 'compares', of: col('a', type), as, than };
      expect(holds(compared, row({ a: value }), CONTEXT)).toBe(holding);
    }
  });

  test('a column of a join: its value, null where no row belongs, unknown where it was not looked for', () => {
    const given = col('given', 'text', 'person');
    expect(read(given, {}, { given: 'Ada' })).toBe('Ada');
    expect(read(given, {}, null)).toBeNull();
    expect(read(given, {})).toBeUndefined();
  });
});

describe('a value that the server did not send again', () => {
  test.each<[why: string, Expression, string | null | undefined]>([
    ['is not known', col('big'), undefined],
    ['leaves what is made of it unknown', concat(' ', col('a'), col('big')), undefined],
    ['does not matter behind a value', first(col('a'), col('big')), 'x'],
    ['matters before one', first(col('big'), col('a')), undefined],
    ['matters behind null', first(col('none'), col('big')), undefined],
    ['does not matter for an id that another part leaves null', composite(col('big'), col('none')), null],
    ['may be null for all one knows', truth(col('big'), 'set'), undefined],
  ])('%s', (_, expression, expected) => {
    expect(read(expression, { a: 'x', none: null, big: undefined })).toBe(expected);
  });

  test('is taken for known only where no value of it would make a difference', () => {
    const columns = fc.record({
      own: writtenRow,
      joined: fc.option(writtenRow),
      hidden: fc.subarray([...COLUMN_NAMES]),
      joinHidden: fc.boolean(),
    });
    fc.assert(
      fc.property(
        columns,
        fc.array(wellTyped, { minLength: 1 }),
        fc.array(condition),
        (given, expressions, conditions) => {
          // As written and not as the server has it; only that both see the same matters here.
          const known: JoinedRow = { own: given.own, joins: new Map([[JOIN, given.joined]]) };
          const hidden = Object.fromEntries(given.hidden.map((name) => [name, undefined]));
          const partly: JoinedRow = {
            own: { ...given.own, ...hidden },
            joins: given.joinHidden ? new Map() : known.joins,
          };
          for (const reading of [
            ...expressions.map((each) => compileExpression(each)),
            ...conditions.map((each) => compileConditions([each])),
            compileConditions(conditions),
          ]) {
            const value = reading(partly, CONTEXT);
            if (value !== undefined) expect(value).toBe(reading(known, CONTEXT));
          }
        },
      ),
      runs(300),
    );
  });
});

describe('a condition', () => {
  const equals = (of: Expression, ...values: string[]): Condition => ({
    kind: 'equals',
    of,
    values: new Set(values),
  });
  const differs = (of: Expression, ...values: string[]): Condition => ({
    kind: 'differs',
    of,
    values: new Set(values),
  });
  const isNull = (of: Expression, wanted = true): Condition => ({ kind: 'null', of, isNull: wanted });

  test.each<[why: string, Condition, Columns, boolean | undefined]>([
    ['equals one of several', equals(col('a'), 'A', 'B'), { a: 'B' }, true],
    ['equals none', equals(col('a'), 'A'), { a: 'a' }, false],
    ['null equals nothing', equals(col('a'), ''), { a: null }, false],
    ['null differs from everything', differs(col('a'), 'A'), { a: null }, true],
    ['differs from all', differs(col('a'), 'A'), { a: 'A' }, false],
    ['nothing is among nothing', equals(col('a')), { a: 'A' }, false],
    ['a boolean as the wire has it', equals(col('a', 'bool'), 't'), { a: 't' }, true],
    ['a boolean in words', equals(col('a', 'bool'), 'false'), { a: 'f' }, true],
    ['a number with other digits', equals(col('a', 'numeric'), '5.0'), { a: '5.00' }, true],
    ['a padded text', equals(col('a', 'bpchar'), 'R '), { a: 'R   ' }, true],
    ['is null', isNull(col('a')), { a: null }, true],
    ['is set', isNull(col('a'), false), { a: '' }, true],
    ['of what is not known is not known', equals(col('a'), 'A'), { a: undefined }, undefined],
    ['of what is not known is not known, null or not', isNull(col('a')), { a: undefined }, undefined],
  ])('%s', (_, given, own, expected) => {
    expect(holds(given, row(own), CONTEXT)).toBe(expected);
  });

  test('that fails decides, though another is not known', () => {
    const both = compileConditions([equals(col('a'), 'A'), equals(col('b'), 'B')]);
    expect(both(row({ a: undefined, b: 'X' }), CONTEXT)).toBe(false);
    expect(both(row({ a: undefined, b: 'B' }), CONTEXT)).toBeUndefined();
    expect(both(row({ a: 'A', b: 'B' }), CONTEXT)).toBe(true);
  });
});

describe('a canonical value is what the server would send of the canonical column', () => {
  test.each<
    [
      Expression,
      Columns,
      kind: 'int' | 'numeric' | 'boolean' | 'text' | 'date' | 'timestamptz',
      string | null,
    ]
  >([
    [col('a', 'bool'), { a: 't' }, 'boolean', 't'],
    [truth(col('a'), ['Y']), { a: 'N' }, 'boolean', 'f'],
    [text('true'), {}, 'boolean', 't'],
    [col('a', 'bool'), { a: 't' }, 'text', 'true'],
    [col('a', 'float8'), { a: '1.5e-07' }, 'numeric', '0.00000015'],
    [col('a', 'float4'), { a: '-0' }, 'numeric', '0'],
    [col('a', 'float8'), { a: 'NaN' }, 'numeric', 'NaN'],
    [col('a'), { a: '12.50' }, 'numeric', '12.50'],
    [col('a'), { a: 'twelve' }, 'numeric', null],
    [col('a', 'numeric'), { a: '7.00' }, 'int', '7'],
    [col('a', 'numeric'), { a: '7.50' }, 'int', null],
    [col('a'), { a: '007' }, 'int', '7'],
    [col('a'), { a: '9223372036854775808' }, 'int', null],
    [col('a', 'timestamp'), { a: '2026-11-20 23:59:59.9' }, 'date', '2026-11-20'],
    [text('2026-11-20T14:02:11.50-05:00'), {}, 'timestamptz', '2026-11-20 19:02:11.5+00'],
  ])('%j of %j as %s: %s', (expression, own, kind, expected) => {
    expect(compileCanonical(expression, { kind }, KEYS)(row(own), CONTEXT)).toBe(expected);
  });

  test('a padded key keeps its blanks where the statement leaves it alone for its index', () => {
    const key = { kind: 'key', of: 'guest' } as const;
    expect(compileCanonical(col('a', 'bpchar'), key, () => 'character')(row({ a: 'A  ' }), CONTEXT)).toBe(
      'A  ',
    );
    expect(compileCanonical(col('a', 'bpchar'), key, () => 'text')(row({ a: 'A  ' }), CONTEXT)).toBe('A');
  });
});
