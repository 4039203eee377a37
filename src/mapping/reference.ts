import {
  isUnasked,
  NOTHING_ASKED,
  TABLE_NAMES,
  TABLES,
  type OnRequest,
  type TableName,
} from '../records/tables.js';
import { columnTypeOf } from './canonical.js';
import type { Mapping, SourceTable } from './mapping.js';

/** The reference schema is itself a mapping, and the default one: every record is its own table. */
export function referenceMapping(asked: ReadonlySet<OnRequest>): Mapping {
  return {
    tables: new Map(TABLE_NAMES.map((name) => [name, referenceTable(name, asked)])),
    relations: {
      from: (table) => table,
      type: sqlType,
      plain: (table, column) => ({ table, column }),
      has: (table, column) => !isUnasked(table, column, asked),
      isNull: () => false,
      isEmpty: () => false,
      commitTimed: () => [],
      hasForeignKeys: true,
    },
    feeds: null,
    customEvents: new Map(),
    unmapped: new Set(),
  };
}

export const REFERENCE_MAPPING: Mapping = referenceMapping(NOTHING_ASKED);

function referenceTable(name: TableName, asked: ReadonlySet<OnRequest>): SourceTable {
  const { columns, ...spec } = TABLES[name];
  const read = Object.entries(columns).filter(([column]) => !isUnasked(name, column, asked));
  return { name, ...spec, columns: Object.fromEntries(read) };
}

function sqlType(table: TableName, column: string): string {
  const type = columnTypeOf(table, column);
  return type.kind === 'key' ? 'bigint' : type.kind;
}
