import {
  fullName,
  isNameable,
  keyOf,
  nameablePart,
  type Catalogue,
  type CatalogueTable,
} from './catalogue.js';
import { pick } from './columns.js';
import type { Path } from './feed-draft.js';
import { nameScore, otherRoleOf } from './name-score.js';
import type { Reference } from './reference.js';
import { References } from './references.js';
import type { OtherRole, Role } from './vocabulary.js';
import { GUEST_WISHES } from './wishes/guest.js';
import { wordsOf } from './words.js';

/** A comment of few words is a name that somebody gave an unspeaking table. */
const FROM_COMMENT = 0.7;
const MAX_COMMENT_WORDS = 4;
/** A longer way from one table to another is no fact about it any more. */
const MAX_REFERENCES = 3;

/** A catalogue with its references: what every judgement is made from. */
export class World {
  readonly catalogue: Catalogue;
  readonly tables: readonly CatalogueTable[];
  readonly references: References;

  constructor(catalogue: Catalogue) {
    this.catalogue = catalogue;
    this.tables = catalogue.tables.filter(isNameable).map(nameablePart);
    this.references = new References(this.tables);
  }

  /** How surely a table's name, or its short comment, means a role: 0 to 1. */
  named(role: Role, table: CatalogueTable): number {
    const byName = nameScore(role, table.name);
    if (byName > 0 || table.comment === null) return byName;
    if (wordsOf(table.comment).length > MAX_COMMENT_WORDS) return 0;
    return nameScore(role, table.comment) * FROM_COMMENT;
  }

  otherRole(table: CatalogueTable): OtherRole | null {
    return otherRoleOf(table.name);
  }

  /** The easiest way from a table to another along its references; null: there is none, or only a long one. */
  path(from: CatalogueTable, to: CatalogueTable, options: PathOptions = {}): Path | null {
    const ways = this.#ways(from, to, options, []);
    return ways.toSorted((a, b) => costOf(a, options) - costOf(b, options))[0] ?? null;
  }

  #ways(from: CatalogueTable, to: CatalogueTable, options: PathOptions, before: Path): Path[] {
    if (before.length === MAX_REFERENCES) return [];
    return this.references.from(from).flatMap((reference): Path[] => {
      const way = [...before, reference];
      if (reference.to === to) return [way];
      const seen = way.some(({ from: passed }) => passed === reference.to);
      if (seen || options.through?.(reference.to) === false) return [];
      return this.#ways(reference.to, to, options, way);
    });
  }

  /** Holds people by their names, whatever the table is called. */
  hasPersonNames(table: CatalogueTable): boolean {
    return (
      (pick(table, GUEST_WISHES.firstName) ??
        pick(table, GUEST_WISHES.lastName) ??
        pick(table, GUEST_WISHES.wholeName)) !== null
    );
  }
}

export interface PathOptions {
  /** A table that is rather passed than another, where both ways are as long. */
  readonly rather?: (table: CatalogueTable) => boolean;
  /** Whether a table may be passed on the way. Default: all may. */
  readonly through?: (table: CatalogueTable) => boolean;
  /** Words of columns that name the row in another sense, and what that costs: who made the entry, who recommended whom. */
  readonly otherSense?: ReadonlyMap<string, number>;
}

function costOf(path: Path, options: PathOptions): number {
  return path.reduce((sum, reference) => sum + stepCost(reference, options), 0);
}

function stepCost(
  { columns, declared, optional, to }: Reference,
  { otherSense, rather }: PathOptions,
): number {
  const words = columns.flatMap((name) => wordsOf(name));
  const other = Math.max(0, ...words.map((word) => otherSense?.get(word) ?? 0));
  return 1 + (declared ? 0 : 0.3) + (optional ? 0.2 : 0) + other - (rather?.(to) === true ? 0.1 : 0);
}

/** `public.orders.customer_id`. */
export function placeOf({ from, columns }: Reference): string {
  return columns.length === 1
    ? `${fullName(from)}.${columns[0]}`
    : `${fullName(from)} (${columns.join(', ')})`;
}

export function hasKey(table: CatalogueTable): boolean {
  return keyOf(table) !== null;
}
