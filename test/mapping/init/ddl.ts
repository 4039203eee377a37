import { readFileSync } from 'node:fs';
import type {
  Catalogue,
  CatalogueColumn,
  CatalogueTable,
  ForeignKey,
} from '../../../src/mapping/init/catalogue.js';

export const SCHEMAS = [
  'wholesale',
  'legacy-brand',
  'rental-shop',
  'hotel',
  'cinema',
  'coffee-shop',
  'web-shop',
  'gym',
] as const;
export type SchemaName = (typeof SCHEMAS)[number];

export function ddlOf(schema: SchemaName): string {
  return readFileSync(new URL(`schemas/${schema}.sql`, import.meta.url), 'utf8');
}

export interface ReadDdlOptions {
  /** Values of columns of codes, by `schema.table.column`. */
  readonly codes?: Readonly<Record<string, readonly string[]>>;
  readonly serverZone?: string;
}

/**
 * A catalogue of the files beside this one without a server: types as the catalog names them, a column a line. That a server
 * reads the same of them is a test of its own.
 */
export function catalogueOf(ddl: string, options: ReadDdlOptions = {}): Catalogue {
  const tables = [...ddl.matchAll(/CREATE TABLE (\S+) \(\n([\s\S]*?)\n\);/g)].map(
    ([, name = '', body = '']) => tableOf(bare(name), body.split(',\n'), options.codes ?? {}),
  );
  const ordered = tables.toSorted((a, b) => (full(a) < full(b) ? -1 : 1));
  return { database: 'brand', serverZone: options.serverZone ?? 'America/New_York', tables: ordered };
}

function tableOf(
  name: string,
  lines: readonly string[],
  codes: NonNullable<ReadDdlOptions['codes']>,
): CatalogueTable {
  const [schema, table] = name.includes('.') ? (name.split('.') as [string, string]) : ['public', name];
  const columns: CatalogueColumn[] = [];
  const uniques: string[][] = [];
  const foreignKeys: ForeignKey[] = [];
  let primaryKey: string[] = [];
  for (const line of lines.map((each) => each.trim())) {
    const [, listed] = /^PRIMARY KEY \((.*)\)$/.exec(line) ?? [];
    if (listed !== undefined) {
      primaryKey = listed.split(', ').map(bare);
      continue;
    }
    const [, from, to = '', keys = ''] = /^FOREIGN KEY \((.*)\) REFERENCES (\S+) \((.*)\)$/.exec(line) ?? [];
    if (from !== undefined) {
      foreignKeys.push({ columns: from.split(', '), references: inSchema(to), referenced: keys.split(', ') });
      continue;
    }
    const [, quoted = '', type = '', rest = ''] = /^(\S+) (\w+)(?:\([\d,]+\))?(.*)$/.exec(line) ?? [];
    const column = bare(quoted);
    if (rest.includes('PRIMARY KEY')) primaryKey = [column];
    if (rest.includes('UNIQUE')) uniques.push([column]);
    const [, other, key] = /REFERENCES (\S+) \((\S+)\)/.exec(rest) ?? [];
    if (other !== undefined && key !== undefined) {
      foreignKeys.push({ columns: [column], references: inSchema(other), referenced: [bare(key)] });
    }
    const values = codes[`${schema}.${table}.${column}`] ?? null;
    columns.push({ name: column, type, nullable: !/PRIMARY KEY|NOT NULL/.test(rest), comment: null, values });
  }
  const notNull = columns.map((column) =>
    primaryKey.includes(column.name) ? { ...column, nullable: false } : column,
  );
  return {
    schema,
    name: table,
    comment: null,
    rows: null,
    columns: notNull,
    primaryKey,
    uniques,
    foreignKeys,
    readable: true,
  };
}

function inSchema(name: string): string {
  return bare(name).includes('.') ? bare(name) : `public.${bare(name)}`;
}

function bare(name: string): string {
  return name.replaceAll('"', '');
}

function full({ schema, name }: CatalogueTable): string {
  return `${schema}.${name}`;
}
