import { describe, expect, it } from 'vitest';
import type { Expression } from '../../src/mapping/expression.js';
import { column, guest, problemsOf, valueOf } from './read-mapping.js';

const JOIN = '    join:\n      person: { table: person, on: { person_id: person } }\n';

/** As the value of `first_name`, a text that may be null. */
const text = (value: string): Expression | undefined =>
  valueOf(guest(`first_name: ${value}`, JOIN), 'first_name');

describe('every form of a value', () => {
  it.each<[string, Expression]>([
    ['given', column('given')],
    ['person.given', column('given', 'person')],
    ['"Given Name"', column('Given Name')],
    ['"5"', column('5')],
    ['file:x', column('file:x')],
    ['{ column: given }', column('given')],
    ['{ column: person.given }', column('given', 'person')],
    ['{ column: 5 }', column('5')],
    ['{ value: x }', { kind: 'constant', text: 'x' }],
    ['{ value: "" }', { kind: 'constant', text: '' }],
    ['{ value: null }', { kind: 'constant', text: null }],
    ['{ value: ~ }', { kind: 'constant', text: null }],
    ['{ value: "null" }', { kind: 'constant', text: 'null' }],
    [
      '{ concat: [a, person.b] }',
      { kind: 'concat', parts: [column('a'), column('b', 'person')], separator: '' },
    ],
    ['{ concat: a, separator: " " }', { kind: 'concat', parts: [column('a')], separator: ' ' }],
    ['{ first: [a, { value: x }] }', { kind: 'first', of: [column('a'), { kind: 'constant', text: 'x' }] }],
    ['{ of: a }', column('a')],
    ['{ column: a, path: b.c }', { kind: 'json', of: column('a'), path: ['b', 'c'] }],
    ['{ column: a, path: [b.c, 0, b.c] }', { kind: 'json', of: column('a'), path: ['b.c', '0', 'b.c'] }],
    [
      '{ column: a, codes: { A: x, 01: y, 1: z, true: w, 1.50: v } }',
      {
        kind: 'codes',
        of: column('a'),
        codes: new Map([
          ['A', 'x'],
          ['01', 'y'],
          ['1', 'z'],
          ['true', 'w'],
          ['1.50', 'v'],
        ]),
        otherwise: { keep: true },
      },
    ],
    [
      '{ column: a, codes: { A: x }, else: keep }',
      { kind: 'codes', of: column('a'), codes: new Map([['A', 'x']]), otherwise: { keep: true } },
    ],
    [
      '{ column: a, codes: { A: x }, else: null }',
      { kind: 'codes', of: column('a'), codes: new Map([['A', 'x']]), otherwise: { text: null } },
    ],
    [
      '{ column: a, codes: { A: x }, else: y }',
      { kind: 'codes', of: column('a'), codes: new Map([['A', 'x']]), otherwise: { text: 'y' } },
    ],
  ])('%s', (yaml, expected) => {
    expect(text(yaml)).toEqual(expected);
  });

  it.each<[string, ReadonlySet<string> | 'set']>([
    ['[Y, "1"]', new Set(['Y', '1'])],
    ['[Y, true, 0123, 1.50, 9007199254740993]', new Set(['Y', 'true', '0123', '1.50', '9007199254740993'])],
    ['Y', new Set(['Y'])],
    ['set', 'set'],
    ['[set]', new Set(['set'])],
  ])('true: %s', (yaml, trueWhen) => {
    const read = valueOf(guest(`email_opt_in: { column: a, true: ${yaml} }`), 'email_opt_in');
    expect(read).toEqual({ kind: 'truth', of: column('a'), trueWhen });
  });

  it('the rest is for columns of other kinds', () => {
    const check = (line: string): string =>
      `mapping:\n  transaction:\n    table: sales\n    columns:\n      transaction_id: id\n      posted_at: at\n      ${line}`;
    const recharge = (line: string): string =>
      `mapping:\n  recharge:\n    table: loads\n    columns:\n      recharge_id: id\n      ${line}`;
    expect(valueOf(check('account_id: { id: [store, no] }'), 'account_id')).toEqual({
      kind: 'composite',
      parts: [column('store'), column('no')],
    });
    expect(valueOf(check('pos_transaction_at: { commit_time: true }'), 'pos_transaction_at')).toEqual({
      kind: 'commit-time',
    });
    expect(
      valueOf(check('pos_transaction_at: { column: a, zone: America/Chicago }'), 'pos_transaction_at'),
    ).toEqual({
      kind: 'zoned',
      of: column('a'),
      zone: 'America/Chicago',
    });
    expect(valueOf(recharge('amount: { column: cents, scale: 2 }'), 'amount')).toEqual({
      kind: 'scaled',
      of: column('cents'),
      digits: 2,
    });
    for (const [part, sign] of [
      ['negate', 'negated'],
      ['abs', 'absolute'],
    ]) {
      const read = valueOf(recharge(`amount: { column: delta, ${part}: true }`), 'amount');
      expect(read).toEqual({ kind: 'signed', of: column('delta'), sign });
    }
    for (const unit of ['s', 'ms', 'us']) {
      const read = valueOf(recharge(`completed_at: { column: epoch, unit: ${unit} }`), 'completed_at');
      expect(read).toEqual({ kind: 'epoch', of: column('epoch'), unit });
    }
    expect(problemsOf(recharge('amount: { column: delta, abs: yes }'))).toEqual([
      'c.yaml:6:37 amount has abs "yes"; it must be true, or be left out.',
    ]);
    expect(problemsOf(recharge('completed_at: { column: epoch, unit: h }'))).toEqual([
      'c.yaml:6:44 completed_at has the unit "h"; it must be s, ms or us: what is counted since 1970.',
    ]);
    expect(problemsOf(recharge('channel: { column: delta, negate: true }'))).toEqual([
      'c.yaml:6:33 channel has negate, which gives a number; it must be text.',
    ]);
  });

  it('several modifiers are done in their own order, not in that of the file', () => {
    const yaml = '{ true: t, else: f, codes: { on: t }, path: a.b, of: { first: [x, y] } }';
    expect(valueOf(guest(`email_opt_in: ${yaml}`), 'email_opt_in')).toEqual({
      kind: 'truth',
      trueWhen: new Set(['t']),
      of: {
        kind: 'codes',
        codes: new Map([['on', 't']]),
        otherwise: { text: 'f' },
        of: { kind: 'json', path: ['a', 'b'], of: { kind: 'first', of: [column('x'), column('y')] } },
      },
    });
  });

  it('null is taken of every part of `first` but the last, where the column must have a value', () => {
    const status = (parts: string): readonly string[] => problemsOf(guest(`status: { first: [${parts}] }`));
    const coded = '{ column: a, codes: { A: ACTIVE }, else: null }';
    expect(status(`${coded}, { value: ANONYMIZED }`)).toEqual([]);
    expect(status(`{ first: [{ value: null }, ${coded}] }, { value: ANONYMIZED }`)).toEqual([]);
    expect(status(`b, ${coded}`)).toEqual([
      expect.stringContaining('status is null; it must be one of ACTIVE, DELETED, ANONYMIZED and not null.'),
    ]);
    expect(status(`{ value: ACTIV }, { value: ACTIVE }`)).toEqual([
      expect.stringContaining('Did you mean ACTIVE?'),
    ]);
  });

  it('an anchor stands for the value it names', () => {
    const yaml = guest('first_name: &name { column: a, path: b }\n      last_name: *name');
    expect(valueOf(yaml, 'last_name')).toEqual({ kind: 'json', of: column('a'), path: ['b'] });
  });

  it('${NAME} is of the environment, in values and not in keys', () => {
    const env = { COLUMN: ' given ', CODE: 'x' };
    expect(valueOf(guest('first_name: p_${COLUMN}'), 'first_name', env)).toEqual(column('p_given'));
    const codes = '{ column: a, codes: { "${CODE}": "${CODE}" } }';
    expect(valueOf(guest(`first_name: ${codes}`), 'first_name', env)).toMatchObject({
      codes: new Map([['${CODE}', 'x']]),
    });
  });
});

describe('constants are written as PostgreSQL writes them', () => {
  it.each([
    ['true', 't'],
    ['yes', 't'],
    ['FALSE', 'f'],
    ['off', 'f'],
  ])('%s', (written, constant) => {
    expect(valueOf(guest(`text_opt_in: { value: ${written} }`), 'text_opt_in')).toEqual({
      kind: 'constant',
      text: constant,
    });
    const codes = `{ column: a, codes: { A: ${written} }, else: ${written} }`;
    expect(valueOf(guest(`text_opt_in: ${codes}`), 'text_opt_in')).toMatchObject({
      codes: new Map([['A', constant]]),
      otherwise: { text: constant },
    });
  });
});

describe('what is wrong with a value is said where it stands', () => {
  const COLUMN = 19;
  const LINE = 8;
  /** [value, character within it, what is said] */
  it.each<[string, number, string]>([
    ['persn.given', 0, 'names "persn.given", which begins with no join’s name. Did you mean person?'],
    ['zzz.given', 0, 'names "zzz.given", which begins with no join’s name. Joins: person.'],
    ['a.b.c', 0, 'is "a.b.c"; it must be a column, or join.column.'],
    ['person.', 0, 'is "person."; a name is empty.'],
    ['""', 0, 'is ""; a name is empty.'],
    [`a${'é'.repeat(32)}`, 0, `is "a${'é'.repeat(32)}"; a name has 63 bytes at most.`],
    [
      '5',
      0,
      'is 5, which is no column’s name; write the constant as { value: 5 }, and the column of that name as "5".',
    ],
    [
      'true',
      0,
      'is true, which is no column’s name; write the constant as { value: true }, and the column of that name as "true".',
    ],
    ['null', 0, 'is null, which is no column’s name; write the constant as { value: null }.'],
    ['[a, b]', 0, 'is a list; write { id: […] }, { concat: […] } or { first: […] }.'],
    ['{ colum: a }', 2, 'has "colum", which is no part of a value. Did you mean column?'],
    [
      '{ column: a, map: b }',
      13,
      'has "map", which is no part of a value. Parts: column, value, concat, id, first, of, commit_time, path, codes, true, scale, negate, abs, unit, zone, separator, else, when.',
    ],
    ['{ column: a, value: b }', 0, 'has column and value; it must have one of them.'],
    [
      '{ path: a }',
      0,
      'has no source; it must have one of column, value, concat, id, first, of, commit_time.',
    ],
    ['{ column: null }', 10, 'is null; it must be a column, or join.column.'],
    ['{ column: [a] }', 10, 'must be a single value.'],
    ['{ column: a, separator: b }', 13, 'has separator without concat.'],
    ['{ column: a, else: b }', 13, 'has else without codes.'],
    ['{ value: a, codes: { A: B } }', 12, 'has codes beside value, where it means nothing.'],
    ['{ id: [a, b], path: c }', 14, 'has path beside id, where it means nothing.'],
    ['{ id: [a] }', 2, 'has too little in id; it must list two values at least.'],
    ['{ concat: [] }', 2, 'has too little in concat; it must list one value at least.'],
    ['{ first: [] }', 2, 'has too little in first; it must list one value at least.'],
    ['{ first: [a, b.c] }', 13, 'names "b.c", which begins with no join’s name. Joins: person.'],
    ['{ concat: [a], separator: [b] }', 26, 'must be a single value.'],
    ['{ concat: [a], separator: null }', 26, 'has null as separator; leave it out for none.'],
    ['{ column: a, path: b..c }', 13, 'has a path with an empty step.'],
    ['{ column: a, path: [] }', 13, 'lists nothing; write one value at least.'],
    ['{ column: a, codes: {} }', 13, 'has no codes; write each with what it stands for.'],
    ['{ column: a, codes: { A: null } }', 25, 'has null for a code; only else may be null.'],
    ['{ column: a, codes: { A: } }', 25, 'has no value; write one, or null.'],
    ['{ column: a, true: [Y] }', 13, 'has true, which gives true or false; it must be text.'],
    ['{ column: a, scale: 2 }', 13, 'has scale, which gives a number; it must be text.'],
    ['{ column: a, zone: UTC }', 13, 'has zone, which gives a time; it must be text.'],
    ['{ commit_time: true }', 2, 'has commit_time, which gives a time; it must be text.'],
    ['"${NO_SUCH}"', 0, 'names ${NO_SUCH}, which the environment does not set.'],
    ['{ value: "a\\0b" }', 9, 'is "a\\u0000b", which is no text that PostgreSQL can hold.'],
    ['{ value: "\\uD800" }', 9, 'is "\\ud800", which is no text that PostgreSQL can hold.'],
  ])('%s', (value, at, says) => {
    const found = problemsOf(guest(`first_name: ${value}`, JOIN));
    expect(found).toEqual([`c.yaml:${LINE}:${COLUMN + at} first_name ${says}`]);
  });

  it.each<[string, string]>([
    ['codes: a', 'c.yaml:6:41 codes must be keys with their values.'],
    ['codes: { ~: true }', 'c.yaml:6:43 codes has a key that is null; in quotes it is a text.'],
    ['true: [Y, null]', 'c.yaml:6:44 email_opt_in has null among its values, which equals nothing.'],
    ['true: []', 'c.yaml:6:34 email_opt_in lists nothing; write one value at least.'],
    ['codes: { A: maybe }', 'c.yaml:6:46 email_opt_in is "maybe"; it must be true or false.'],
  ])('%s', (modifier, says) => {
    expect(problemsOf(guest(`email_opt_in: { column: a, ${modifier} }`))).toEqual([says]);
  });

  it('a number of digits and a zone that are none', () => {
    const recharge = (line: string): string =>
      `mapping:\n  recharge:\n    table: loads\n    columns: { recharge_id: id, ${line} }`;
    for (const scale of ['0', '19', '-1', 'two', 'null']) {
      const shown = scale === 'null' ? 'null' : `"${scale}"`;
      expect(problemsOf(recharge(`amount: { column: a, scale: ${scale} }`))).toEqual([
        `c.yaml:4:61 amount has the scale ${shown}; it must be a whole number, 1 to 18.`,
      ]);
    }
    for (const zone of ['America/New_Yrok', '"+05:00"', 'Nowhere', 'null']) {
      const [found] = problemsOf(recharge(`completed_at: { column: a, zone: ${zone} }`));
      expect(found).toContain('c.yaml:4:66 completed_at has the zone');
      expect(found).toContain('it must be an IANA time zone such as America/New_York.');
      expect(found?.includes('Did you mean America/New_York?')).toBe(zone === 'America/New_Yrok');
    }
  });

  it('commit_time that is not true', () => {
    const yaml =
      'mapping:\n  recharge:\n    table: l\n    columns: { recharge_id: id, completed_at: { commit_time: no } }';
    expect(problemsOf(yaml)).toEqual(['c.yaml:4:62 completed_at is commit_time "no"; it must be true.']);
  });

  it('all that is wrong with one value at once, through all its levels', () => {
    const value = '{ of: { first: [a.b, { value: x, zone: q }] }, codes: { A: null }, pathh: c }';
    expect(problemsOf(guest(`first_name: ${value}`)).map((line) => line.slice(0, line.indexOf(' ')))).toEqual(
      ['c.yaml:6:86', 'c.yaml:6:35', 'c.yaml:6:52', 'c.yaml:6:58', 'c.yaml:6:78'],
    );
  });

  it('what the environment holds is not shown', () => {
    const found = problemsOf(guest('status: { value: "${SECRET}" }'), { SECRET: 'hunter2' });
    expect(found).toEqual([
      'c.yaml:6:24 status is "${SECRET}"; it must be one of ACTIVE, DELETED, ANONYMIZED.',
    ]);
    expect(problemsOf(guest('first_name: a.${SECRET}.b'), { SECRET: 'hunter2' }).join()).not.toContain(
      'hunter2',
    );
  });
});
