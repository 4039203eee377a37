/**
 * What a database says of its tables, as plain data: everything a proposal is made of. Names are the catalog's own;
 * tables are called `schema.table`.
 */
export interface Catalogue {
  readonly database: string;
  /** TimeZone of the server for this role and database. */
  readonly serverZone: string;
  readonly tables: readonly CatalogueTable[];
}

export interface CatalogueTable {
  readonly schema: string;
  readonly name: string;
  readonly comment: string | null;
  /** The planner's estimate; null: never analysed. */
  readonly rows: number | null;
  readonly columns: readonly CatalogueColumn[];
  /** Empty: none. */
  readonly primaryKey: readonly string[];
  /** Columns of unique indexes that hold for every row; without the primary key. */
  readonly uniques: readonly (readonly string[])[];
  readonly foreignKeys: readonly ForeignKey[];
  /** Whether this role may SELECT. */
  readonly readable: boolean;
  /** The server's statistics count updates of its rows. Default false. */
  readonly updated?: boolean;
}

export interface CatalogueColumn {
  readonly name: string;
  /** pg_type.typname, of a domain its base type's; `enum` for enumerated types. */
  readonly type: string;
  readonly nullable: boolean;
  readonly comment: string | null;
  /** Labels of an enumerated type, or the distinct values that were found; null: not known, or too many to be codes. */
  readonly values: readonly string[] | null;
}

export interface ForeignKey {
  readonly columns: readonly string[];
  /** `schema.table`. */
  readonly references: string;
  /** As many as `columns`, in their order. */
  readonly referenced: readonly string[];
}

export type ColumnKind =
  'text' | 'int' | 'number' | 'bool' | 'date' | 'timestamp' | 'timestamptz' | 'uuid' | 'json' | 'other';

const KINDS: Readonly<Record<string, ColumnKind>> = {
  text: 'text',
  varchar: 'text',
  bpchar: 'text',
  char: 'text',
  name: 'text',
  citext: 'text',
  enum: 'text',
  int2: 'int',
  int4: 'int',
  int8: 'int',
  numeric: 'number',
  float4: 'number',
  float8: 'number',
  bool: 'bool',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
  uuid: 'uuid',
  json: 'json',
  jsonb: 'json',
};

export function kindOf(column: CatalogueColumn): ColumnKind {
  return Object.hasOwn(KINDS, column.type) ? (KINDS[column.type] ?? 'other') : 'other';
}

/** Has neither a zone nor an offset: what a clock on some wall showed. */
export function isNaive(column: CatalogueColumn): boolean {
  return column.type === 'timestamp' || column.type === 'date';
}

export function fullName(table: CatalogueTable): string {
  return `${table.schema}.${table.name}`;
}

/** A mapping file takes the first dot for the one behind the schema. */
export function isNameable({ schema, name }: CatalogueTable): boolean {
  return !schema.includes('.') && !name.includes('.');
}

/** The table without columns that a mapping cannot name: there a dot is behind the name of a join. */
export function nameablePart(table: CatalogueTable): CatalogueTable {
  const isPlain = (name: string): boolean => !name.includes('.');
  if (table.columns.every(({ name }) => isPlain(name))) return table;
  const arePlain = (names: readonly string[]): boolean => names.every(isPlain);
  return {
    ...table,
    columns: table.columns.filter(({ name }) => isPlain(name)),
    primaryKey: arePlain(table.primaryKey) ? table.primaryKey : [],
    uniques: table.uniques.filter(arePlain),
    foreignKeys: table.foreignKeys.filter(({ columns, referenced }) => arePlain([...columns, ...referenced])),
  };
}

export function columnOf(table: CatalogueTable, name: string): CatalogueColumn | undefined {
  return table.columns.find((column) => column.name === name);
}

/** The columns that tell a row: the primary key, else the shortest unique key without nulls; null: nothing does. */
export function keyOf(table: CatalogueTable): readonly string[] | null {
  if (table.primaryKey.length > 0) return table.primaryKey;
  const whole = table.uniques.filter((columns) =>
    columns.every((name) => columnOf(table, name)?.nullable === false),
  );
  return whole.toSorted((a, b) => a.length - b.length)[0] ?? null;
}

/** Whether a value of these columns is of at most one row. */
export function isUnique(table: CatalogueTable, columns: readonly string[]): boolean {
  const keys = table.primaryKey.length > 0 ? [table.primaryKey, ...table.uniques] : table.uniques;
  return keys.some((key) => key.every((name) => columns.includes(name)));
}
