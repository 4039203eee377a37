import { Ajv } from 'ajv';
import fc from 'fast-check';
import { parse as parseYaml, stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { settingsFileSchema } from '../../src/config/file-schema.js';
import { recordColumns } from '../../src/mapping/columns.js';
import { RECORD_NAMES, RECORDS } from '../../src/mapping/record-names.js';
import { fuzzTimeoutMs, runs } from '../support/fuzz-runs.js';
import { mappingOf, problemsOf } from './read-mapping.js';

/** Whatever stands in a file: it is read, or every problem is one line with its place. @throws whatever else happens */
function isReadOrRefused(yaml: string): void {
  for (const line of problemsOf(yaml, { SET: 'x' })) {
    expect(line).toMatch(/^c\.yaml(:\d+:\d+)? \S/);
    expect(line.length).toBeLessThan(1_000);
    // Nothing that moves the cursor of whoever reads it.
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  }
}

const COLUMNS = [...new Set(RECORD_NAMES.flatMap((record) => [...recordColumns(RECORDS[record]).keys()]))];
const FORMS = [
  'column',
  'value',
  'concat',
  'id',
  'first',
  'of',
  'commit_time',
  'path',
  'codes',
  'true',
  'scale',
];
const OTHERS = [
  'zone',
  'separator',
  'else',
  'table',
  'where',
  'join',
  'columns',
  'rows',
  'on',
  'not',
  'set',
  'p.x',
];
const EVENTS = [
  'name',
  'changed',
  'becomes',
  'key',
  'timestamp',
  'properties',
  '',
  '__proto__',
  'a\nb',
  'a.b.c',
];

const key = fc.oneof(
  fc.constantFrom(...FORMS, ...OTHERS),
  fc.constantFrom(...RECORD_NAMES, ...COLUMNS, ...EVENTS),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const scalar = fc.oneof(
  fc.constantFrom(
    'a',
    'p.x',
    'set',
    'keep',
    'UTC',
    'insert',
    'update',
    '${SET}',
    '${UNSET}',
    'file:x',
    'ACTIVE',
    '\0',
  ),
  fc.constantFrom(null, true, false, 0, 1, 2, 1.5, 1e300, Number.NaN),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, depthSize: 'medium', withCrossShrink: true },
    scalar,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(key, tie('tree'), { maxKeys: 6, noNullPrototype: true }),
  ),
}));
const record = fc.record(
  {
    table: tree,
    where: tree,
    join: tree,
    columns: fc.dictionary(fc.constantFrom(...COLUMNS), tree, { maxKeys: 5 }),
    rows: tree,
  },
  { requiredKeys: [] },
);
const event = fc.record(
  {
    name: tree,
    table: tree,
    on: tree,
    join: tree,
    becomes: tree,
    changed: tree,
    key: tree,
    properties: tree,
  },
  { requiredKeys: [] },
);
const file = fc.record(
  {
    mapping: fc.oneof(
      fc.dictionary(
        fc.constantFrom('zone', ...RECORD_NAMES),
        fc.oneof(record, fc.array(record, { maxLength: 3 })),
        { maxKeys: 4 },
      ),
      tree,
    ),
    custom_events: fc.oneof(fc.array(event, { maxLength: 3 }), tree),
  },
  { requiredKeys: [] },
);

describe('any file', () => {
  it('that has the words of a mapping anywhere is read, or refused in words', () => {
    fc.assert(
      fc.property(file, (content) => {
        isReadOrRefused(stringify(content));
      }),
      { ...runs(120), interruptAfterTimeLimit: fuzzTimeoutMs(10_000) },
    );
  });

  it('is so with any piece of it lost, doubled or replaced', () => {
    const cut = fc.tuple(
      fc.nat(),
      fc.nat(20),
      fc.constantFrom('', ':', '- ', '[', '}', '"', '*a', '&a ', '? ', '!x ', '\t', '|', '\n'),
    );
    fc.assert(
      fc.property(file, fc.array(cut, { minLength: 1, maxLength: 4 }), (content, cuts) => {
        let yaml = stringify(content);
        for (const [from, length, instead] of cuts) {
          const at = from % (yaml.length + 1);
          yaml = yaml.slice(0, at) + instead + yaml.slice(at + length);
        }
        isReadOrRefused(yaml);
      }),
      { ...runs(120), interruptAfterTimeLimit: fuzzTimeoutMs(10_000) },
    );
  });

  it('of any characters at all', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc
        .array(
          fc.constantFrom(
            'mapping:',
            'guest:',
            '\n',
            '  ',
            '- ',
            '{',
            '}',
            '[',
            ']',
            '&a ',
            '*a',
            ': ',
            ',',
            '"',
            "'",
            '#',
            'x',
          ),
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(fc.property(text, isReadOrRefused), runs(1_000));
  });
});

describe('files that are made to be too much', () => {
  const DEPTH = 20_000;
  it.each([
    ['[', '['.repeat(DEPTH)],
    ['[ ]', '['.repeat(DEPTH) + ']'.repeat(DEPTH)],
    ['{ a: }', '{ a: '.repeat(DEPTH) + '}'.repeat(DEPTH)],
    ['-', `${'- '.repeat(DEPTH)}a`],
    ['?', '? '.repeat(DEPTH)],
    ['lines', Array.from({ length: 400 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
  ])('%s, nested deeper than any stack', (_what, yaml) => {
    const [found, ...others] = problemsOf(yaml);
    expect(found).toMatch(/^c\.yaml:\d+:\d+ is nested too deeply\.$/);
    expect(others).toEqual([]);
  });

  it('an alias within itself', () => {
    const yaml = 'mapping: { guest: { table: t, columns: { user_id: &a { of: *a } } } }';
    expect(problemsOf(yaml)).toEqual(['c.yaml:1:54 user_id is nested too deeply.']);
    isReadOrRefused('mapping: &a { guest: *a, card: [*a] }');
    isReadOrRefused('custom_events: &a [*a]');
    isReadOrRefused('sources: &a [*a]');
  });

  it('aliases of aliases of aliases', () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const nine = Array.from({ length: 9 }, () => (level === 0 ? 'a' : `*l${level - 1}`)).join(', ');
      return `        c${level}: &l${level} { concat: [${nine}] }`;
    });
    const yaml = `custom_events:\n  - name: A\n    table: t\n    merchant_id: m\n    properties:\n${levels.join('\n')}\n`;
    expect(problemsOf(yaml)).toEqual(['c.yaml has too many aliases (*name).']);
  });
});

describe('the schema for editors', () => {
  const valid = new Ajv({ strict: false }).compile(settingsFileSchema());

  const name = fc.constantFrom('a', 'p.x', 'Some Name', '${SET}');
  const text = fc.constantFrom('x', 'Y', 1, true, '0123', '');
  const texts = fc.oneof(text, fc.uniqueArray(text, { minLength: 1, maxLength: 3 }));
  const { value } = fc.letrec((tie) => {
    const parts = fc.array(tie('value'), { minLength: 1, maxLength: 3 });
    const source = fc.oneof(
      fc.record({ column: name }),
      fc.record({ first: parts }),
      fc.record({ concat: parts, separator: fc.constantFrom('', ' ') }, { requiredKeys: ['concat'] }),
      fc.record({ of: tie('value') }),
    );
    const modifiers = fc.record(
      {
        path: fc.constantFrom('a', 'a.0', ['a.b', 0]),
        true: fc.oneof(texts, fc.constant('set')),
        scale: fc.integer({ min: 1, max: 18 }),
        zone: fc.constantFrom('UTC', 'America/New_York'),
      },
      { requiredKeys: [] },
    );
    const codes = fc.oneof(
      fc.constant({}),
      fc.record(
        {
          codes: fc.dictionary(fc.constantFrom('A', 'B', '1'), text, { minKeys: 1 }),
          else: fc.constantFrom('keep', null, 'z'),
        },
        { requiredKeys: ['codes'] },
      ),
    );
    return {
      value: fc.oneof(
        { maxDepth: 3, depthSize: 'small' },
        name,
        fc.record({ value: fc.oneof(text, fc.constant(null)) }),
        fc.constant({ commit_time: true }),
        fc.record({ id: fc.array(tie('value'), { minLength: 2, maxLength: 3 }) }),
        fc.tuple(source, modifiers, codes).map((all) => Object.assign({}, ...all)),
      ),
    };
  });
  const condition = fc.oneof(
    texts,
    fc.constant(null),
    fc.record({ not: fc.oneof(texts, fc.constant(null)) }),
    fc.record({ set: fc.boolean() }),
  );
  const conditions = fc.dictionary(fc.constantFrom('a', 'b', 'p.x'), condition, { noNullPrototype: true });
  const custom = fc.record(
    {
      name: fc.constant('Reservation Made'),
      table: fc.constantFrom('t', 's.t'),
      on: fc.constantFrom('update', ['insert', 'update']),
      where: conditions,
      join: fc.record({ p: fc.record({ table: fc.constant('t'), on: fc.record({ id: fc.constant('a') }) }) }),
      changed: fc.constantFrom('a', ['a', 'b']),
      key: value,
      merchant_id: fc.constantFrom('m', { column: 'm', codes: { A: 1 } }),
      timestamp: fc.constantFrom('t', { column: 't', zone: 'UTC' }, { commit_time: true }),
      properties: fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { noNullPrototype: true }),
    },
    { requiredKeys: ['name', 'table', 'on', 'join', 'merchant_id'] },
  );

  it('knows whatever is taken', () => {
    fc.assert(
      fc.property(fc.array(custom, { minLength: 1, maxLength: 1 }), (events) => {
        // Aliases that `stringify` writes for equal objects are as good as what they stand for.
        const yaml = stringify({ custom_events: events });
        expect(problemsOf(yaml, { SET: 'x' })).toEqual([]);
        // Nothing is left out without a word.
        const [read] = mappingOf(yaml, { SET: 'x' }).customEvents;
        expect([...(read?.properties.keys() ?? [])]).toEqual(Object.keys(events[0]?.properties ?? {}));
        expect(read?.where).toHaveLength(Object.keys(events[0]?.where ?? {}).length);
        expect(read?.key === null).toBe(events[0]?.key === undefined);
        expect(valid(parseYaml(yaml)), `${yaml}\n${JSON.stringify(valid.errors)}`).toBe(true);
      }),
      runs(200),
    );
  });

  it.each(RECORD_NAMES)('knows the columns of %s and no others', (name) => {
    const columns = [...recordColumns(RECORDS[name]).values()];
    const plain = Object.fromEntries(columns.map((column) => [column.name, `c_${column.name}`]));
    const fed = { mapping: { zone: 'UTC', [name]: [{ table: 'a.t', where: { a: 1 }, columns: plain }] } };
    expect(problemsOf(stringify(fed))).toEqual([]);
    expect(valid(fed), JSON.stringify(valid.errors)).toBe(true);
    expect(valid({ mapping: { [name]: { table: 't', columns: { ...plain, emial: 'a' } } } })).toBe(false);
    expect(valid({ mapping: { [name]: { table: 't', columns: {} } } })).toBe(false);
    const constants = columns.flatMap(({ name: column, values }) =>
      values === null ? [] : [[column, values] as const],
    );
    for (const [column, values] of constants) {
      for (const one of values) {
        for (const made of [
          { value: one },
          { column: 'a', codes: { A: one }, else: one },
          { first: ['a', { value: one }] },
        ]) {
          const file = { mapping: { [name]: { table: 't', columns: { ...plain, [column]: made } } } };
          expect(problemsOf(stringify(file))).toEqual([]);
          expect(valid(file), JSON.stringify(valid.errors)).toBe(true);
        }
      }
      for (const made of [
        { value: 'GONE' },
        { column: 'a', codes: { A: 'GONE' } },
        { first: [{ value: 'GONE' }] },
      ]) {
        const file = { mapping: { [name]: { table: 't', columns: { ...plain, [column]: made } } } };
        expect(problemsOf(stringify(file))).toHaveLength(1);
        expect(valid(file)).toBe(false);
      }
    }
  });

  it.each([
    'mapping: { guests: { table: t, columns: { user_id: a } } }',
    'mapping: { guest: { tabel: t, columns: { user_id: a } } }',
    'mapping: { guest: { table: t, columns: { user_id: 5 } } }',
    'mapping: { guest: { table: t, columns: { user_id: { colum: a } } } }',
    'mapping: { guest: { table: t, columns: { user_id: { column: a, value: b } } } }',
    'mapping: { guest: { table: t, where: { a: { nto: 1 } }, columns: { user_id: a } } }',
    'mapping: { guest: { table: t, join: { p: { table: t } }, columns: { user_id: a } } }',
    'mapping: { merchant: { rows: [{ name: a }] } }',
    'mapping: { merchant: { rows: [{ merchant_id: 1, status: null }] } }',
    'custom_events: []',
    'custom_events: [{ name: Referral, table: t, merchant_id: m }]',
    'custom_events: [{ name: A, table: t, merchant_id: m, on: delete }]',
    'custom_events: [{ name: A, table: t, merchant_id: m, properies: {} }]',
  ])('refuses what is refused: %s', (yaml) => {
    expect(problemsOf(yaml)).not.toEqual([]);
    expect(valid(parseYaml(yaml))).toBe(false);
  });

  it('and takes the file as a whole', () => {
    const yaml = 'log_level: info\nmapping: { merchant: { rows: [{ merchant_id: 1, is_demo: off }] } }';
    expect(mappingOf(yaml).rows).toHaveLength(1);
    expect(valid(parseYaml(yaml))).toBe(true);
  });
});
