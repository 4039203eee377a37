import { columnOf, fullName, kindOf, type CatalogueTable } from './catalogue.js';
import { singular, wordsOf } from './words.js';

/** A row of one table names a row of another. */
export interface Reference {
  readonly from: CatalogueTable;
  readonly columns: readonly string[];
  readonly to: CatalogueTable;
  /** A unique key of `to`, in the order of `columns`. */
  readonly referenced: readonly string[];
  /** False: no foreign key says so, the names do. */
  readonly declared: boolean;
  /** Some rows may name none. */
  readonly optional: boolean;
}

export class References {
  readonly #from = new Map<string, Reference[]>();
  readonly #to = new Map<string, Reference[]>();

  constructor(tables: readonly CatalogueTable[]) {
    const byName = new Map(tables.map((table) => [fullName(table), table]));
    for (const table of tables) {
      for (const reference of [...declared(table, byName), ...implied(table, tables)]) this.#add(reference);
    }
  }

  from(table: CatalogueTable): readonly Reference[] {
    return this.#from.get(fullName(table)) ?? [];
  }

  to(table: CatalogueTable): readonly Reference[] {
    return this.#to.get(fullName(table)) ?? [];
  }

  /** Columns that name a row of another table. */
  isReference(table: CatalogueTable, column: string): boolean {
    return this.from(table).some(({ columns }) => columns.includes(column));
  }

  #add(reference: Reference): void {
    const [from, to] = [fullName(reference.from), fullName(reference.to)];
    this.#from.set(from, [...(this.#from.get(from) ?? []), reference]);
    this.#to.set(to, [...(this.#to.get(to) ?? []), reference]);
  }
}

function declared(table: CatalogueTable, byName: ReadonlyMap<string, CatalogueTable>): Reference[] {
  return table.foreignKeys.flatMap(({ columns, references, referenced }) => {
    const to = byName.get(references);
    if (to === undefined) return [];
    return [{ from: table, columns, to, referenced, declared: true, optional: isOptional(table, columns) }];
  });
}

function isOptional(table: CatalogueTable, columns: readonly string[]): boolean {
  return columns.some((name) => columnOf(table, name)?.nullable !== false);
}

/** Old schemas, and many that an application keeps, declare no foreign keys: there the names say it. */
function implied(table: CatalogueTable, tables: readonly CatalogueTable[]): Reference[] {
  const taken = new Set(table.foreignKeys.flatMap(({ columns }) => columns));
  return table.columns.flatMap(({ name }) => {
    if (taken.has(name) || isOwnKey(table, name)) return [];
    const meant = tables
      .filter((to) => to !== table || !table.primaryKey.includes(name))
      .flatMap((to) => keysMeant(table, name, to))
      .toSorted((a, b) => b.closeness - a.closeness);
    const [best, second] = meant;
    // Two tables that are meant alike: neither is.
    if (best === undefined || second?.closeness === best.closeness) return [];
    const { to, key } = best;
    const optional = isOptional(table, [name]);
    return [{ from: table, columns: [name], to, referenced: [key], declared: false, optional }];
  });
}

/** `members.member_no` names its own table's rows, whatever other table has it as its key too. */
function isOwnKey(table: CatalogueTable, column: string): boolean {
  if (table.primaryKey.length !== 1 || table.primaryKey[0] !== column) return false;
  return partsOf(column)[0].at(-1) === wordsOf(table.name).at(-1);
}

interface Meant {
  readonly to: CatalogueTable;
  readonly key: string;
  readonly closeness: number;
}

const ID_WORDS = new Set([
  'id',
  'no',
  'number',
  'num',
  'nr',
  'code',
  'key',
  'ref',
  'uuid',
  'guid',
  'sk',
  'fk',
  'pk',
]);

function keysMeant(table: CatalogueTable, column: string, to: CatalogueTable): Meant[] {
  const keys = [to.primaryKey, ...to.uniques].filter((key) => key.length === 1).flat();
  return [...new Set(keys)].flatMap((key) => {
    if (table === to && column === key) return [];
    if (!comparable(table, column, to, key)) return [];
    const closeness = closenessOf(column, to, key);
    return closeness === 0 ? [] : [{ to, key, closeness: closeness + (to.primaryKey[0] === key ? 1 : 0) }];
  });
}

function comparable(table: CatalogueTable, column: string, to: CatalogueTable, key: string): boolean {
  const [one, other] = [columnOf(table, column), columnOf(to, key)];
  if (one === undefined || other === undefined) return false;
  const [kind, wanted] = [kindOf(one), kindOf(other)];
  return kind === wanted && (kind === 'int' || kind === 'text' || kind === 'uuid');
}

/** 0: the column does not mean the key. A column of a key's own name is nearer than one with the table's. */
function closenessOf(column: string, to: CatalogueTable, key: string): number {
  const [stem, end] = partsOf(column);
  const [keyStem, keyEnd] = partsOf(key);
  const table = wordsOf(to.name);
  const named = table.at(-1) ?? '';
  const stemWord = stem.at(-1) ?? '';
  if (stemWord === '') return 0;
  const isTables = stemWord === named || (stemWord.length >= 3 && named.startsWith(stemWord));
  if (column === key) {
    // `name` or `code` of one table is not that of another.
    return keyStem.length > 0 && end !== '' ? (isTables ? 8 : 4) : 0;
  }
  if (!isTables || (end === '' && stem.length !== 1)) return 0;
  if (keyStem.length > 0 && keyStem.at(-1) !== named && !named.startsWith(keyStem.at(-1) ?? '')) return 0;
  if (end !== '' && end !== keyEnd && keyEnd !== 'id' && end !== 'id') return 0;
  return stem.length === 1 ? 6 : 2;
}

/** `billing_customer_id` is [billing, customer] and id. */
function partsOf(column: string): [stem: readonly string[], end: string] {
  const words = wordsOf(column);
  const last = words.at(-1) ?? '';
  return ID_WORDS.has(singular(last)) ? [words.slice(0, -1), singular(last)] : [words, ''];
}
