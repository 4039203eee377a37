import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/parse.js';
import { EVENT_NAMES } from '../../src/events/event.js';
import { column, event, eventOf, mappingOf, problemsOf } from './read-mapping.js';

describe('what a custom event says', () => {
  it('a name and a table are enough', () => {
    expect(eventOf(event())).toEqual({
      name: { value: 'Reservation Made', at: 'c.yaml:4:11' },
      table: { value: 'public.reservation', at: 'c.yaml:5:12' },
      on: new Set(['insert']),
      where: [],
      changed: [],
      becomes: [],
      joins: [],
      key: null,
      merchantId: null,
      accountId: null,
      userId: null,
      timestamp: null,
      properties: new Map(),
    });
  });

  it('everything else, each with its place', () => {
    const read = eventOf(
      event(
        'on: [insert, update]',
        'where: { kind: R, m.alive: Y }',
        'join: { m: { table: members, on: { id: member } } }',
        'changed: [status, "Seat No"]',
        'becomes: { status: [CONFIRMED, SEATED] }',
        'key: { id: [store, no] }',
        'merchant_id: { value: 5 }',
        'account_id: m.account',
        'user_id: { concat: [px, member], separator: "-" }',
        'timestamp: { column: created, zone: America/Chicago }',
        'properties: { party_size: seats, "Guest Name": m.name, note: { value: 1.50 } }',
      ),
    );
    expect(read).toMatchObject({
      on: new Set(['insert', 'update']),
      where: [
        { value: { kind: 'equals', of: column('kind'), values: new Set(['R']) }, at: 'c.yaml:7:14' },
        { value: { kind: 'equals', of: column('alive', 'm'), values: new Set(['Y']) }, at: 'c.yaml:7:23' },
      ],
      joins: [{ name: 'm', table: { value: 'public.members' } }],
      changed: [
        { value: 'status', at: 'c.yaml:9:15' },
        { value: 'Seat No', at: 'c.yaml:9:23' },
      ],
      becomes: [{ value: { of: column('status'), values: new Set(['CONFIRMED', 'SEATED']) } }],
      key: { value: { kind: 'composite' } },
      merchantId: { value: { kind: 'constant', text: '5' } },
      accountId: { value: column('account', 'm') },
      userId: { value: { kind: 'concat', separator: '-' } },
      timestamp: { value: { kind: 'zoned', zone: 'America/Chicago' }, at: 'c.yaml:15:16' },
    });
    expect([...(read?.properties ?? [])].map(([name, { value }]) => [name, value])).toEqual([
      ['party_size', column('seats')],
      ['Guest Name', column('name', 'm')],
      ['note', { kind: 'constant', text: '1.50' }],
    ]);
  });

  it('on may be one word, and changed one column', () => {
    expect(eventOf(event('on: update', 'changed: status'))).toMatchObject({
      on: new Set(['update']),
      changed: [{ value: 'status' }],
    });
  });

  it('they may stand beside records or alone, on the reference schema', () => {
    const alone = 'custom_events: [{ name: A, table: t, merchant_id: m }]';
    expect(mappingOf(alone)).toMatchObject({
      feeds: null,
      rows: [],
      customEvents: [{ name: { value: 'A' } }],
    });
    const beside = `${alone}\nmapping: { guest: { table: m, columns: { user_id: id } } }`;
    expect(mappingOf(beside)).toMatchObject({ feeds: [{}], customEvents: [{}] });
  });
});

describe('what is wrong is said where it stands', () => {
  it.each<[string, string]>([
    [
      'on: upsert',
      'c.yaml:6:5 on has "upsert"; it must be insert, update or both as a list. Did you mean insert?',
    ],
    ['on: delete', 'c.yaml:6:5 on has "delete"; it must be insert, update or both as a list.'],
    ['on: []', 'c.yaml:6:5 on lists nothing; write one value at least.'],
    ['changed: a', 'c.yaml:6:5 changed is asked of an insert, which changes nothing; write on: update.'],
    ['becomes: { x.a: 1 }', 'c.yaml:6:16 x.a names "x.a", which begins with no join’s name.'],
    ['becomes: a', 'c.yaml:6:14 becomes must be keys with their values.'],
    ['key: x.a', 'c.yaml:6:10 key names "x.a", which begins with no join’s name.'],
    [
      'timestamp: { value: now }',
      'c.yaml:6:25 timestamp is "now"; it must be a time with its zone, such as 2026-01-31T12:30:00Z.',
    ],
    [
      'timestamp: { column: a, scale: 3 }',
      'c.yaml:6:29 timestamp has scale, which gives a number; it must be a time.',
    ],
    ['merchant_id: { value: x }', 'c.yaml:6:27 merchant_id is "x"; it must be a whole number.'],
    [
      'account_id: 5',
      'c.yaml:6:17 account_id is 5, which is no column’s name; write the constant as { value: 5 }, and the column of that name as "5".',
    ],
    ['properties: [a]', 'c.yaml:6:17 properties must be keys with their values.'],
    ['properties: { "": a }', 'c.yaml:6:19 properties has a property without a name.'],
    ['properties: { ~: a }', 'c.yaml:6:19 properties has a key that is null; in quotes it is a text.'],
    ['properties: { a: }', 'c.yaml:6:22 a has no value; write one, or null.'],
    ['propertys: { a: b }', 'c.yaml:6:5 "propertys" is no key of a custom event. Did you mean properties?'],
    [
      'columns: { a: b }',
      'c.yaml:6:5 "columns" is no key of a custom event. Keys: name, table, on, where, join, changed, becomes, key, merchant_id, account_id, user_id, timestamp, properties.',
    ],
    ['table: t', 'c.yaml:6:5 is not YAML (duplicate key).'],
  ])('%s', (line, says) => {
    expect(problemsOf(event(line))).toEqual([says]);
  });

  it.each<[string, string]>([
    ['m.a', 'c.yaml:8:14 changed is "m.a"; it must be a column of the table itself.'],
    ['[]', 'c.yaml:8:5 changed lists nothing; write one column at least.'],
    ['null', 'c.yaml:8:14 changed is null; it must be a name.'],
  ])('changed: %s', (changed, says) => {
    const join = 'join: { m: { table: members, on: { id: member } } }';
    expect(problemsOf(event('on: update', join, `changed: ${changed}`))).toEqual([says]);
  });

  it('what becomes is asked of the table itself, as rows of joins have no before', () => {
    const join = 'join: { m: { table: members, on: { id: member } } }';
    expect(problemsOf(event(join, 'becomes: { m.a: 1 }'))).toEqual([
      'c.yaml:7:16 m.a names "m.a", which begins with no join’s name.',
    ]);
  });

  it.each<[string, string]>([
    ['""', 'is empty; Segment calls the event by it.'],
    ['null', 'is null; write the name of the event.'],
    ['" a"', 'is " a"; it must not begin or end with blanks.'],
    ['"a\\nb"', 'is "a\\nb"; it must be a text without invisible characters.'],
    ['pos activity', 'is "pos activity", one of the nine events that are there anyway; use another.'],
    ['Identify', 'is "Identify", which is what Segment’s identify calls are counted as; use another.'],
    ['[a]', 'must be a single value.'],
  ])('the name %s', (name, says) => {
    const yaml = `custom_events: [{ merchant_id: m, table: t, name: ${name} }]`;
    expect(problemsOf(yaml)).toEqual([`c.yaml:1:51 name ${says}`]);
  });

  it('a name of the nine, of more than 100 characters, and of another event', () => {
    const named = (...names: readonly string[]): string =>
      `custom_events:\n${names.map((name) => `  - { table: t, merchant_id: m, name: ${name} }\n`).join('')}`;
    expect(problemsOf(named(...EVENT_NAMES))).toHaveLength(EVENT_NAMES.length);
    expect(problemsOf(named('a'.repeat(100), '5', 'ä', 'ö'))).toEqual([]);
    expect(problemsOf(named('a'.repeat(101)))).toEqual([
      `c.yaml:2:39 name is "${'a'.repeat(60)}…"; it must have 100 characters at most.`,
    ]);
    expect(problemsOf(named('Table Left', 'table-left', 'Table left'))).toEqual([
      'c.yaml:3:39 name is "table-left", as that of the event at c.yaml:2:39; each needs a name of its own.',
      'c.yaml:4:39 name is "Table left", as that of the event at c.yaml:3:39; each needs a name of its own.',
    ]);
  });

  it('no list, an empty one, and one of other things', () => {
    for (const yaml of ['custom_events:', 'custom_events: []', 'custom_events: { name: A }']) {
      expect(problemsOf(yaml)).toEqual([
        'c.yaml:1:1 custom_events must be a list with one entry for each event.',
      ]);
    }
    expect(problemsOf('custom_events: [A]')).toEqual([
      'c.yaml:1:17 a custom event must be keys with their values.',
    ]);
    expect(problemsOf('custom_events: [{ merchant_id: m }]')).toEqual([
      'c.yaml:1:17 name is missing; Segment calls the event by it.',
      'c.yaml:1:17 table is missing; write the table’s name, with its schema unless that is public.',
    ]);
  });

  it('no merchant, where there is not one alone', () => {
    const events = 'custom_events: [{ name: A, table: t }]';
    const merchants = (...ids: readonly number[]): string =>
      `mapping: { merchant: { rows: [${ids.map((id) => `{ merchant_id: ${id} }`).join(', ')}] } }`;
    expect(problemsOf(events)).toEqual([
      'c.yaml:1:17 merchant_id is missing, and the reference schema has many merchants; write whose event it is.',
    ]);
    expect(problemsOf(`${events}\n${merchants(1)}`)).toEqual([]);
    expect(problemsOf(`${events}\n${merchants(1, 2)}`)).toEqual([
      'c.yaml:1:17 merchant_id is missing, and the mapping has 2 merchants; write whose event it is.',
    ]);
  });
});

describe('options of a source', () => {
  const declared = `
mapping: { zone: UTC }
custom_events:
  - { name: Reservation Made, table: reservation, properties: { party_size: seats, note: note, check_total: total } }
  - { name: Zimmer geräumt!, table: room }
`;
  const settingsOf = (...lines: readonly string[]) => {
    const yaml = `${declared}sources:\n  - name: a\n${lines.map((line) => `    ${line}\n`).join('')}  - name: b\n`;
    const options = { readFile: () => yaml };
    return parseConfig({ CONFIG_FILE: 'c.yaml' }, { command: 'check' }, options).sources.map(
      ({ settings }) => settings,
    );
  };
  const problems = (...lines: readonly string[]): string[] =>
    problemsOf(`${declared}sources:\n  - name: a\n${lines.map((line) => `    ${line}\n`).join('')}`);

  it('take custom events by name or slug; all of them where none is listed, else no other', () => {
    const [listing, rest] = settingsOf('events: [zimmer_geräumt_, POS Activity]');
    expect([listing?.events, listing?.customEvents]).toEqual([
      new Set(['POS Activity']),
      new Set(['Zimmer geräumt!']),
    ]);
    expect([rest?.events, rest?.customEvents]).toEqual([
      new Set(EVENT_NAMES),
      new Set(['Reservation Made', 'Zimmer geräumt!']),
    ]);
    expect(settingsOf('events: POS Activity')[0]?.customEvents).toEqual(new Set());
    expect(problems('events: [Reservation Mode]')).toEqual([
      expect.stringContaining('"Reservation Mode" is no event. Did you mean Reservation Made? Events: '),
    ]);
  });

  it('take properties of custom events for privacy, and refuse of the nine’s what they did', () => {
    const [given] = settingsOf(
      'privacy: { note: drop, party_size: hash, last_name: mask }',
      'privacy_hash_key: sixteen characters',
    );
    expect([...(given?.privacy?.rules ?? [])]).toEqual([
      ['note', { tag: 'drop' }],
      ['party_size', { tag: 'hash' }],
      ['last_name', { tag: 'mask' }],
    ]);
    expect(problems('privacy: { nota: drop }')).toEqual([
      expect.stringContaining('"nota" is no property or trait. Did you mean note?'),
    ]);
    expect(problems('privacy: { check_total: mask }')).toEqual([
      expect.stringContaining('says mask of check_total, which is not text; it can only be dropped.'),
    ]);
  });
});
