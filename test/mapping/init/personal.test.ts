import { describe, expect, it } from 'vitest';
import type { CatalogueTable } from '../../../src/mapping/init/catalogue.js';
import { asCodes, codeColumns } from '../../../src/mapping/init/personal.js';
import { References } from '../../../src/mapping/init/references.js';
import { catalogueOf } from './ddl.js';

function lookedAt(...columns: readonly string[]): readonly string[] {
  const lines = ['id int8 PRIMARY KEY', ...columns.map((column) => `${column} text`)];
  const { tables } = catalogueOf(`CREATE TABLE customers (\n  ${lines.join(',\n  ')}\n);`);
  const [table] = tables as [CatalogueTable];
  return codeColumns(table, new References(tables)).map(({ name }) => name);
}

describe('columns whose values are looked at', () => {
  it.each([
    'status',
    'order_status',
    'kind',
    'customerType',
    'booking_channel',
    'signup_source',
    'email_opt_in',
    'sms_opt_out',
    'newsletter',
    'card_status',
    'currency',
    'tier',
    'is_active',
  ])('%s', (column) => {
    expect(lookedAt(column)).toEqual([column]);
  });
});

describe('columns whose values are never looked at', () => {
  it.each([
    'name',
    'first_name',
    'last',
    'email',
    'email_status_text',
    'phone_number',
    'mobile',
    'address1',
    'street',
    'city',
    'postal_code',
    'birthdate_code',
    'date_of_birth',
    'gender',
    'card_no',
    'card_number',
    'card_code',
    'account_code',
    'iban',
    'password',
    'api_token',
    'ip_address',
    'note',
    'tax_id_code',
    'username',
    'notes',
    'loyalty_points',
  ])('%s', (column) => {
    expect(lookedAt(column)).toEqual([]);
  });

  it('are keys, references and the state of an address, too', () => {
    const { tables } = catalogueOf(`CREATE TABLE stores (
  code text PRIMARY KEY,
  city text,
  state text
);
CREATE TABLE sales (
  id int8 PRIMARY KEY,
  store_code text REFERENCES stores (code),
  state text
);`);
    const references = new References(tables);
    const found = tables.flatMap((table) =>
      codeColumns(table, references).map(({ name }) => `${table.name}.${name}`),
    );
    expect(found).toEqual(['sales.state']);
  });
});

describe('values are codes', () => {
  it('where they are few, short and plain', () => {
    expect(asCodes(['PAID', 'in progress', 'checked_out', 'N/A', 'é', ''])).toEqual([
      '',
      'N/A',
      'PAID',
      'checked_out',
      'in progress',
      'é',
    ]);
  });

  it.each([
    ['one is an e-mail address', ['PAID', 'ada@example.com']],
    ['one has a number of many digits', ['PAID', '6006000000001']],
    ['one is long', ['PAID', 'a'.repeat(41)]],
    ['one has a line end', ['PAID', 'two\nlines']],
    ['there are more than twenty', Array.from({ length: 21 }, (_, index) => `C${index}`)],
  ])('not where %s: then none of them is shown', (_, values) => {
    expect(asCodes(values)).toBeNull();
  });
});
