import type { RecordName } from '../record-names.js';
import { fullName, type CatalogueTable } from './catalogue.js';
import type { Confidence, Line, ProposedFeed, ProposedJoin, Value } from './proposal.js';
import type { Reference } from './reference.js';
import { wordsOf } from './words.js';
import { spokenName } from './name-score.js';

/** References one after the other, each from where the one before it leads. */
export type Path = readonly Reference[];

export interface DraftOptions {
  readonly record: RecordName;
  readonly table: CatalogueTable;
  readonly confidence: Confidence;
  readonly notes: readonly string[];
  /** Default false. */
  readonly offered?: boolean;
}

/** A feed while it is being put together: it remembers which joins its values need. */
export class FeedDraft {
  readonly table: CatalogueTable;
  readonly #options: DraftOptions;
  readonly #joins: (ProposedJoin & { readonly to: CatalogueTable })[] = [];
  readonly #lines: Line[] = [];
  readonly #notes: string[];
  readonly #where = new Map<string, unknown>();

  constructor(options: DraftOptions) {
    this.#options = options;
    this.table = options.table;
    this.#notes = [...options.notes];
  }

  set(column: string, value: Value, why: string | null = null): void {
    this.#lines.push({ column, value, why, offered: false });
  }

  /** A line that a person has to decide on. */
  offer(column: string, value: Value, why: string): void {
    this.#lines.push({ column, value, why, offered: true });
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  where(column: string, condition: readonly string[] | { readonly set: true }): void {
    this.#where.set(column, condition);
  }

  /** The key of the row that a path leads to, by joins where it takes them. */
  keyAt(path: Path, key: readonly string[]): Value {
    const last = path.at(-1);
    if (last === undefined) return idOf(key);
    const own = key.map((name) => last.columns[last.referenced.indexOf(name)]);
    if (own.every((name) => name !== undefined)) return idOf(this.#named(this.join(path.slice(0, -1)), own));
    return idOf(this.#named(this.join(path), key));
  }

  /** A column of the row that a path leads to. */
  at(path: Path, column: string): string {
    return this.#named(this.join(path), [column])[0] ?? column;
  }

  /** The name of the join at the end of a path; null for the feed's own table. */
  join(path: Path): string | null {
    let via: string | null = null;
    for (const reference of path) via = this.#joined(via, reference);
    return via;
  }

  #joined(via: string | null, { to, columns, referenced }: Reference): string {
    const on = Object.fromEntries(
      referenced.map((name, index) => [name, this.#named(via, [columns[index] ?? name])[0] ?? name]),
    );
    const known = this.#joins.find((join) => join.to === to && sameOn(join.on, on));
    if (known !== undefined) return known.name;
    const name = this.#freeName(to, columns);
    this.#joins.push({ name, table: fullName(to), on, to });
    return name;
  }

  #freeName(to: CatalogueTable, columns: readonly string[]): string {
    const taken = new Set(this.#joins.map(({ name }) => name));
    // A name may be of no letters at all.
    const plain = spokenName(to.name) || 'other';
    if (!taken.has(plain)) return plain;
    const byColumn = `${plain}_of_${wordsOf(columns[0] ?? '').join('_')}`;
    let name = byColumn;
    for (let count = 2; taken.has(name); count += 1) name = `${byColumn}_${count}`;
    return name;
  }

  #named(via: string | null, columns: readonly string[]): string[] {
    return columns.map((name) => (via === null ? name : `${via}.${name}`));
  }

  finish(): ProposedFeed {
    const { record, confidence, offered } = this.#options;
    return {
      tag: 'feed',
      record,
      table: fullName(this.table),
      confidence,
      notes: this.#notes,
      where: Object.fromEntries(this.#where),
      joins: this.#joins.map(({ name, table, on }) => ({ name, table, on })),
      lines: this.#lines,
      offered: offered ?? false,
    };
  }
}

/** One column is itself an id; several make one together. */
export function idOf(columns: readonly string[]): Value {
  const [only] = columns;
  return columns.length === 1 && only !== undefined ? only : { id: columns };
}

function sameOn(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
