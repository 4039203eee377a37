import { describe, expect, it } from 'vitest';
import { column, guest, mappingOf, problemsOf } from './read-mapping.js';

const feed = (record: string, columns: string): string =>
  `mapping:\n  ${record}: { table: t, columns: { ${columns} } }\n`;

describe('what a mapping says', () => {
  it('without one the tables are the reference schema’s', () => {
    const nothing = { zone: null, feeds: null, rows: [], customEvents: [], asked: new Set() };
    expect(mappingOf('log_level: info')).toEqual(nothing);
    expect(mappingOf('')).toEqual(nothing);
  });

  it('a table, its conditions, joins and columns, each with its place', () => {
    const { zone, feeds, rows } = mappingOf(`
mapping:
  zone: America/New_York
  guest:
    table: crm.members
    where: { kind: R }
    join:
      person: { table: person, on: { person_id: person } }
      city: { table: geo.city, on: { city_id: person.city_id, kind: { value: C } } }
    columns:
      user_id: member_no
      first_name: person.given
`);
    expect(zone).toBe('America/New_York');
    expect(rows).toEqual([]);
    expect(feeds).toEqual([
      {
        record: 'loyalty.guest',
        table: { value: 'crm.members', at: 'c.yaml:5:12' },
        where: [{ value: { kind: 'equals', of: column('kind'), values: new Set(['R']) }, at: 'c.yaml:6:14' }],
        joins: [
          {
            name: 'person',
            table: { value: 'public.person', at: 'c.yaml:8:24' },
            on: [
              {
                column: { value: 'person_id', at: 'c.yaml:8:38' },
                equals: { value: column('person'), at: 'c.yaml:8:49' },
              },
            ],
          },
          {
            name: 'city',
            table: { value: 'geo.city', at: 'c.yaml:9:22' },
            on: [
              {
                column: { value: 'city_id', at: 'c.yaml:9:38' },
                equals: { value: column('city_id', 'person'), at: 'c.yaml:9:47' },
              },
              {
                column: { value: 'kind', at: 'c.yaml:9:63' },
                equals: { value: { kind: 'constant', text: 'C' }, at: 'c.yaml:9:69' },
              },
            ],
          },
        ],
        columns: new Map([
          ['user_id', { value: column('member_no'), at: 'c.yaml:11:16' }],
          ['first_name', { value: column('given', 'person'), at: 'c.yaml:12:19' }],
        ]),
      },
    ]);
  });

  it.each<[string, object]>([
    ['R', { kind: 'equals', values: new Set(['R']) }],
    ['0123', { kind: 'equals', values: new Set(['0123']) }],
    ['true', { kind: 'equals', values: new Set(['true']) }],
    ['[A, 1.50]', { kind: 'equals', values: new Set(['A', '1.50']) }],
    ['null', { kind: 'null', isNull: true }],
    ['~', { kind: 'null', isNull: true }],
    ['"null"', { kind: 'equals', values: new Set(['null']) }],
    ['{ not: X }', { kind: 'differs', values: new Set(['X']) }],
    ['{ not: [X, 2] }', { kind: 'differs', values: new Set(['X', '2']) }],
    ['{ not: null }', { kind: 'null', isNull: false }],
    ['{ set: true }', { kind: 'null', isNull: false }],
    ['{ set: false }', { kind: 'null', isNull: true }],
  ])('where a column is %s', (condition, expected) => {
    const { feeds } = mappingOf(guest('status: s', `    where: { a: ${condition} }\n`));
    expect(feeds?.[0]?.where.map(({ value }) => value)).toEqual([{ of: column('a'), ...expected }]);
  });

  it('several tables and rows make one record', () => {
    const { feeds, rows } = mappingOf(`
mapping:
  store:
    - { table: shops, columns: { store_id: id } }
    - rows: [{ store_id: 0, store_name: Web, timezone: US/Eastern, city: null }]
    - { table: kiosks, columns: { store_id: { id: [shop, no] } } }
`);
    expect(feeds?.map(({ record, table }) => [record, table.value])).toEqual([
      ['loyalty.store', 'public.shops'],
      ['loyalty.store', 'public.kiosks'],
    ]);
    expect(rows).toEqual([
      {
        record: 'loyalty.store',
        at: 'c.yaml:5:14',
        columns: new Map([
          ['store_id', { value: '0', at: 'c.yaml:5:26' }],
          ['store_name', { value: 'Web', at: 'c.yaml:5:41' }],
          ['timezone', { value: 'US/Eastern', at: 'c.yaml:5:56' }],
          ['city', { value: null, at: 'c.yaml:5:74' }],
        ]),
      },
    ]);
  });

  it('rows are written as PostgreSQL writes them', () => {
    const { rows } = mappingOf(
      'mapping: { merchant: { rows: [{ merchant_id: 1, is_demo: no }] }, card: { rows: [{ card_id: 007, activated_at: 2026-01-31T10:00:00.500-05:00 }] } }',
    );
    expect(rows.map(({ columns }) => [...columns].map(([, { value }]) => value))).toEqual([
      ['1', 'f'],
      ['007', '2026-01-31 15:00:00.5+00'],
    ]);
  });

  it('the merchant of a key need not be written', () => {
    expect(problemsOf(feed('tier', 'card_template_code: p, tier_code: t'))).toEqual([]);
    expect(
      problemsOf('mapping: { wallet_definition: { rows: [{ wallet_code: 1 }, { wallet_code: 2 }] } }'),
    ).toEqual([]);
  });
});

describe('what is wrong is said where it stands', () => {
  it.each<[string, string]>([
    ['mapping:', 'c.yaml:1:9 mapping must be keys with their values.'],
    ['mapping: [a]', 'c.yaml:1:10 mapping must be keys with their values.'],
    ['mapping: {}', 'c.yaml:1:1 mapping maps nothing; write one record at least, or custom_events.'],
    [
      'mapping: { zone: UTC }',
      'c.yaml:1:1 mapping maps nothing; write one record at least, or custom_events.',
    ],
    ['maping: {}', 'c.yaml:1:1 "maping" is not a setting. Did you mean mapping?'],
    ['custom_event: []', 'c.yaml:1:1 "custom_event" is not a setting. Did you mean custom_events?'],
    ['mapping: { guests: { table: t } }', 'c.yaml:1:12 "guests" is not a record. Did you mean guest?'],
    [
      'mapping: { account_wallet: { table: t } }',
      'c.yaml:1:12 "account_wallet" is not a record. Did you mean wallet?',
    ],
    [
      'mapping: { txn.pos_check: { table: t } }',
      'c.yaml:1:12 "txn.pos_check" is not a record. Did you mean check?',
    ],
    ['mapping: { guest: members }', 'c.yaml:1:19 guest must be keys with their values.'],
    ['mapping: { guest: [] }', 'c.yaml:1:12 guest lists nothing; write one table at least.'],
    [
      'mapping: { guest: { table: t } }',
      'c.yaml:1:19 columns is missing; write the columns of guest with their values.',
    ],
    [
      'mapping: { guest: { columns: { user_id: id } } }',
      'c.yaml:1:19 table is missing; write the table’s name, with its schema unless that is public.',
    ],
    ['mapping: { guest: { table: t, columns: [a] } }', 'c.yaml:1:40 columns must be keys with their values.'],
    [
      'mapping: { guest: { tabel: t, columns: { user_id: id }, table: t } }',
      'c.yaml:1:21 "tabel" is no key of guest. Did you mean table?',
    ],
    [
      feed('guest', 'first_name: a'),
      'c.yaml:2:22 user_id is missing; one guest is told from another by that.',
    ],
    [
      feed('wallet_entry', 'quantity: q, transaction_id: id'),
      'c.yaml:2:29 posted_at, entry_no are missing; one wallet_entry is told from another by that.',
    ],
    [
      feed('guest', 'user_id: id, frist_name: a'),
      'c.yaml:2:46 "frist_name" is no column of guest. Did you mean first_name? Columns: user_id, merchant_id, first_name, last_name, email, mobile_phone, email_opt_in, text_opt_in, status.',
    ],
    [
      feed('check_card', 'check_id: a, card_id: b, email: c'),
      'c.yaml:2:63 "email" is no column of check_card. Columns: check_id, card_id, amount_paid.',
    ],
    [
      'mapping: { zone: Mars/Olympus, guest: { table: t, columns: { user_id: id } } }',
      'c.yaml:1:18 zone has the zone "Mars/Olympus"; it must be an IANA time zone such as America/New_York.',
    ],
  ])('%s', (yaml, says) => {
    expect(problemsOf(yaml)).toEqual([says]);
  });

  it('an unknown record lists them all', () => {
    const [found] = problemsOf('mapping: { zzzzzzzzzz: {} }');
    expect(found).toMatch(
      /^c\.yaml:1:12 "zzzzzzzzzz" is not a record\. Records: merchant, store, .*, survey_answer\.$/,
    );
  });

  it.each<[string, string]>([
    ['a.b.c', 'is "a.b.c"; it must be a table\'s name, or schema.table.'],
    ['.members', 'is ".members"; a name is empty.'],
    ['crm.', 'is "crm."; a name is empty.'],
    [
      'pg_catalog.pg_class',
      'is "pg_catalog.pg_class", a table of PostgreSQL itself, which cannot be published.',
    ],
    ['null', 'is null; it must be a name.'],
    ['[a]', 'must be a single value.'],
  ])('the table %s', (table, says) => {
    const yaml = `mapping: { guest: { columns: { user_id: id }, table: ${table} } }`;
    expect(problemsOf(yaml)).toEqual([`c.yaml:1:54 table ${says}`]);
  });

  it.each<[string, string]>([
    ['{ a: }', ':4:17 a has no value; write one, or null.'],
    ['{ a: [] }', ':4:14 a lists nothing; write one value at least.'],
    ['{ a: [X, null] }', ':4:21 a has null among its values, which equals nothing.'],
    ['{ a: { not: [null] } }', ':4:25 a has null among its values, which equals nothing.'],
    ['{ a: { nto: X } }', ':4:19 "nto" is no key of a condition. Did you mean not?'],
    ['{ a: {} }', ':4:17 a must be a value, a list of values, null, { not: … }, { set: … } or { above: … }.'],
    [
      '{ a: { not: X, set: true } }',
      ':4:17 a must be a value, a list of values, null, { not: … }, { set: … } or { above: … }.',
    ],
    ['{ a: { above: X } }', ':4:26 a has above "X"; it must be a number.'],
    ['{ a: { above: null } }', ':4:26 a has above null; it must be a number.'],
    [
      '{ a: { above: 0, not: 5 } }',
      ':4:17 a must be a value, a list of values, null, { not: … }, { set: … } or { above: … }.',
    ],
    ['{ a: { set: X } }', ':4:24 a has set "X"; it must be true or false.'],
    ['{ p.x: 1 }', ':4:14 p.x names "p.x", which begins with no join’s name.'],
    ['[a]', ':4:12 where must be keys with their values.'],
    ['{ [a]: 1 }', ':4:14 where has a key that is no text.'],
  ])('where: %s', (where, says) => {
    expect(problemsOf(guest('status: s', `    where: ${where}\n`))).toEqual([`c.yaml${says}`]);
  });

  it.each<[string, string]>([
    ['{ p: person }', ':4:16 join "p" must be keys with their values.'],
    [
      '{ p: { on: { id: a } } }',
      ':4:13 table is missing; write the table’s name, with its schema unless that is public.',
    ],
    [
      '{ p: { table: t } }',
      ':4:13 on is missing; write columns of the joined table with the values they equal.',
    ],
    [
      '{ p: { table: t, on: {} } }',
      ':4:28 on is missing; write columns of the joined table with the values they equal.',
    ],
    ['{ p: { table: t, on: a } }', ':4:32 on must be keys with their values.'],
    ['{ p: { table: t, on: { q.id: a } } }', ':4:34 on is "q.id"; it must be a column of the table itself.'],
    [
      '{ p: { table: t, on: { id: 5 } } }',
      ':4:38 id is 5, which is no column’s name; write the constant as { value: 5 }, and the column of that name as "5".',
    ],
    [
      '{ p: { tabel: t, table: t, on: { id: a } } }',
      ':4:18 "tabel" is no key of a join. Did you mean table?',
    ],
    [
      '{ p.q: { table: t, on: { id: a } } }',
      ':4:13 "p.q" is no name of a join; it must be a word without dots.',
    ],
    ['{ p: { table: t, on: { id: p.a } } }', ':4:38 id names "p.a" of a join that is not written before it.'],
    [
      '{ p: { table: t, on: { id: q.a } }, q: { table: t, on: { id: a } } }',
      ':4:38 id names "q.a" of a join that is not written before it.',
    ],
    [
      '{ person: { table: t, on: { id: a } }, q: { table: t, on: { id: persn.a } } }',
      ':4:75 id names "persn.a", which begins with no join’s name. Did you mean person?',
    ],
  ])('join: %s', (join, says) => {
    expect(problemsOf(guest('status: s', `    join: ${join}\n`))).toEqual([`c.yaml${says}`]);
  });

  it.each<[string, string]>([
    [
      'merchant_id: 1, status: ACTIV',
      ':57 status is "ACTIV"; it must be one of ACTIVE, SUSPENDED, TERMINATED. Did you mean ACTIVE?',
    ],
    [
      'merchant_id: 1, status: null',
      ':57 status is null; it must be one of ACTIVE, SUSPENDED, TERMINATED and not null.',
    ],
    [
      'merchant_id: 1, default_timezone: Chicago',
      ':67 default_timezone is "Chicago"; it must be an IANA time zone.',
    ],
    ['merchant_id: one', ':46 merchant_id is "one"; it must be a whole number.'],
    ['merchant_id: 1, is_demo: 2', ':58 is_demo is "2"; it must be true or false.'],
    ['merchant_id: 1, name: [a]', ':55 name must be a single value.'],
    ['merchant_id: 1, name: { value: a }', ':55 name must be a single value.'],
    ['name: a', ':31 merchant_id is missing; one merchant is told from another by that.'],
  ])('the row %s', (row, says) => {
    expect(problemsOf(`mapping: { merchant: { rows: [{ ${row} }] } }`)).toEqual([`c.yaml:1${says}`]);
  });

  it('rows that are none, stand beside a table, or are the same', () => {
    for (const rows of ['a', '[]', '{ merchant_id: 1 }']) {
      expect(problemsOf(`mapping: { merchant: { rows: ${rows} } }`)).toEqual([
        'c.yaml:1:24 rows must be a list of rows, each with columns and their values.',
      ]);
    }
    expect(problemsOf('mapping: { merchant: { rows: [{ merchant_id: 1 }], table: t } }')).toEqual([
      'c.yaml:1:52 table stands beside rows; write a list of both, each as an entry of merchant.',
    ]);
    expect(problemsOf('mapping: { merchant: { rows: [{ merchant_id: 1 }, { merchant_id: 1 }] } }')).toEqual([
      'c.yaml:1:51 merchant is the same as the row at c.yaml:1:31; each needs its own merchant_id.',
    ]);
  });

  it('a key that is written twice, as a number and as a text', () => {
    expect(problemsOf(guest('status: { column: a, codes: { 1: ACTIVE, "1": DELETED } }'))).toEqual([
      'c.yaml:6:48 is not YAML (duplicate key).',
    ]);
  });

  it('all of a file at once, the options, sources and events included', () => {
    const found = problemsOf(`
log_level: loud
mapping:
  zone: Mars
  guest:
    table: a.b.c
    where: { x.y: 1 }
    join: { p: { table: t } }
    columns: { frist_name: a, status: { value: GONE } }
  card: { table: c, columns: { card_id: id, activated_at: { column: a, scale: 2 } } }
sources:
  - name: Barn
custom_events:
  - { name: Referral, table: t, changed: [a] }
redis_ulr: x
`);
    expect(found.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'c.yaml:15:1 "redis_ulr"',
      'c.yaml:12:5 name',
      'c.yaml:4:9 zone',
      'c.yaml:6:12 table',
      'c.yaml:8:13 on',
      'c.yaml:7:14 x.y',
      'c.yaml:9:16 "frist_name"',
      'c.yaml:9:48 status',
      'c.yaml:9:5 user_id',
      'c.yaml:10:72 activated_at',
      'c.yaml:14:13 name',
      'c.yaml:14:33 changed',
      'c.yaml:2:1 log_level',
    ]);
  });
});
