import { EVENT_NAMES } from '../events/event.js';
import { labelOf, recordColumns, givenKey, type RecordColumn } from '../mapping/columns.js';
import { COMPARISONS, EPOCH_UNITS } from '../mapping/expression.js';
import { meaningOf, RECORD_MEANING } from '../mapping/meanings.js';
import { RECORD_NAMES, RECORDS, type RecordName } from '../mapping/record-names.js';
import { type CUSTOM_EVENT_KEYS, MAX_EVENT_NAME_CHARS } from './custom-events-file.js';
import { MAX_SCALE } from './modifier-file.js';

type Schema = Readonly<Record<string, unknown>>;

const SCALAR = ['string', 'number', 'boolean'];
const TEXT: Schema = { type: SCALAR };
const TEXTS: Schema = { anyOf: [TEXT, { type: 'array', minItems: 1, items: TEXT }] };
const NULLABLE: Schema = { type: [...SCALAR, 'null'] };
/** What the environment gives an editor does not know. */
const FROM_ENVIRONMENT: Schema = { type: 'string', pattern: '\\$\\{[A-Za-z_]\\w*\\}' };

const ref = (name: string): Schema => ({ $ref: `#/definitions/${name}` });
/** In draft-07 what stands beside `$ref` is not seen. */
const described = (description: string, schema: Schema): Schema => ({ description, allOf: [schema] });
const list = (items: Schema, minItems = 1): Schema => ({ type: 'array', minItems, items });
const object = (properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema => ({
  type: 'object',
  additionalProperties: false,
  ...(required.length > 0 ? { required } : {}),
  properties,
});
/** Names that the file gives itself. */
const named = (values: Schema): Schema => ({
  type: 'object',
  minProperties: 1,
  additionalProperties: values,
});

/** Said once and referred to. */
const PARTS: Schema = {
  text: TEXT,
  texts: TEXTS,
  table: described('The table with its schema; without one it is of public.', { type: 'string' }),
  column: described('A column of the table, or join.column.', TEXT),
  path: described('Steps into a json or jsonb column, with dots between them or as a list.', ref('texts')),
  true: described('True for these values and false for others; set: true unless it is null.', ref('texts')),
  scale: described('Divided by 10 to the power of this: 2 for cents.', {
    anyOf: [{ type: 'integer', minimum: 1, maximum: MAX_SCALE }, FROM_ENVIRONMENT],
  }),
  negate: described('The number with the other sign.', { const: true }),
  abs: described('The number without its sign.', { const: true }),
  unit: described('Counted since 1970 in seconds, milli- or microseconds.', { enum: EPOCH_UNITS }),
  zone: described('The IANA time zone of the clocks it was read from.', { type: 'string' }),
  concat: described('Values one after the other; those that are null are left out.', list(ref('value'))),
  separator: described('What stands between them. Default: nothing.', ref('text')),
  id: described('One id of several columns.', list(ref('value'), 2)),
  of: described('A value that more is done with.', ref('value')),
  commit_time: described('When the row was committed.', { const: true }),
  condition: {
    anyOf: [
      described('It is this; null: it is null.', NULLABLE),
      described('It is one of these.', list(ref('text'))),
      object({ not: described('It is none of these.', { anyOf: [NULLABLE, list(ref('text'))] }) }, ['not']),
      described('As numbers: of several all must hold.', {
        ...object(
          Object.fromEntries(
            COMPARISONS.map((each) => [each, { anyOf: [{ type: 'number' }, { type: 'string' }] }]),
          ),
        ),
        minProperties: 1,
      }),
      object({ set: described('true: it has a value; false: it is null.', { type: 'boolean' }) }, ['set']),
    ],
  },
  where: described('Only rows for which all of this holds.', {
    type: 'object',
    additionalProperties: ref('condition'),
  }),
  join: described('Rows of other tables, at most one each, by a unique key; one may name those before it.', {
    type: 'object',
    additionalProperties: object(
      {
        table: ref('table'),
        on: described('Columns of the joined table with what they equal.', named(ref('value'))),
      },
      ['table', 'on'],
    ),
  }),
  when: described('The value where all of these hold, else null.', {
    type: 'object',
    additionalProperties: ref('condition'),
  }),
  value: valueSchema(ref('text'), 'value'),
};

/** A value called `self`, where constants and what codes stand for are `constant`. */
function valueSchema(constant: Schema, self: string): Schema {
  const modifiers: Readonly<Record<string, Schema>> = {
    path: ref('path'),
    codes: described('What each value stands for; null stays null.', named(constant)),
    else: described('For a value without a code: keep it, or this text, or null. Default: keep.', {
      anyOf: [{ enum: ['keep', null] }, constant],
    }),
    true: ref('true'),
    scale: ref('scale'),
    negate: ref('negate'),
    abs: ref('abs'),
    unit: ref('unit'),
    zone: ref('zone'),
    when: ref('when'),
  };
  return {
    anyOf: [
      { description: 'A column of the table, or join.column.', type: 'string' },
      object({ column: ref('column'), ...modifiers }, ['column']),
      object(
        { value: described('A constant.', { anyOf: [constant, { type: 'null' }] }), when: ref('when') },
        ['value'],
      ),
      object({ concat: ref('concat'), separator: ref('separator'), ...modifiers }, ['concat']),
      object({ id: ref('id'), when: ref('when') }, ['id']),
      object({ first: described('The first that is not null.', list(ref(self))), ...modifiers }, ['first']),
      object({ of: ref('of'), ...modifiers }, ['of']),
      object({ commit_time: ref('commit_time'), when: ref('when') }, ['commit_time']),
    ],
  };
}

function constantSchema({ values, type, isCurrency }: RecordColumn): Schema {
  if (values !== null) return { anyOf: [{ enum: values }, FROM_ENVIRONMENT] };
  if (isCurrency) return { anyOf: [{ type: 'string', pattern: '^[A-Z]{3}$' }, FROM_ENVIRONMENT] };
  return type.kind === 'boolean' ? { type: ['boolean', 'string'] } : ref('text');
}

/** The definitions of a record: its feeds, its rows, and values of its columns that have a closed list of them. */
function recordDefinitions(record: RecordName): Schema {
  const columns = [...recordColumns(RECORDS[record]).values()];
  const key = givenKey(RECORDS[record]);
  const all = (schema: (column: RecordColumn) => Schema): Schema =>
    object(Object.fromEntries(columns.map((column) => [column.name, schema(column)])), key);
  const closed = columns.filter(({ values }) => values !== null);
  const fed = all((column) =>
    described(columnDoc(record, column), ref(column.values === null ? 'value' : `${record}.${column.name}`)),
  );
  const row = all((column) => {
    const constant = constantSchema(column);
    const schema = column.need === 'nullable' ? { anyOf: [constant, { type: 'null' }] } : constant;
    return described(columnDoc(record, column), schema);
  });
  const doc = `The columns of ${record}, with where their values come from.`;
  return {
    [record]: described(RECORD_MEANING[record].replaceAll('`', ''), {
      anyOf: [
        ref(`${record}.feed`),
        ref(`${record}.rows`),
        list({ anyOf: [ref(`${record}.feed`), ref(`${record}.rows`)] }),
      ],
    }),
    [`${record}.feed`]: object(
      { table: ref('table'), where: ref('where'), join: ref('join'), columns: described(doc, fed) },
      ['table', 'columns'],
    ),
    [`${record}.rows`]: object({ rows: described('Records that no table has.', list(row)) }, ['rows']),
    ...Object.fromEntries(
      closed.map((column) => {
        const name = `${record}.${column.name}`;
        return [name, valueSchema(constantSchema(column), name)];
      }),
    ),
  };
}

function columnDoc(record: RecordName, column: RecordColumn): string {
  const never = column.need === 'required' ? ', never null' : '';
  return `${meaningOf(record, column.name)} Holds ${labelOf(column)}${never}.`.replaceAll('`', '');
}

const CHANGE = { enum: ['insert', 'update'] };

const CUSTOM_EVENT: Readonly<Record<(typeof CUSTOM_EVENT_KEYS)[number], Schema>> = {
  name: described('What Segment calls the event.', {
    type: 'string',
    minLength: 1,
    maxLength: MAX_EVENT_NAME_CHARS,
    not: { enum: [...EVENT_NAMES, 'identify'] },
  }),
  table: ref('table'),
  on: described('What makes it. Default: insert.', { anyOf: [CHANGE, list(CHANGE)] }),
  where: ref('where'),
  join: ref('join'),
  changed: described('With an update: one of these columns has another value than before.', ref('texts')),
  becomes: described('All of this holds now, and did not all hold before.', {
    type: 'object',
    additionalProperties: ref('condition'),
  }),
  key: described('What tells it from others of its name. Default: the primary key.', ref('value')),
  merchant_id: described('Whose it is. Default: the only merchant of the mapping.', ref('value')),
  account_id: described('The account it is about.', ref('value')),
  user_id: described('The userId, in place of what the source’s strategy gives.', ref('value')),
  timestamp: described('When it happened. Default: when it was committed.', ref('value')),
  properties: described('Its properties by name.', { type: 'object', additionalProperties: ref('value') }),
};

/** The sections of the file, and the definitions that they refer to. */
export function mappingSchema(): { readonly definitions: Schema; readonly properties: Schema } {
  const records = RECORD_NAMES.map((record) => [record, ref(record)] as const);
  return {
    definitions: Object.assign({}, PARTS, ...RECORD_NAMES.map(recordDefinitions)) as Schema,
    properties: {
      mapping: {
        description: 'The user’s tables in terms of records; without it they are the reference schema’s.',
        ...object({
          zone: described('The IANA time zone of times that have none.', { type: 'string' }),
          ...Object.fromEntries(records),
        }),
      },
      custom_events: described('Events beyond the nine.', list(object(CUSTOM_EVENT, ['name', 'table']))),
    },
  };
}
