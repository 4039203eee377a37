import { TABLES, type Need, type TableName, type TableSpec } from '../records/tables.js';
import { columnTypeOf, type ColumnType } from './canonical.js';
import { valueSetOf } from './value-sets.js';

/** What a column of a canonical record holds. */
export interface RecordColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly need: Need;
  /** The only values it may have; null: any of its type. */
  readonly values: readonly string[] | null;
  /** Text that names an IANA time zone. */
  readonly isZone: boolean;
  /** Text that is an ISO 4217 code. */
  readonly isCurrency: boolean;
}

const ZONE_COLUMNS = new Set(['default_timezone', 'timezone']);

/** In the order of the reference schema. */
export function recordColumns(table: TableName): ReadonlyMap<string, RecordColumn> {
  const spec: TableSpec = TABLES[table];
  return new Map(
    Object.entries(spec.columns).map(([name, need]) => [
      name,
      {
        name,
        need,
        type: columnTypeOf(table, name),
        values: valueSetOf(table, name),
        isZone: ZONE_COLUMNS.has(name),
        isCurrency: name === 'currency',
      },
    ]),
  );
}

/** The columns that tell a record from others of its kind. */
export function recordKey(table: TableName): readonly string[] {
  return TABLES[table].key;
}

/** Those of them that a file must give: the merchant need not be written where there is only one. */
export function givenKey(table: TableName): readonly string[] {
  return recordKey(table).filter((name) => name !== 'merchant_id' || table === 'loyalty.merchant');
}

/** Completes `<column> is `. */
export function labelOf({ type, values, isZone, isCurrency }: RecordColumn): string {
  if (values !== null) return `one of ${values.join(', ')}`;
  if (isZone) return 'an IANA time zone';
  if (isCurrency) return 'a currency’s three letters';
  switch (type.kind) {
    case 'key':
      return `an id (${type.of})`;
    case 'int':
      return 'a whole number';
    case 'numeric':
      return 'a number';
    case 'boolean':
      return 'true or false';
    case 'text':
      return 'text';
    case 'date':
      return 'a date';
    case 'timestamp':
      return 'a local time';
    case 'timestamptz':
      return 'a time';
    case 'jsonb':
      return 'JSON';
    default:
      return never(type);
  }
}

function never(type: never): never {
  throw new Error(`no such type: ${JSON.stringify(type)}`);
}
