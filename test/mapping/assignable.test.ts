import { describe, expect, test } from 'vitest';

import { assignable } from '../../src/mapping/assignable.js';
import type { ColumnType } from '../../src/mapping/canonical.js';
import type { Expression } from '../../src/mapping/expression.js';
import { isProblem, typeOf } from '../../src/mapping/expression-type.js';
import {
  codes,
  col,
  COMMIT_TIME,
  composite,
  concat,
  first,
  path,
  scaled,
  text,
  truth,
  zoned,
} from './expressions.js';

function judged(
  expression: Expression,
  type: ColumnType | ColumnType['kind'],
  keyType = 'bigint',
): string | null {
  return assignable(
    expression,
    typeof type === 'string' ? ({ kind: type } as ColumnType) : type,
    () => keyType,
  );
}

const KEY: ColumnType = { kind: 'key', of: 'guest' };

describe('what an expression gives', () => {
  test.each<[Expression, kind: string, type: string]>([
    [col('a', 'varchar'), 'text', 'varchar'],
    [col('a', 'int2'), 'int', 'int2'],
    [col('a', 'mood'), 'other', 'mood'],
    [text('x'), 'any', 'text'],
    [truth(col('a'), 'set'), 'boolean', 'bool'],
    [scaled(col('a', 'int4')), 'numeric', 'numeric'],
    [zoned(col('a', 'date')), 'timestamptz', 'timestamptz'],
    [COMMIT_TIME, 'timestamptz', 'timestamptz'],
    [path(col('a', 'jsonb'), 'x'), 'text', 'text'],
    [concat('', col('a', 'int4')), 'text', 'text'],
    [composite(col('a', 'int4')), 'text', 'text'],
    [first(col('a', 'int4'), col('b', 'int4')), 'int', 'int4'],
    [first(col('a', 'int4'), col('b', 'numeric')), 'numeric', 'text'],
    [first(col('a', 'int4'), text('0')), 'int', 'text'],
    [first(col('a', 'date'), col('b', 'timestamp')), 'text', 'text'],
    [codes(col('a', 'int4'), { '1': '2' }), 'int', 'text'],
    [codes(col('a', 'int4'), { '1': 'x' }, { text: null }), 'any', 'text'],
  ])('%j: %s, as %s', (expression, kind, type) => {
    expect(typeOf(expression)).toMatchObject({ kind, type });
  });

  test.each<[why: string, Expression, RegExp]>([
    ['money', col('a', 'money'), /is money, .*make it numeric/],
    ['a path in what is no json', path(col('a'), 'x'), /is text, .*only json and jsonb/],
    ['a path from the end in json', path(col('a', 'json'), '-1'), /make the column jsonb/],
    ['a zone for what has one', zoned(col('a', 'timestamptz')), /leave out `zone:`/],
    ['a zone for a text', zoned(col('a')), /is text; only columns of type timestamp/],
    [
      'a zone that nobody knows',
      zoned(col('a', 'timestamp'), 'America/Boston'),
      /America\/Boston.*Region\/City/,
    ],
    ['an abbreviation for a zone', zoned(col('a', 'timestamp'), 'CET'), /Region\/City/],
    ['a scale of a boolean', scaled(col('a', 'bool')), /is boolean, which `scale:` cannot divide/],
    [
      'a scale of a constant that is no number',
      scaled(first(col('a', 'int4'), text('x'))),
      /`x`, which is no number/,
    ],
    ['half a digit', scaled(col('a', 'int4'), 0.5), /whole number/],
    ['a trouble deep within', concat(' ', first(path(col('a'), 'x'))), /only json and jsonb/],
    ['a zero byte', text('a\u0000'), /zero byte/],
  ])('nothing: %s', (_, expression, expected) => {
    const typed = typeOf(expression);
    expect(isProblem(typed) ? typed.problem : typed).toMatch(expected);
    expect(judged(expression, 'text')).toMatch(expected);
  });

  test('is not asked before it is bound to a database', () => {
    expect(() => typeOf(col('a', 'unknown'))).toThrow(RangeError);
  });
});

describe('may stand in a column', () => {
  test.each<[Expression, ColumnType['kind'] | ColumnType, keyType?: string]>([
    [col('a', 'int8'), 'text'],
    [col('a', 'mood'), 'text'],
    [col('a', 'int8'), 'int'],
    [col('a', 'numeric'), 'int'],
    [col('a'), 'numeric'],
    [col('a', 'float4'), 'numeric'],
    [first(col('a', 'int4'), text('0')), 'numeric'],
    [path(col('a', 'jsonb'), 'x'), 'numeric'],
    [text('f'), 'boolean'],
    [codes(col('a'), { Y: 't' }, { text: 'f' }), 'boolean'],
    [col('a', 'timestamp'), 'date'],
    [zoned(col('a', 'date')), 'timestamptz'],
    [text('2026-11-20T10:00:00Z'), 'timestamptz'],
    [text(null), 'jsonb'],
    [text('[]'), 'jsonb'],
    [col('a', 'int4'), KEY],
    [col('a'), KEY],
    [path(col('a', 'json'), 'id'), KEY, 'uuid'],
    [composite(col('a'), col('b')), KEY, 'text'],
    [col('a', 'bpchar'), KEY, 'character'],
    [text(null), KEY, 'character'],
  ])('%j: %j %s', (expression, type, keyType) => {
    expect(judged(expression, type, keyType)).toBeNull();
  });

  test.each<[Expression, ColumnType['kind'] | ColumnType, because: string, keyType?: string]>([
    [col('a', 'int4'), 'boolean', 'is integer where a boolean is needed; say which values are true: `true: [1]`'],
    [col('a'), 'boolean', 'is text where a boolean is needed; say which values are true: `true: [Y]`'],
    [col('a', 'timestamptz'), 'boolean', 'is timestamp with time zone where a boolean is needed; `true: set` is true where there is one'],
    [col('a', 'timestamp'), 'timestamptz', 'is timestamp without time zone where timestamp with time zone is needed; give `zone:`, that of the clocks it was read from'],
    [col('a'), 'timestamptz', 'is text where timestamp with time zone is needed; only a column of such a type is one'],
    [col('a', 'timestamptz'), 'date', 'is timestamp with time zone where date is needed, and its date depends on the zone; map a column of type date'],
    [col('a', 'bool'), 'numeric', "is boolean where a number is needed; give `codes: { true: '1', false: '0' }`"],
    [col('a', 'jsonb'), 'int', 'is jsonb where bigint (a whole number) is needed; say with `path:` where in it the value stands'],
    [col('a', 'json'), 'jsonb', 'is json where jsonb is needed; make the column jsonb'],
    [col('a', 'uuid'), 'numeric', 'is uuid where a number is needed'],
    [text('x'), 'numeric', 'gives `x` where a number is needed'],
    [text('yes'), 'boolean', 'gives `yes` where a boolean is needed'],
    [first(col('a', 'int4'), text('none')), 'int', 'gives `none` where bigint (a whole number) is needed'],
    [codes(col('a'), { A: '1' }, { text: 'x' }), 'int', 'gives `x` where bigint (a whole number) is needed'],
    [text('2026-02-30'), 'date', 'gives `2026-02-30` where date is needed'],
    [text('{"a": 1}'), 'jsonb', 'gives `{"a": 1}` where jsonb is needed'],
    [col('a', 'int8'), KEY, 'is bigint where integer (a whole number) is needed', 'integer'],
    [col('a', 'varchar'), KEY, 'is character varying where character is needed', 'character'],
    [first(col('a', 'bpchar')), KEY, 'is text where character is needed', 'character'],
    [text('40000'), KEY, 'gives `40000` where smallint (a whole number) is needed', 'smallint'],
  ])('not: %j as %j', (expression, type, because, keyType) => {
    expect(judged(expression, type, keyType)).toBe(because);
  }); // prettier-ignore
});
