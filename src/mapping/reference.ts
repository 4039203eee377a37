import { TABLE_NAMES, TABLES, type TableName } from '../records/tables.js';
import { columnTypeOf } from './canonical.js';
import type { Mapping } from './mapping.js';

/** The reference schema is itself a mapping, and the default one: every record is its own table. */
export const REFERENCE_MAPPING: Mapping = {
  tables: new Map(TABLE_NAMES.map((name) => [name, { name, ...TABLES[name] }])),
  relations: {
    from: (table) => table,
    type: sqlType,
    plain: (table, column) => ({ table, column }),
  },
  feeds: null,
  customEvents: new Map(),
  unmapped: new Set(),
};

function sqlType(table: TableName, column: string): string {
  const type = columnTypeOf(table, column);
  return type.kind === 'key' ? 'bigint' : type.kind;
}
