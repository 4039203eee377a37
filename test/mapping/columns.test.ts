import { describe, expect, it } from 'vitest';
import { REFERENCE_SCHEMA } from '../../migrations/reference-schema.js';
import { givenKey, labelOf, recordColumns } from '../../src/mapping/columns.js';
import { meaningOf } from '../../src/mapping/meanings.js';
import { RECORD_NAMES, RECORDS } from '../../src/mapping/record-names.js';
import { columnsOf, TABLE_NAMES } from '../../src/records/tables.js';

/** `table.column` with the values that its CHECK allows. */
function checkedValues(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const statement of REFERENCE_SCHEMA.split('CREATE TABLE ').slice(1)) {
    const [table = ''] = /^[\w.]+/.exec(statement) ?? [];
    for (const [, column = '', list = ''] of statement.matchAll(/CHECK \((\w+) IN \(([^)]*)\)\)/g)) {
      found.set(
        `${table}.${column}`,
        list.split(',').map((value) => value.trim().replaceAll("'", '')),
      );
    }
  }
  return found;
}

describe('columns of the records', () => {
  it('have the closed values of the reference schema, and no others', () => {
    const checked = checkedValues();
    expect(checked.size).toBeGreaterThan(15);
    for (const table of TABLE_NAMES) {
      for (const { name, values } of recordColumns(table).values()) {
        expect(values, `${table}.${name}`).toEqual(checked.get(`${table}.${name}`) ?? null);
      }
    }
  });

  it('are those that the stream carries, each with a meaning and a label', () => {
    for (const record of RECORD_NAMES) {
      const columns = recordColumns(RECORDS[record]);
      expect([...columns.keys()]).toEqual(columnsOf(RECORDS[record]));
      for (const column of columns.values()) {
        expect(meaningOf(record, column.name)).toMatch(/^\S.*\.$/);
        expect(labelOf(column)).not.toBe('');
      }
    }
  });

  it('of a key must be given, but for the merchant of anything else', () => {
    expect(givenKey('loyalty.merchant')).toEqual(['merchant_id']);
    expect(givenKey('loyalty.tier')).toEqual(['card_template_code', 'tier_code']);
    expect(givenKey('txn.wallet_entry')).toEqual(['posted_at', 'transaction_id', 'entry_no']);
  });
});
