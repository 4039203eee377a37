import { columnOf, kindOf, type CatalogueTable } from './catalogue.js';
import { isOptional, type Reference } from './reference.js';
import { singular, wordsOf } from './words.js';

/** A stem of fewer letters abbreviates nothing. */
const LEAST_LETTERS = 3;

/**
 * Old schemas, and many that an application keeps, declare no foreign keys: there the names say it. Tables are found by
 * their keys' names and by how their own begin, so that a thousand of them take no million comparisons.
 */
export class KeyIndex {
  readonly #byKey = new Map<string, Set<CatalogueTable>>();
  readonly #byName = new Map<string, Set<CatalogueTable>>();

  constructor(tables: readonly CatalogueTable[]) {
    for (const table of tables) {
      const keys = singleKeys(table);
      for (const key of keys) put(this.#byKey, key, table);
      if (keys.length > 0) put(this.#byName, beginning(wordsOf(table.name).at(-1) ?? ''), table);
    }
  }

  /** References of a table that no foreign key declares. */
  implied(table: CatalogueTable): readonly Reference[] {
    const taken = new Set(table.foreignKeys.flatMap(({ columns }) => columns));
    return table.columns.flatMap(({ name }) => {
      if (taken.has(name) || isOwnKey(table, name)) return [];
      const meant = this.#near(name)
        // `check_number` of a check is its own; only `parent_check` would be another's.
        .filter((to) => to !== table || partsOf(name)[0].length > 1)
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

  #near(column: string): readonly CatalogueTable[] {
    const stem = partsOf(column)[0].at(-1) ?? '';
    return [
      ...new Set([
        ...(this.#byKey.get(column) ?? []),
        ...(stem === '' ? [] : (this.#byName.get(beginning(stem)) ?? [])),
      ]),
    ];
  }
}

function put(into: Map<string, Set<CatalogueTable>>, name: string, table: CatalogueTable): void {
  const known = into.get(name);
  if (known === undefined) into.set(name, new Set([table]));
  else known.add(table);
}

function beginning(word: string): string {
  return word.slice(0, LEAST_LETTERS);
}

function singleKeys(table: CatalogueTable): readonly string[] {
  return [...new Set([table.primaryKey, ...table.uniques].filter((key) => key.length === 1).flat())];
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
  const isWholeKey = table.primaryKey.length === 1 && table.primaryKey[0] === column;
  return singleKeys(to).flatMap((key) => {
    if ((table === to && column === key) || !comparable(table, column, to, key)) return [];
    const closeness = closenessOf(column, to, key);
    // Keys of many tables may be called alike: a key refers only where it is called as the other table.
    if (closeness === 0 || (isWholeKey && closeness < NAMED_AS_TABLE)) return [];
    const isPrimary = to.primaryKey[0] === key ? 1 : 0;
    return [{ to, key, closeness: closeness + isPrimary + (to.schema === table.schema ? 0.5 : 0) }];
  });
}

function comparable(table: CatalogueTable, column: string, to: CatalogueTable, key: string): boolean {
  const [one, other] = [columnOf(table, column), columnOf(to, key)];
  if (one === undefined || other === undefined) return false;
  const [kind, wanted] = [kindOf(one), kindOf(other)];
  return kind === wanted && (kind === 'int' || kind === 'text' || kind === 'uuid');
}

/** `orders.customer_id`: the key is called so, and the table; the table alone; the key alone; the table with a word before it. */
const [SAME_AND_TABLE, NAMED_AS_TABLE, SAME_NAME, ENDS_AS_TABLE] = [8, 6, 4, 2];

/** 0: the column does not mean the key. A column of a key's own name is nearer than one with the table's. */
function closenessOf(column: string, to: CatalogueTable, key: string): number {
  const [stem, end] = partsOf(column);
  const [keyStem, keyEnd] = partsOf(key);
  const table = wordsOf(to.name);
  const named = table.at(-1) ?? '';
  const stemWord = stem.at(-1) ?? '';
  if (stemWord === '') return 0;
  const isTables = stemWord === named || (stemWord.length >= LEAST_LETTERS && named.startsWith(stemWord));
  if (column === key) {
    // `name` or `code` of one table is not that of another.
    return keyStem.length > 0 && end !== '' ? (isTables ? SAME_AND_TABLE : SAME_NAME) : 0;
  }
  if (!isTables || (end === '' && stem.length !== 1)) return 0;
  if (keyStem.length > 0 && keyStem.at(-1) !== named && !named.startsWith(keyStem.at(-1) ?? '')) return 0;
  if (end !== '' && end !== keyEnd && keyEnd !== 'id' && end !== 'id') return 0;
  return stem.length === 1 ? NAMED_AS_TABLE : ENDS_AS_TABLE;
}

/** `billing_customer_id` is [billing, customer] and id. */
function partsOf(column: string): [stem: readonly string[], end: string] {
  const words = wordsOf(column);
  const last = words.at(-1) ?? '';
  return ID_WORDS.has(singular(last)) ? [words.slice(0, -1), singular(last)] : [words, ''];
}
