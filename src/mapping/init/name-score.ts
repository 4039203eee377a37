import { VOCABULARY, type OtherRole, type Role } from './vocabulary.js';
import { endsWith, wordsOf } from './words.js';

interface Name {
  readonly words: readonly string[];
  readonly weight: number;
}

/** The longest first: `points ledger` is no ledger among others. */
const NAMES = new Map(
  Object.entries(VOCABULARY).map(([role, { names }]): [string, readonly Name[]] => [
    role,
    names
      .flatMap(([weight, list]) => list.split(', ').map((name) => ({ words: wordsOf(name), weight })))
      .toSorted((a, b) => b.words.length - a.words.length || b.weight - a.weight),
  ]),
);

/** Words that say nothing of what a table is. */
const LEADING_NOISE = new Set('tbl tb t dim fact fct app dbo crm core my all'.split(' '));
const TRAILING_NOISE = new Set(
  'header hdr head master mst main table tbl info information record rec data dim fact list base'.split(' '),
);
const BARE = 1;
const WITH_OTHER_WORDS = 0.93;
const MEANS_SOMETHING_ELSE = 0.3;

/** How surely a table's name means a role, 0 to 1. */
export function nameScore(role: Role, tableName: string): number {
  const words = meaningful(wordsOf(tableName));
  const found = NAMES.get(role)?.find((name) => endsWith(words, name.words));
  if (found === undefined) return 0;
  const before = words.slice(0, words.length - found.words.length);
  const others = wordsOf(VOCABULARY[role].not ?? '');
  if (before.some((word) => others.includes(word))) return found.weight * MEANS_SOMETHING_ELSE;
  return found.weight * (before.length === 0 ? BARE : WITH_OTHER_WORDS);
}

/** A table's name without what says nothing: `tbl_order_header` is an order. */
export function spokenName(tableName: string): string {
  return meaningful(wordsOf(tableName)).join('_');
}

function meaningful(words: readonly string[]): readonly string[] {
  let [from, to] = [0, words.length];
  while (to - from > 1 && TRAILING_NOISE.has(words[to - 1] ?? '')) to -= 1;
  while (to - from > 1 && LEADING_NOISE.has(words[from] ?? '')) from += 1;
  return words.slice(from, to);
}

const OTHER_ROLES: readonly OtherRole[] = [
  'copy',
  'machinery',
  'line',
  'staff',
  'place',
  'supplier',
  'product',
  'device',
  'tenant',
];
const PLAIN_ENOUGH = 0.5;

/** The part that a table most likely plays besides the records; null: none that its name tells. */
export function otherRoleOf(tableName: string): OtherRole | null {
  const [best] = OTHER_ROLES.map((role) => ({ role, score: nameScore(role, tableName) }))
    .filter(({ score }) => score >= PLAIN_ENOUGH)
    .toSorted((a, b) => b.score - a.score);
  return best?.role ?? null;
}
