import { describe, expect, test } from 'vitest';

import { hasUntextableEscape, jsonTextAt } from '../../src/mapping/json-path.js';

describe('what stands at a path of json', () => {
  test.each<[json: string, path: readonly string[], string | null]>([
    ['{"a": 12.50}', ['a'], '12.50'],
    ['{"a": 1152921504606846976}', ['a'], '1152921504606846976'],
    ['{"a":1.50E-2}', ['a'], '1.50E-2'],
    ['{"a": "12.50"}', ['a'], '12.50'],
    ['{"a": "\\u00e4\\n\\ud83c\\udf55"}', ['a'], 'ä\n🍕'],
    ['{"a": null}', ['a'], null],
    ['{"a": "null"}', ['a'], 'null'],
    ['{"a": true}', ['a'], 'true'],
    ['{ "a" : { "b" : [ 1, 2 ] } }', ['a'], '{ "b" : [ 1, 2 ] }'],
    ['{"a": [10, {"b": "x,]}"}]}', ['a', '1', 'b'], 'x,]}'],
    ['{"a": [10, 20]}', ['a', '-1'], '20'],
    ['{"a": [10, 20]}', ['a', '-3'], null],
    ['{"a": [10, 20]}', ['a', 'x'], null],
    ['{"a": [10, 20]}', ['a', '01'], '20'],
    ['{"1": "object"}', ['1'], 'object'],
    ['{"a": 1}', ['a', 'b'], null],
    ['{"a": 1}', ['b'], null],
    ['{"a": 1, "a": 2}', ['a'], '2'],
    ['{"a": {"b": 1}, "a": {"c": 2}}', ['a', 'b'], '1'],
    ['{"a\\u0022": 1}', ['a"'], '1'],
    ['{"b": "a\\\\", "a": 7}', ['a'], '7'],
    ['[]', ['0'], null],
    ['{}', ['a'], null],
    ['"text"', ['a'], null],
  ])('%s at %j: %j', (json, path, expected) => {
    expect(jsonTextAt(json, path)).toBe(expected);
  });

  test.each(['', '{', '{"a', '{"a":', '[1', '[}', '{]', '{,', 'x', '{"a": "\\'])(
    '%j, which is none, ends',
    (text) => {
      expect(() => jsonTextAt(text, ['a', '0'])).not.toThrow();
    },
  );
});

describe('an escape that no text can hold', () => {
  test.each([
    ['"\\u0000"', true],
    ['"\\ud83c"', true],
    ['"\\udf55\\ud83c"', true],
    ['"\\\\\\u0000"', true],
    ['"\\ud83c\\\\\\udf55"', true],
    ['"\\ud83c\\udf55"', false],
    ['"\\\\u0000"', false],
    ['"\\u00000"', true],
    ['"\\u0041"', false],
    ['"plain"', false],
  ])('%s: %s', (json, expected) => {
    expect(hasUntextableEscape(json)).toBe(expected);
  });
});
