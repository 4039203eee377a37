/**
 * Names of tables and columns as words: `OrderItems`, `tbl_order_items` and `orderitem` all hold `order` and `item`. Words are
 * in small letters and in the singular, so that lists of synonyms need one form of each.
 */

/** Words that are written together with others often enough to be worth taking apart. */
const PARTS = new Set(
  (
    'account address amount balance birth booking branch business card charge check city client code contact country create created ' +
    'customer date detail due email employee entity family first full gift given guest header invoice item last latitude ledger line ' +
    'location longitude loyalty member name number opt order outlet payment person phone point postal price product purchase receipt ' +
    'reload rental response reward sale ship shop state status store survey tax ticket time topup total transaction type unit update ' +
    'updated user value visit zip zone'
  ).split(' '),
);
/** Only at the end of a word of the above: `customerid`, `orderno`. */
const SHORT_ENDS = new Set(['id', 'no', 'at', 'nr', 'in']);

/** Ends in `s` and is no plural. */
const SINGULARS = new Set([
  'sms',
  'pos',
  'gps',
  'gas',
  'news',
  'series',
  'always',
  'cosmos',
  'lens',
  'canvas',
]);
const IRREGULAR: ReadonlyMap<string, string> = new Map([
  ['people', 'person'],
  ['persons', 'person'],
  ['children', 'child'],
  ['men', 'man'],
  ['women', 'woman'],
  ['movies', 'movie'],
  ['cookies', 'cookie'],
  ['buses', 'bus'],
  ['statuses', 'status'],
  ['bonuses', 'bonus'],
  ['ids', 'id'],
  ['ins', 'in'],
  ['nos', 'no'],
  ['cents', 'cent'],
  ['staves', 'staff'],
  ['criteria', 'criterion'],
]);

const known = new Map<string, readonly string[]>();
/** Far more than the names of a large database. */
const MAX_KNOWN = 100_000;

export function wordsOf(name: string): readonly string[] {
  const before = known.get(name);
  if (before !== undefined) return before;
  const words = taken(name);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(name, words);
  return words;
}

function taken(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .replaceAll(/([A-Za-z])(\d)/g, '$1 $2')
    .replaceAll(/(\d)([A-Za-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== '')
    .flatMap((part) => apart(part))
    .map((part) => singular(part));
}

function apart(part: string): readonly string[] {
  return PARTS.has(singular(part)) ? [part] : (partsOf(part) ?? [part]);
}

/** `salesorderid` as sales, order and id; null: it is not all of known words. */
function partsOf(part: string): readonly string[] | null {
  if (PARTS.has(singular(part))) return [part];
  for (let at = part.length - 2; at >= 3; at -= 1) {
    const [head, tail] = [part.slice(0, at), part.slice(at)];
    if (!PARTS.has(singular(head))) continue;
    if (SHORT_ENDS.has(singular(tail))) return [head, tail];
    const rest = partsOf(tail);
    if (rest !== null) return [head, ...rest];
  }
  return null;
}

export function singular(word: string): string {
  const irregular = IRREGULAR.get(word);
  if (irregular !== undefined) return irregular;
  if (word.length < 4 || !word.endsWith('s') || SINGULARS.has(word) || /(ss|us|is)$/.test(word)) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(sses|ches|shes|xes|zes)$/.test(word)) return word.slice(0, -2);
  return word.slice(0, -1);
}

/** Whether `words` ends with `phrase`. */
export function endsWith(words: readonly string[], phrase: readonly string[]): boolean {
  const from = words.length - phrase.length;
  return from >= 0 && phrase.every((word, index) => words[from + index] === word);
}
