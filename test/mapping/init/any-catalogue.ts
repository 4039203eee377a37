import fc from 'fast-check';
import type { Catalogue, CatalogueColumn, CatalogueTable } from '../../../src/mapping/init/catalogue.js';

const TABLE_WORDS = [
  'customers',
  'members',
  'users',
  'orders',
  'order_items',
  'sales',
  'payments',
  'topups',
  'stores',
  'cards',
  'loyalty_accounts',
  'points_ledger',
  'check_ins',
  'visits',
  'surveys',
  'survey_answers',
  'feedback',
  'referrals',
  'wallets',
  'cities',
  'addresses',
  'staff',
  'tiers',
  'bookings',
  'tickets',
  'persons',
  'products',
];
const COLUMN_WORDS = [
  'id',
  'name',
  'first_name',
  'email',
  'status',
  'kind',
  'points',
  'balance',
  'amount',
  'cents',
  'total',
  'created_at',
  'sold_at',
  'card_no',
  'customer_id',
  'member_no',
  'order_id',
  'store_id',
  'store_code',
  'city',
  'country',
  'opt_in',
  'is_void',
  'deleted_at',
  'tier',
  'channel',
  'balance_after',
  'rating',
  'comment',
  'currency',
  'referrer_id',
  'role',
  'active',
  'zip',
  'question',
];
const TYPES = [
  'int4',
  'int8',
  'text',
  'varchar',
  'bpchar',
  'numeric',
  'bool',
  'date',
  'timestamp',
  'timestamptz',
  'uuid',
  'jsonb',
  'money',
  'enum',
];

/** Names that a file could take for something else, and others' words that must not end a comment. */
const odd = fc.oneof(
  fc.constantFrom(
    'true',
    'null',
    '1',
    '- x',
    'a: b',
    '# no',
    "it's",
    'a"b',
    'line\nbreak',
    '{x',
    '~',
    'wo?rd',
    'ünïcode',
    'select',
    '*',
    '&a',
    'a.b',
    ' ',
  ),
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
);
const tableName = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...TABLE_WORDS) },
  { weight: 1, arbitrary: odd },
);
const columnName = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...COLUMN_WORDS) },
  { weight: 1, arbitrary: odd },
);

const column: fc.Arbitrary<CatalogueColumn> = fc.record({
  name: columnName,
  type: fc.constantFrom(...TYPES),
  nullable: fc.boolean(),
  comment: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: odd }),
  values: fc.oneof(
    { weight: 2, arbitrary: fc.constant(null) },
    {
      weight: 1,
      arbitrary: fc.uniqueArray(
        fc.oneof(
          fc.constantFrom('A', 'V', 'R', 'Y', 'N', '1', '0', 'paid', 'CUSTOMER', 'void', 'true', ''),
          odd,
        ),
        { maxLength: 5 },
      ),
    },
  ),
});

const table: fc.Arbitrary<CatalogueTable> = fc
  .record({
    schema: fc.constantFrom('public', 'shop'),
    name: tableName,
    comment: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: odd }),
    rows: fc.option(fc.nat(1000)),
    columns: fc.uniqueArray(column, { minLength: 1, maxLength: 12, selector: ({ name }) => name }),
    keyColumns: fc.nat(2),
    hasUnique: fc.boolean(),
    readable: fc.boolean(),
  })
  .map(({ keyColumns, hasUnique, columns, ...rest }) => ({
    ...rest,
    columns,
    primaryKey: columns.slice(0, keyColumns).map(({ name }) => name),
    uniques: hasUnique ? columns.slice(-1).map(({ name }) => [name]) : [],
    foreignKeys: [],
  }));

/** Tables with foreign keys between any of them, some of several columns, some of a table on itself. */
export const anyCatalogue: fc.Arbitrary<Catalogue> = fc
  .record({
    tables: fc.uniqueArray(table, {
      minLength: 1,
      maxLength: 10,
      selector: ({ schema, name }) => `${schema}.${name}`,
    }),
    links: fc.array(fc.record({ from: fc.nat(9), to: fc.nat(9), column: fc.nat(11) }), { maxLength: 14 }),
    serverZone: fc.oneof(fc.constantFrom('America/New_York', 'UTC', 'Europe/Paris'), odd),
    database: odd,
  })
  .map(({ tables, links, ...rest }) => {
    const linked = tables.map((each, index) => {
      const foreignKeys = links
        .filter(({ from }) => from % tables.length === index)
        .flatMap(({ to, column: at }) => {
          const other = tables[to % tables.length]!;
          const key = other.primaryKey;
          const columns = key.map((_, place) => each.columns[(at + place) % each.columns.length]!.name);
          const whole = key.length > 0 && new Set(columns).size === key.length;
          return whole ? [{ columns, references: `${other.schema}.${other.name}`, referenced: key }] : [];
        });
      return { ...each, foreignKeys };
    });
    return { ...rest, tables: linked };
  });
