import { fullName, type CatalogueTable } from './catalogue.js';
import { KeyIndex } from './implied-references.js';
import { isOptional, type Reference } from './reference.js';

export class References {
  readonly #from = new Map<string, Reference[]>();
  readonly #to = new Map<string, Reference[]>();

  constructor(tables: readonly CatalogueTable[]) {
    const byName = new Map(tables.map((table) => [fullName(table), table]));
    const keys = new KeyIndex(tables);
    for (const table of tables) {
      for (const reference of [...declared(table, byName), ...keys.implied(table)]) this.#add(reference);
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
    put(this.#from, from, reference);
    put(this.#to, to, reference);
  }
}

function put(into: Map<string, Reference[]>, name: string, reference: Reference): void {
  const known = into.get(name);
  if (known === undefined) into.set(name, [reference]);
  else known.push(reference);
}

function declared(table: CatalogueTable, byName: ReadonlyMap<string, CatalogueTable>): Reference[] {
  return table.foreignKeys.flatMap(({ columns, references, referenced }) => {
    const to = byName.get(references);
    if (to === undefined) return [];
    return [{ from: table, columns, to, referenced, declared: true, optional: isOptional(table, columns) }];
  });
}
