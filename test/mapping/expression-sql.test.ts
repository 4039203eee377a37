import { describe, expect, test } from 'vitest';

import type { Expression } from '../../src/mapping/expression.js';
import {
  canonicalSql,
  conditionSql,
  expressionTextSql,
  type SqlScope,
} from '../../src/mapping/expression-sql.js';
import { quoteName, quoteTable, quoteText } from '../../src/postgres/query.js';
import { col, concat, first, scaled, text } from './expressions.js';

const scope: SqlScope = {
  column: (join, column) => `${join ?? 'b'}.${quoteName(column)}`,
  committedAt: 'c.committed_at',
};

describe('names and texts as SQL', () => {
  test.each([
    [quoteName('Order'), '"Order"'],
    [quoteName('a"b'), '"a""b"'],
    [quoteName('sure?'), 'U&"sure\\003F"'],
    [quoteTable('public.my.table'), '"public"."my.table"'],
    [quoteText("it's \\"), "'it''s \\'"],
    [quoteText("it's \\?"), "E'it''s \\\\\\x3F'"],
  ])('%s', (sql, expected) => {
    expect(sql).toBe(expected);
  });
});

describe('a column that is of the canonical type', () => {
  test.each<[Expression, kind: 'key' | 'int' | 'text' | 'numeric' | 'boolean', string]>([
    [col('a', 'int8'), 'key', 'b."a"'],
    [col('a', 'int8'), 'int', 'b."a"'],
    [col('a', 'bool', 'j1'), 'boolean', 'j1."a"'],
    [col('a', 'text'), 'text', 'b."a"'],
    [col('a', 'varchar'), 'text', '(b."a")::text'],
    [col('a', 'int4'), 'key', '(b."a")::int8'],
    [text('5'), 'numeric', "'5'::numeric"],
    [text(null), 'int', 'NULL::int8'],
    [scaled(col('a', 'int4')), 'numeric', '((b."a")::numeric * 0.01)'],
    [first(col('a', 'int8'), col('b', 'int8')), 'int', 'COALESCE(b."a", b."b")'],
  ])('%j as %s is %s', (expression, kind, expected) => {
    const type = kind === 'key' ? ({ kind, of: 'guest' } as const) : { kind };
    expect(canonicalSql(expression, type, () => 'bigint', scope)).toBe(expected);
  });
});

test('a condition is compared as its type is, and texts byte by byte', () => {
  const values = new Set(['1', 'x', '02']);
  expect(conditionSql({ kind: 'equals', of: col('a', 'int4'), values }, scope)).toBe('(b."a" IN (1))');
  expect(conditionSql({ kind: 'equals', of: col('a'), values }, scope)).toBe(
    `(b."a" COLLATE "C" IN ('1', 'x', '02'))`,
  );
  expect(conditionSql({ kind: 'equals', of: col('a', 'bool'), values: new Set(['t']) }, scope)).toBe(
    '(b."a" IN (true))',
  );
  expect(conditionSql({ kind: 'null', of: col('a'), isNull: true }, scope)).toBe('(b."a" IS NULL)');
});

test('no statement holds a question mark that its mapping brought in', () => {
  const odd = concat('?', col('what?'), text('why?'));
  expect(expressionTextSql(odd, scope)).not.toContain('?');
});
