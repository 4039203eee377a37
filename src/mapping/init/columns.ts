import { kindOf, type CatalogueColumn, type CatalogueTable, type ColumnKind } from './catalogue.js';
import { endsWith, wordsOf } from './words.js';

/** What a column must be to give a value. */
export interface Wish {
  readonly kinds: readonly ColumnKind[];
  /** Names in words, by how surely they mean the value, 0 to 1. */
  readonly names: readonly (readonly [weight: number, names: string])[];
  /** Words that, standing before the name, make it another's: `tax` before `amount`. */
  readonly not?: string;
}

export interface Found {
  readonly column: CatalogueColumn;
  readonly score: number;
}

const AFTER_OTHER_WORDS = 0.7;
const FROM_COMMENT = 0.6;
/** A longer comment is prose and no name. */
const MAX_COMMENT_WORDS = 4;
const ENOUGH = 0.45;

/** The column of a table that fits a wish best; null: none does. */
export function pick(
  table: CatalogueTable,
  wish: Wish,
  except: (column: CatalogueColumn) => boolean = () => false,
): Found | null {
  return picks(table, wish, except)[0] ?? null;
}

/** All that fit, best first. */
export function picks(
  table: CatalogueTable,
  wish: Wish,
  except: (column: CatalogueColumn) => boolean = () => false,
): readonly Found[] {
  const own = wordsOf(table.name);
  return table.columns
    .filter((column) => wish.kinds.includes(kindOf(column)) && !except(column))
    .map((column) => ({ column, score: scoreOf(column, wish, own) }))
    .filter(({ score }) => score >= ENOUGH)
    .toSorted((a, b) => b.score - a.score);
}

function scoreOf(column: CatalogueColumn, wish: Wish, own: readonly string[]): number {
  const words = wordsOf(column.name);
  const forms = [words, withoutOwn(words, own)].flatMap((each) => [each, withoutUnit(each)]);
  const byName = Math.max(...forms.map((form) => matched(form, wish)));
  if (byName > 0 || column.comment === null) return byName;
  const comment = wordsOf(column.comment);
  return comment.length > MAX_COMMENT_WORDS ? 0 : matched(comment, wish) * FROM_COMMENT;
}

function matched(words: readonly string[], wish: Wish): number {
  const { phrases, not } = readingOf(wish);
  if (words.some((word) => not.has(word))) return 0;
  let best = 0;
  for (const { phrase, weight } of phrases) {
    if (!endsWith(words, phrase)) continue;
    best = Math.max(best, weight * (words.length === phrase.length ? 1 : AFTER_OTHER_WORDS));
  }
  return best;
}

/** `cust_first` of `customers` is its `first`. */
function withoutOwn(words: readonly string[], own: readonly string[]): readonly string[] {
  const [first] = words;
  if (words.length < 2 || first === undefined || first.length < 3) return words;
  return own.some((word) => word.startsWith(first)) ? words.slice(1) : words;
}

/** `gift_balance_cents` is a gift balance. */
function withoutUnit(words: readonly string[]): readonly string[] {
  return words.length > 1 && words.at(-1) === 'cent' ? words.slice(0, -1) : words;
}

interface Reading {
  readonly phrases: readonly { readonly phrase: readonly string[]; readonly weight: number }[];
  readonly not: ReadonlySet<string>;
}

const readings = new WeakMap<Wish, Reading>();

/** Wishes are read as names are, so that `checkin` is `check in` here and there. */
function readingOf(wish: Wish): Reading {
  const known = readings.get(wish);
  if (known !== undefined) return known;
  const made = {
    phrases: wish.names.flatMap(([weight, list]) =>
      list.split(', ').map((name) => ({ phrase: wordsOf(name), weight })),
    ),
    not: new Set(wordsOf(wish.not ?? '')),
  };
  readings.set(wish, made);
  return made;
}
